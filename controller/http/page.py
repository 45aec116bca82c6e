"""The page that seals in a browser, served as ``seal page`` would write it.

Made once for each newest certificate. Its own policy stands in it; what a page cannot say of
itself, such as that no frame may hold it, is said by headers here.
"""

from __future__ import annotations

from aiohttp import web

from sealer.keys.certificate import Certificate
from sealer.page import Cluster, build
from sealer.page.document import policy

DEFAULT_NAME = "this cluster"


class Page:
    """The page for one cluster's certificate, whichever that is now."""

    def __init__(self, cluster_name: str) -> None:
        self._name = cluster_name or DEFAULT_NAME
        self._made: tuple[str, bytes] = ("", b"")
        # Read here, once: a request reads no files.
        self._headers = {
            "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    def answer(self, certificate: Certificate) -> web.Response:
        """The page for this certificate."""
        fingerprint, body = self._made
        if fingerprint != certificate.fingerprint:
            body = build([Cluster(self._name, certificate)])
            self._made = (certificate.fingerprint, body)
        return web.Response(
            body=body, content_type="text/html", charset="utf-8", headers=self._headers
        )
