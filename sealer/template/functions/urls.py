"""sprig's functions on URLs, by the rules of Go's net/url."""

from __future__ import annotations

from sealer.template import urls
from sealer.template.registry import CallError, Environment, Group
from sealer.template.values import Map

GROUP = Group()


@GROUP.function("urlParse", "func(string) map[string]interface {}")
def parse(text: bytes) -> Map:
    url = urls.parse(text)
    return Map(
        {
            b"scheme": url.scheme,
            b"host": url.host,
            b"hostname": urls.hostname(url.host),
            b"path": url.path,
            b"query": url.query,
            b"opaque": url.opaque,
            b"fragment": url.fragment,
            b"userinfo": b"" if url.user is None else url.user.text(),
        }
    )


@GROUP.function("urlJoin", "func(map[string]interface {}) string", takes_environment=True)
def join(environment: Environment, parts: Map) -> bytes:
    found = {}
    for key in (b"scheme", b"host", b"path", b"query", b"opaque", b"fragment", b"userinfo"):
        value = parts.get(key, b"")
        if not isinstance(value, bytes):
            raise CallError("a part of the URL is not a string")
        environment.allocate(3 * len(value))
        found[key.decode()] = value
    userinfo = found.pop("userinfo")
    user = urls.parse(b"proto://" + userinfo + b"@host").user if userinfo else None
    return urls.URL(**found, user=user).text()
