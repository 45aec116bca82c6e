"""An http(s) URL as people give it: what is asked of the network, and what may be shown of it.

Credentials in it are sent as basic authentication, as curl and Go do, and never shown; nor is a
query, for signatures of pre-signed URLs stand there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sealer.cluster.answer import TIMEOUT_SECONDS, Answer, ClusterError, seconds_of
from sealer.errors import SealerError

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from urllib.request import Request

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


def address(location: str) -> str:
    """A URL as the network knows it: scheme and host in lower case, no credentials, no query."""
    scheme, _, rest = _split(location)
    host, slash, path = rest.partition("/")
    return scheme.lower() + host.lower() + slash + path


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


def opened(request: Request, timeout: float | None = None) -> HTTPResponse:
    """Send a request and follow redirects, but from https to http: URLError.

    What began encrypted and verified must not end where anybody in between can answer.
    """
    # urllib costs 30 ms to import, and most runs read a file.
    import errno
    import urllib.error
    import urllib.request

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: Request, fp: object, code: int, msg: str, headers: object, newurl: str
        ) -> Request | None:
            if req.full_url.lower().startswith("https:") and not newurl.startswith("https:"):
                words = "it redirects to plain http, which is not followed"
                raise urllib.error.URLError(OSError(errno.EPROTO, words))
            return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]

    answer: HTTPResponse = urllib.request.build_opener(Redirects).open(request, timeout=timeout)
    return answer


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


class UrlTransport:
    """The controller's own HTTP port, or an Ingress before it."""

    def __init__(self, url: str) -> None:
        self._base, self._credentials = request_of(url.rstrip("/"))
        self.place = f"{address(self._base)}/v1/cert.pem"

    def request(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send it; proxies from the environment are honoured, TLS is verified."""
        import urllib.error
        import urllib.request
        from http.client import HTTPException

        try:
            request = urllib.request.Request(self._base + path, data=body, method=method)  # noqa: S310 the user's URL
            request.add_header("Content-Type", "application/json")
            for name, value in self._credentials.items():
                # Not sent along where a redirect leads.
                request.add_unredirected_header(name, value)
            with opened(request, TIMEOUT_SECONDS) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), seconds_of(error.headers.get("Retry-After")))
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            # Other texts than the system's may quote the URL.
            words = getattr(reason, "strerror", None) or type(reason).__name__
            words = "no valid answer" if isinstance(reason, str) else words
            raise ClusterError(
                f"cannot reach {shown(self._base)}: {words}",
                hint="check --controller-url, the network and the proxy",
            ) from None


FETCH_SECONDS = 15
MAX_BYTES = 1024 * 1024


class DownloadError(SealerError):
    """A URL that does not answer with what was asked for."""


def fetch(url: str) -> bytes:
    """Return the body of a GET; DownloadError for any status but 200."""
    # urllib costs 30 ms to import, and most runs read a file.
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    place = shown(url)
    try:
        asked, credentials = request_of(url)
        request = urllib.request.Request(asked, headers={"User-Agent": "sealer"})  # noqa: S310 is_url
        for name, value in credentials.items():
            # Not sent along where a redirect leads.
            request.add_unredirected_header(name, value)
        with opened(request, FETCH_SECONDS) as answer:
            body: bytes = answer.read(MAX_BYTES + 1)
            status, reason = answer.status, answer.reason
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f'cannot fetch "{place}": {error.code} {error.reason}') from None
    except (OSError, HTTPException, ValueError) as error:
        # Other texts than the system's may quote the URL.
        known = getattr(error, "reason", error) if isinstance(error, OSError) else None
        cause = getattr(known, "strerror", None) or known or type(error).__name__
        raise DownloadError(
            f'cannot fetch "{place}": {cause}', hint="check the URL, the network and the proxy"
        ) from None
    if status != 200:
        raise DownloadError(f'cannot fetch "{place}": {status} {reason}')
    if len(body) > MAX_BYTES:
        raise DownloadError(f'cannot fetch "{place}": it answers more than a certificate')
    return body
