"""Where a sealing certificate comes from: a file, a URL, or the controller of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sealer.cluster.controller import Controller
from sealer.cluster.location import Location
from sealer.cluster.web import DownloadError, address, fetch, is_url, shown
from sealer.keys.certificate import Certificate

_CERTIFICATE_PATH = "/cert.pem"
_KEYS_PATH = "/keys.json"


@dataclass(frozen=True, slots=True)
class Source:
    """One place that says what to seal with; nothing is asked before it is called."""

    title: str
    """For people, without credentials."""
    certificate: Callable[[], Certificate]
    """Asked once, so that what was judged is what seals; raises SealerError."""
    place: Callable[[], str]
    """What it is remembered by; empty for a file, which whoever keeps it vouches for."""
    key_list: Callable[[], bytes]
    """What the controller announces, empty where nothing is announced."""

    @classmethod
    def file_or_url(cls, location: str, *, alone: bool = False) -> Source:
        """A PEM file, ``file://`` or an http(s) URL; ``alone`` as for ``read_certificate``."""
        from sealer.cluster.certificate import read_certificate

        return cls(
            title=shown(location),
            certificate=cache(lambda: read_certificate(location, alone=alone)),
            place=lambda: address(location) if is_url(location) else "",
            key_list=lambda: _fetched_list(location) if is_url(location) else b"",
        )

    @classmethod
    def controller(
        cls, location: Location, controller: Controller | None = None, *, title: str = ""
    ) -> Source:
        """The controller there; ``controller`` where it is asked for other things, too."""
        asked = controller or Controller.at(location)
        return cls(
            title=title or shown(location.url) or f"{location.namespace}/{location.name}",
            certificate=cache(lambda: Certificate.from_pem(asked.certificate())),
            place=lambda: asked.place,
            key_list=asked.key_list,
        )


def _fetched_list(location: str) -> bytes:
    """The list beside a certificate that a controller serves, or an Ingress before it."""
    url, mark, query = location.partition("?")
    if not url.endswith(_CERTIFICATE_PATH):
        return b""
    try:
        return fetch(url.removesuffix(_CERTIFICATE_PATH) + _KEYS_PATH + mark + query)
    except DownloadError:
        return b""
