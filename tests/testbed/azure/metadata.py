"""Where managed identities get their tokens: the node's metadata endpoint and its siblings.

Plain http on loopback, as on the hosts. Each speaks its own dialect
(https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token,
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.testbed.azure.entra import Entra

HEADER = "identity-header-7c"
"""What ``IDENTITY_HEADER`` and ``MSI_SECRET`` are to hold."""


@dataclass(frozen=True)
class Metadata:
    """Gives out tokens of one ``Entra`` for any resource, as on a node."""

    entra: Entra

    def application(self) -> web.Application:
        """All the dialects."""
        app = web.Application()
        app.router.add_get("/metadata/identity/oauth2/token", self._imds)
        app.router.add_get("/app-service", self._app_service)
        app.router.add_post("/cloud-shell", self._cloud_shell)
        app.router.add_get("/ml", self._ml)
        return app

    async def _imds(self, request: web.Request) -> web.Response:
        if request.headers.get("Metadata") != "true" or "api-version" not in request.query:
            return web.json_response({"error": "invalid_request"}, status=400)
        return self._answer(request.query, "client_id")

    async def _app_service(self, request: web.Request) -> web.Response:
        known = request.headers.get("X-IDENTITY-HEADER") == HEADER
        if not known or request.query.get("api-version") != "2019-08-01":
            return web.json_response({"error": "unauthorized"}, status=401)
        return self._answer(request.query, "client_id")

    async def _cloud_shell(self, request: web.Request) -> web.Response:
        if request.headers.get("Metadata") != "true":
            return web.json_response({"error": "invalid_request"}, status=400)
        return self._answer(await request.post(), "client_id")

    async def _ml(self, request: web.Request) -> web.Response:
        known = request.headers.get("secret") == HEADER
        if not known or request.query.get("api-version") != "2017-09-01":
            return web.json_response({"error": "unauthorized"}, status=401)
        return self._answer(request.query, "clientid")

    def _answer(self, asked: Any, name: str) -> web.Response:
        client, resource = asked.get(name, "system-assigned"), asked["resource"]
        app = self.entra.apps.get(client)
        self.entra.tokens.append((client, "ok" if app else "unknown"))
        if app is None:
            body = {"error": "invalid_request", "error_description": "Identity not found"}
            return web.json_response(body, status=400)
        return web.json_response(
            {
                "access_token": self.entra.issue(client, app.tenant, resource),
                "expires_in": str(self.entra.lifetime),
                "expires_on": str(int(self.entra.now()) + self.entra.lifetime),
                "resource": resource,
                "token_type": "Bearer",
            }
        )
