"""The page as one HTML file, and what a page that somebody has was made from.

Its policy lets it run these very sources and load, send or embed nothing. What people named or
certified stands in it as data: nothing of theirs is ever markup or script.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

from sealer import __version__
from sealer.errors import SealerError
from sealer.page.clusters import Cluster
from sealer.page.modules import join

MAX_BYTES = 8 * 1024 * 1024
"""Of a page to check."""
_SLOT = re.compile(r"@@(\w+)@@")
_DATA = re.compile(r'<script type="application/json" id="clusters">([^<]*)</script>')
_VERSION = re.compile(r'<meta name="generator" content="seal ([^"<>]{1,100})">')
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_CLOSING = re.compile(r"</(?:script|style)|<!--|@@", re.IGNORECASE)
ENTRY = "page.js"


class PageError(SealerError):
    """A file that is no page of ours."""


def build(clusters: Sequence[Cluster]) -> bytes:
    """The page for these clusters, one at least; the same bytes for the same clusters."""
    parts = dict(_parts())
    template = parts.pop("page.html")
    data = json.dumps([cluster.to_dict() for cluster in clusters], indent=1, ensure_ascii=False)
    parts["clusters"] = data.translate(_ESCAPES)
    # One pass: what is filled in is never looked at again.
    return _SLOT.sub(lambda slot: parts[slot[1]], template).encode()


def policy() -> str:
    """The page's Content-Security-Policy, as it stands in the page as well."""
    return _parts()["policy"]


def clusters_in(page: bytes) -> list[Cluster]:
    """The clusters that a page names; PageError where it is none of ours."""
    found = _DATA.findall(_text(page))
    try:
        data = json.loads(found[0]) if len(found) == 1 else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        raise PageError("is not a page that seal made")
    return [Cluster.from_dict(one) for one in data]


def version_in(page: bytes) -> str:
    """The version of seal that a page says it is of; PageError where it says none."""
    found = _VERSION.findall(_text(page))
    if len(found) != 1:
        raise PageError("is not a page that seal made")
    return str(found[0])


def sources() -> dict[str, str]:
    """The page's own sources by file name."""
    folder = resources.files("sealer.page") / "web"
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}


@cache
def _parts() -> dict[str, str]:
    """All that is the same in every page, by the name of its place in the template."""
    files = sources()
    modules = {name: text for name, text in files.items() if name.endswith(".js")}
    script, style = join(modules, ENTRY), files["style.css"]
    if _CLOSING.search(script) or _CLOSING.search(style):
        raise PageError("a source of the page holds what ends it in HTML")
    rules = (
        "default-src 'none'",
        f"script-src 'sha256-{_digest(script)}'",
        f"style-src 'sha256-{_digest(style)}'",
        "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "page.html": files["page.html"],
        "policy": "; ".join(rules),
        "script": script,
        "style": style,
        "version": __version__,
    }


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _text(page: bytes) -> str:
    return page.decode("utf-8", "replace")
