"""The token endpoint: who asks, with which proof; and the tokens that vaults accept."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class Federation:
    """A federated credential of an app: whose tokens it trusts."""

    issuer: str
    subject: str
    audience: str = EXCHANGE_AUDIENCE


@dataclass
class App:
    """An app registration or managed identity."""

    client: str
    tenant: str
    secret: str = ""
    certificate: x509.Certificate | None = None
    federations: list[Federation] = field(default_factory=list)


@dataclass
class Entra:
    """``tokens`` logs each token request: client id and outcome; ``asked`` where it arrived."""

    resources: dict[str, str] = field(default_factory=dict)
    """Authority host -> the resource that it knows: each cloud knows its own vaults only."""
    lifetime: int = 3600
    now: Callable[[], float] = time.time
    issuer_keys: Callable[[str], Any] | None = None
    """Issuer -> its JSON web key set, as its discovery document leads to."""
    apps: dict[str, App] = field(default_factory=dict)
    tokens: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Every token that was given out, and every secret and assertion that came in."""
    _key: str = field(default_factory=lambda: secrets.token_hex(32))

    def register(self, app: App) -> App:
        """Make an app known."""
        self.apps[app.client] = app
        return app

    def issue(self, client: str, tenant: str, resource: str) -> str:
        """An access token; opaque to clients, as Microsoft asks them to see it."""
        claims = {
            "aud": resource,
            "iss": _issuer(tenant),
            "tid": tenant,
            "appid": client,
            "exp": int(self.now()) + self.lifetime,
        }
        token = jwt.encode(claims, self._key, algorithm="HS256")
        self.seen.add(token)
        return token

    def read(self, token: str, tenant: str, resource: str) -> tuple[str, str]:
        """The client id of a token that is good for this resource and tenant, else why not."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=resource,
                options={"verify_exp": False},
            )
        except jwt.InvalidAudienceError:
            return "", f"AKV10022: Invalid audience. Expected {resource}."
        except jwt.InvalidTokenError:
            return "", "AKV10000: Request is missing a Bearer or PoP token."
        wanted = _issuer(tenant)
        if claims["iss"] != wanted or claims["tid"] != tenant:
            return "", f"AKV10032: Invalid issuer. Expected {wanted}, found {claims['iss']}."
        if claims["exp"] <= self.now():
            return "", "Error validating token: it has expired."
        return str(claims["appid"]), ""

    async def token(self, request: web.Request) -> web.Response:
        """POST /{tenant}/oauth2/v2.0/token, the client credentials grant."""
        form = await request.post()
        client, tenant = str(form.get("client_id", "")), request.match_info["tenant"]
        resource = self.resources.get(request.host, "https://unknown.invalid")
        problem = self._problem(form, client, tenant, request.host, resource)
        self.asked.append(request.host)
        proofs = ("client_secret", "client_assertion")
        self.seen |= {str(form[name]) for name in proofs if name in form}
        self.tokens.append((client, problem or "ok"))
        if problem:
            code = {"AADSTS7000215": "invalid_client", "AADSTS700016": "unauthorized_client"}
            body = {
                "error": code.get(problem, "invalid_client"),
                "error_description": f"{problem}: refused by the test's token endpoint.",
                "error_codes": [int(problem.removeprefix("AADSTS"))],
            }
            return web.json_response(body, status=401 if "7000215" in problem else 400)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "ext_expires_in": self.lifetime,
                "access_token": self.issue(client, tenant, resource),
            }
        )

    def _problem(self, form: Any, client: str, tenant: str, host: str, resource: str) -> str:
        """AADSTS code of what is wrong, empty where nothing is."""
        app = self.apps.get(client)
        if app is None or app.tenant != tenant:
            return "AADSTS700016"  # not in the directory
        if form.get("grant_type") != "client_credentials":
            return "AADSTS70003"
        if form.get("scope") != f"{resource}/.default":
            return "AADSTS500011"  # resource principal not found
        if "client_secret" in form:
            return "" if form["client_secret"] == app.secret != "" else "AADSTS7000215"
        if form.get("client_assertion_type") != _ASSERTION:
            return "AADSTS7000216"
        assertion = str(form["client_assertion"])
        header = jwt.get_unverified_header(assertion)
        if "x5t" in header or "x5t#S256" in header:
            return self._check_certificate(
                app, assertion, f"https://{host}/{tenant}/oauth2/v2.0/token"
            )
        return self._check_federation(app, assertion)

    def _check_certificate(self, app: App, assertion: str, audience: str) -> str:
        if app.certificate is None:
            return "AADSTS700027"
        der = app.certificate.public_bytes(Encoding.DER)
        header = jwt.get_unverified_header(assertion)
        # RFC 7515: the certificate's SHA-1, or its SHA-256 under the longer name.
        known = {"x5t": hashlib.sha1(der, usedforsecurity=False), "x5t#S256": hashlib.sha256(der)}
        for name, digest in known.items():
            wanted = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
            if name in header and header[name].rstrip("=") != wanted:
                return "AADSTS700027"
        try:
            claims = jwt.decode(
                assertion,
                app.certificate.public_key(),  # type: ignore[arg-type]
                algorithms=["RS256", "PS256"],
                audience=audience,
            )
        except jwt.InvalidTokenError:
            return "AADSTS700027"
        return "" if claims["iss"] == claims["sub"] == app.client else "AADSTS700027"

    def _check_federation(self, app: App, assertion: str) -> str:
        claims = jwt.decode(assertion, options={"verify_signature": False})
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        for known in app.federations:
            if (known.issuer, known.subject) == (claims["iss"], claims["sub"]):
                break
        else:
            return "AADSTS70021"  # no matching federated identity record
        if known.audience not in audiences:
            return "AADSTS700212"
        assert self.issuer_keys is not None
        keys = jwt.PyJWKSet.from_dict(self.issuer_keys(known.issuer))
        kid = jwt.get_unverified_header(assertion).get("kid")
        found = [key for key in keys.keys if key.key_id == kid]
        try:
            jwt.decode(assertion, found[0], algorithms=["RS256", "ES256"], audience=known.audience)
        except (IndexError, jwt.InvalidTokenError):
            return "AADSTS700211"
        return ""


def _issuer(tenant: str) -> str:
    return f"https://sts.windows.net/{tenant}/"
