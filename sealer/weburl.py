"""An http(s) URL as people give it: what is asked of the network, and what may be shown of it.

Credentials in it are sent as basic authentication, as curl and Go do, and never shown; nor is a
query, for signatures of pre-signed URLs stand there.
"""

from __future__ import annotations

import re

# The password may hold "@" and, wrongly, "/": what comes before the last "@" is none of the
# host's, unless the host before a "/" is one without a word after its colon.
_PARTS = re.compile(r"(https?://)([^/?#]*)([^?#]*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(\[[^\]]*\]|[^:@]*)(:\d*)?")


def is_url(location: str) -> bool:
    """Whether this names an http or https URL and not a file."""
    return location.lower().startswith(("http://", "https://"))


def shown(location: str) -> str:
    """A location for people: ``https://user:***@host/path``; what is no URL stays as it is."""
    if not is_url(location):
        return location
    scheme, userinfo, rest = _split(location)
    if userinfo is None:
        host, slash, _ = rest.partition("/")
        # A word for a port is a password that was cut by a "?".
        return scheme + (rest if _HOST.fullmatch(host) else f"{host.partition(':')[0]}:***{slash}")
    # A name alone may be a token.
    user, colon, _ = userinfo.partition(":")
    return f"{scheme}{user}:***@{rest}" if colon else f"{scheme}***@{rest}"


def request_of(location: str) -> tuple[str, dict[str, str]]:
    """The URL to ask, without credentials, and the header that they make."""
    scheme, userinfo, rest = _split(location)
    if userinfo is None:
        return location, {}
    import base64
    from urllib.parse import unquote_to_bytes

    user, _, password = userinfo.partition(":")
    plain = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    query = location[len(f"{scheme}{userinfo}@{rest}") :]
    return scheme + rest + query, {"Authorization": f"Basic {base64.b64encode(plain).decode()}"}


def _split(location: str) -> tuple[str, str | None, str]:
    """Scheme, credentials (None without), and host with path; query and fragment are left out."""
    found = _PARTS.match(location)
    if found is None:
        return "", None, location
    scheme, authority, path = found.groups()
    if "@" in authority:
        userinfo, _, host = authority.rpartition("@")
        return scheme, userinfo, host + path
    if "@" in path and not _HOST.fullmatch(authority):
        userinfo, _, rest = (authority + path).rpartition("@")
        return scheme, userinfo, rest
    return scheme, None, authority + path
