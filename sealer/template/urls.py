"""URLs by the rules of Go's net/url: what it takes, and how it writes them."""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import dataclass
from typing import Final

from sealer.template.registry import CallError

_PLAIN: Final = (string.ascii_letters + string.digits + "-._~").encode()
_PATH: Final = frozenset(_PLAIN + b"$&+,/:;=@")
_FRAGMENT: Final = frozenset(_PLAIN + b"!$&()*+,/:;=?@")
_USER: Final = frozenset(_PLAIN + b"$&+,;=")
_HOST: Final = frozenset(_PLAIN + b"!\"$&'()*+,:;<=>[]")
_USERINFO: Final = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})?")


@dataclass(frozen=True, slots=True, repr=False)
class User:
    """Name and perhaps a password."""

    name: bytes
    password: bytes | None = None

    def text(self) -> bytes:
        """Write it as it stands before the @."""
        name = escape(self.name, _USER)
        return name if self.password is None else name + b":" + escape(self.password, _USER)


@dataclass(frozen=True, slots=True, repr=False)
class URL:
    """The parts of a URL, without escapes."""

    scheme: bytes = b""
    opaque: bytes = b""
    user: User | None = None
    host: bytes = b""
    path: bytes = b""
    query: bytes = b""
    fragment: bytes = b""

    def text(self) -> bytes:
        """Write the URL, escaped."""
        out = self.scheme + b":" if self.scheme else b""
        out += self.opaque or self._authority_and_path(out)
        if self.query:
            out += b"?" + self.query
        return out + (b"#" + escape(self.fragment, _FRAGMENT) if self.fragment else b"")

    def _authority_and_path(self, before: bytes) -> bytes:
        out = b""
        if (self.scheme or self.host or self.user) and (self.host or self.path or self.user):
            user = self.user.text() + b"@" if self.user else b""
            out = b"//" + user + escape(self.host, _HOST)
        path = b"*" if self.path == b"*" else escape(self.path, _PATH)
        if path and not path.startswith(b"/") and self.host:
            out += b"/"
        if not before and not out and b":" in path.split(b"/", 1)[0]:
            out = b"./"
        return out + path


def escape(text: bytes, safe: frozenset[int]) -> bytes:
    """Write each byte that is not safe as %XX."""
    return b"".join(b"%c" % byte if byte in safe else b"%%%02X" % byte for byte in text)


def _unescape(text: bytes, *, host: bool = False) -> bytes:
    def byte(match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            raise CallError("unable to parse url: invalid escape")
        # In a host, escapes are for what is not ASCII.
        if host and int(match[1], 16) < 0x80 and match[1] != b"25":
            raise CallError("unable to parse url: invalid escape")
        return bytes([int(match[1], 16)])

    if host and any(each < 0x80 and each not in _HOST and each != 0x25 for each in text):
        raise CallError("unable to parse url: invalid character in host")
    return _ESCAPE.sub(byte, text)


def parse(text: bytes) -> URL:
    """Read a URL; CallError for what Go does not take."""
    before, _, fragment = text.partition(b"#")
    if re.search(rb"[\x00-\x1f\x7f]", before):
        raise CallError("unable to parse url: invalid control character")
    if before == b"*":
        return URL(path=b"*", fragment=_unescape(fragment))
    scheme, rest = _scheme(before)
    rest, _, query = rest.partition(b"?")
    user, host = None, b""
    if not rest.startswith(b"/"):
        if scheme:
            return URL(scheme=scheme, opaque=rest, query=query, fragment=_unescape(fragment))
        if b":" in rest.split(b"/", 1)[0]:
            raise CallError("unable to parse url: colon in the first segment of the path")
    if rest.startswith(b"//") and (scheme or not rest.startswith(b"///")):
        authority, slash, path = rest[2:].partition(b"/")
        rest = slash + path
        user, host = _authority(scheme, authority)
    return URL(
        scheme=scheme,
        user=user,
        host=host,
        path=_unescape(rest),
        query=query,
        fragment=_unescape(fragment),
    )


def hostname(host: bytes) -> bytes:
    """Return a host without port and brackets."""
    if b":" in host and re.fullmatch(rb":[0-9]*", host[host.rindex(b":") :]):
        host = host[: host.rindex(b":")]
    return host[1:-1] if host[:1] == b"[" and host[-1:] == b"]" else host


def _scheme(text: bytes) -> tuple[bytes, bytes]:
    if text.startswith(b":"):
        raise CallError("unable to parse url: missing protocol scheme")
    match = re.match(rb"([A-Za-z][A-Za-z0-9+\-.]*):", text)
    return (match[1].lower(), text[match.end() :]) if match else (b"", text)


def _authority(scheme: bytes, authority: bytes) -> tuple[User | None, bytes]:
    userinfo, at, host = authority.rpartition(b"@")
    found = _host(scheme, host)
    if not at:
        return None, found
    if not _USERINFO.fullmatch(userinfo):
        raise CallError("unable to parse url: invalid userinfo")
    name, colon, password = userinfo.partition(b":")
    return User(_unescape(name), _unescape(password) if colon else None), found


def _host(scheme: bytes, host: bytes) -> bytes:
    if b"[" in host:
        return _ip_literal(host)
    if b":" in host:
        strict = scheme in (b"http", b"https")
        _check_port(host[host.index(b":") if strict else host.rindex(b":") :])
    return _unescape(host, host=True)


def _check_port(port: bytes) -> None:
    if port and not re.fullmatch(rb":[0-9]*", port):
        raise CallError("unable to parse url: invalid port")


def _ip_literal(host: bytes) -> bytes:
    if host.rindex(b"[") > 0:
        raise CallError("unable to parse url: invalid IP-literal")
    address, bracket, port = host[1:].rpartition(b"]")
    if not bracket:
        raise CallError("unable to parse url: missing ']' in host")
    _check_port(port)
    name, escaped_percent, zone = address.partition(b"%25")
    plain = _unescape(name, host=True)
    if escaped_percent:
        plain += b"%" + _zone(zone)
    try:
        ipaddress.IPv6Address(plain.decode())
    except ValueError:
        raise CallError("unable to parse url: invalid host") from None
    return b"[" + plain + b"]" + port


def _zone(text: bytes) -> bytes:
    if any(each < 0x80 and each not in _HOST and each != 0x25 for each in text):
        raise CallError("unable to parse url: invalid character in host")
    zone = _unescape(text)
    for match in _ESCAPE.finditer(text):
        if match[1] not in (b"25", b"20") and int(match[1], 16) not in _HOST:
            raise CallError("unable to parse url: invalid escape")
    return zone
