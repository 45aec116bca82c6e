"""The controller in a cluster: its certificate, and its word on SealedSecrets.

Through the API server's service proxy, with a kubeconfig, as kubeseal does; or by URL, where the
controller is exposed. Only manifests travel, and nothing that is not sealed. The only importer
of ``kubernetes`` in this package, and only when a cluster is really asked (it takes 0.3 s).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sealer.errors import SealerError
from sealer.weburl import request_of, shown

DEFAULT_NAME = "sealed-secrets-controller"
DEFAULT_NAMESPACE = "kube-system"
_TIMEOUT_SECONDS = 30
_TRIES = 8


class ClusterError(SealerError):
    """The API server or the controller does not answer, or says no."""


class UnreachableError(ClusterError):
    """No answer at all; ``reason`` is what the network said."""

    def __init__(self, message: str, *, hint: str, reason: BaseException) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class NotDecryptableError(SealerError):
    """The controller cannot open the SealedSecret; it does not say which item."""


class Transport(Protocol):
    """One HTTP request to the controller's endpoint; ClusterError when nobody answers."""

    def request(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send it; any status is an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where the controller is, as users tell: a URL, or a Service in a kubeconfig's cluster."""

    name: str = DEFAULT_NAME
    namespace: str = DEFAULT_NAMESPACE
    url: str = ""
    kubeconfig: str | None = None
    context: str | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    """A kubeconfig already read; ``kubeconfig`` and ``context`` do not count then."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent along with every request, such as those that impersonate a user."""
    timeout: float | None = _TIMEOUT_SECONDS
    """Seconds a request may take, None for no limit."""

    def connect(self) -> Controller:
        """Return the controller; the first request is made when something is asked of it."""
        return Controller(UrlTransport(self.url) if self.url else ProxyTransport(self))


class Controller:
    """Asks the controller; manifests go out as JSON or YAML bytes, one document each."""

    def __init__(
        self, transport: Transport, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport = transport
        self._sleep = sleep

    def certificate(self) -> bytes:
        """Return the PEM that seals for this cluster now."""
        answer = self._ask("GET", "/v1/cert.pem", None)
        if answer.status != 200:
            raise ClusterError(
                f"the controller has no certificate to give (status {answer.status})",
                hint="see the controller's log: has it a key?",
            )
        return answer.body

    def verify(self, manifest: bytes) -> None:
        """Return if the controller can open it, else raise NotDecryptableError."""
        answer = self._ask("POST", "/v1/verify", manifest)
        if answer.status == 409:
            raise NotDecryptableError("the controller cannot open it")
        if answer.status != 200:
            raise ClusterError(f"the controller could not check it (status {answer.status})")

    def rotate(self, manifest: bytes) -> bytes:
        """Return the SealedSecret as JSON, its items sealed for the newest key."""
        answer = self._ask("POST", "/v1/rotate", manifest)
        if answer.status != 200 or not answer.body:
            raise NotDecryptableError("the controller cannot re-encrypt it")
        return answer.body

    def rotate_list(self, manifests: list[dict[str, Any]]) -> list[dict[str, Any] | None] | None:
        """Re-encrypt many in one request; None in the place of each that does not open.

        Returns None as a whole where the controller takes no List (Bitnami's does not).
        """
        import json

        body = {"apiVersion": "v1", "kind": "List", "items": manifests}
        answer = self._ask("POST", "/v1/rotate", json.dumps(body).encode())
        try:
            items = json.loads(answer.body)["items"] if answer.status == 200 else None
        except (ValueError, KeyError, TypeError):
            return None
        return items if isinstance(items, list) and len(items) == len(manifests) else None

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        """Ask, and wait where the controller's rate limit says so."""
        for _ in range(_TRIES):
            answer = self._transport.request(method, path, body)
            if answer.status != 429:
                return answer
            self._sleep(min(answer.retry_after or 1, _TIMEOUT_SECONDS))
        raise ClusterError("the controller's rate limit holds this off", hint="try again later")


class UrlTransport:
    """The controller's own HTTP port, or an Ingress before it."""

    def __init__(self, url: str) -> None:
        self._base, self._credentials = request_of(url.rstrip("/"))

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
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), _seconds(error.headers.get("Retry-After")))
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            # Other texts than the system's may quote the URL.
            words = getattr(reason, "strerror", None) or type(reason).__name__
            raise ClusterError(f"cannot reach {shown(self._base)}: {words}") from None


class ProxyTransport:
    """The API server's proxy to the controller's Service, found by name."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._server = ApiServer(location)
        self._base = ""

    def request(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send it with the kubeconfig's credentials."""
        if not self._base:
            self._base = self._service_proxy()
        return self._server.request(method, self._base + path, body)

    def _service_proxy(self) -> str:
        import json

        place = self._location
        path = f"/api/v1/namespaces/{place.namespace}/services/{place.name}"
        answer = self._server.request("GET", path, None)
        if answer.status == 404:
            raise ClusterError(
                f"there is no Service {place.namespace}/{place.name}",
                hint="use --controller-name and --controller-namespace",
            )
        if answer.status != 200:
            raise ClusterError(
                f"cannot get Service {place.namespace}/{place.name} (status {answer.status})",
                hint="check the credentials and rights of this context",
            )
        ports = json.loads(answer.body).get("spec", {}).get("ports") or [{}]
        return f"{path[: path.rindex('/')]}/http:{place.name}:{ports[0].get('name', '')}/proxy"


class ApiServer:
    """Requests to the API server with a kubeconfig's credentials; any status is an answer."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._client: Any = None

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return str(self._connected().configuration.host).rstrip("/")

    def request(self, method: str, path: str, body: Any, media_type: str = "") -> Answer:
        """Send it; UnreachableError when nobody answers, ClusterError without a kubeconfig.

        ``body`` is bytes, or a JSON value where ``media_type`` is one of JSON's.
        """
        import warnings

        # First of all: it tells whoever lacks the extra package.
        client, timeout = self._connected(), self._location.timeout
        from urllib3.exceptions import HTTPError, InsecureRequestWarning

        # The client wraps a TLS failure in its own error, and no other.
        failures = (HTTPError, OSError, _api_exception())
        headers = {"Accept": "*/*"}
        if body is not None:
            # Not application/json for bytes: the client would encode them once more.
            headers["Content-Type"] = media_type or "application/octet-stream"
        method, url, headers, _, _ = client.param_serialize(
            method, path, header_params=headers, auth_settings=["BearerToken"]
        )
        try:
            limits = (min(timeout or _TIMEOUT_SECONDS, _TIMEOUT_SECONDS), timeout)
            with warnings.catch_warnings():
                # Whoever does not check the server has said so in the kubeconfig or by a flag.
                warnings.simplefilter("ignore", InsecureRequestWarning)
                answer = client.call_api(method, url, headers, body=body, _request_timeout=limits)
            return Answer(answer.status, answer.read(), _seconds(answer.getheader("Retry-After")))
        except failures as error:
            raise UnreachableError(
                f"cannot reach the API server: {type(error).__name__}",
                hint="check --kubeconfig and --context, and the network",
                reason=error,
            ) from None

    def ask(self, method: str, path: str, body: Any = None, *, what: str) -> Any:
        """Send a JSON value and return the JSON answer; None where there is no such object.

        ``what`` is told when the API server says no: ClusterError, with no word of its answer,
        which may quote what was sent.
        """
        import json

        media_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self.request(method, path, body, media_type)
        if answer.status == 404 and method != "POST":
            return None
        if answer.status in (401, 403):
            raise ClusterError(
                f"not allowed to {what} (status {answer.status})",
                hint="check the credentials and rights of this context",
            )
        if not 200 <= answer.status < 300:
            raise ClusterError(f"cannot {what} (status {answer.status})")
        try:
            return json.loads(answer.body)
        except ValueError:
            raise ClusterError(f"cannot {what}: the answer is not JSON") from None

    def _connected(self) -> Any:
        if self._client is None:
            self._client = _api_client(self._location)
        return self._client


def _api_exception() -> type[Exception]:
    from kubernetes.client.exceptions import ApiException

    error: type[Exception] = ApiException
    return error


def _api_client(location: Location) -> Any:
    try:
        from kubernetes import client, config
    except ImportError:
        raise ClusterError(
            "talking to a cluster needs the extra package kubernetes",
            hint="pip install 'sealer[cluster]', or give --cert FILE",
        ) from None
    configuration = client.Configuration()
    kube_config: Any = config.kube_config
    try:
        loaded: Any = location.config
        if loaded is None:
            path = location.kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
            loaded = kube_config.KubeConfigMerger(path).config
        loader = _loader(kube_config)(
            loaded, active_context=location.context, config_base_path=None
        )
        loader.load_and_set(configuration)
    except (config.ConfigException, kube_config.yaml.YAMLError) as error:
        raise _kubeconfig_error(location, error) from None
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise _kubeconfig_error(location, error) from None
    if not str(configuration.api_key.get("BearerToken", "")).isprintable():
        raise ClusterError("the token of the kubeconfig's user holds a line end")
    configuration.retries = False
    connected: Any = client.ApiClient(configuration)
    for name, value in location.headers.items():
        connected.set_default_header(name, value)
    return connected


def _kubeconfig_error(location: Location, error: Exception) -> ClusterError:
    """What is wrong with a kubeconfig: file and line, and no word of it, for tokens are in it."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return ClusterError(
            f"cannot use the kubeconfig {mark.name}: line {mark.line + 1} is not valid YAML",
            hint="check that file",
        )
    if location.kubeconfig is None and type(error).__name__ == "ConfigException":
        return ClusterError(
            "there is no usable kubeconfig", hint="give --cert FILE, or --kubeconfig and --context"
        )
    return ClusterError(
        f"cannot use the kubeconfig {location.kubeconfig or ''}".rstrip(),
        hint="check --kubeconfig and --context",
    )


def _loader(kube_config: Any) -> Any:
    """The client's reader of kubeconfigs; its own goes on without credentials that fail to come.

    It logs the plug-in's standard error, too, which may hold a token.
    """

    class Loader(kube_config.KubeConfigLoader):  # type: ignore[misc]  # it has no types
        def _load_from_exec_plugin(self) -> bool | None:
            if "exec" not in self._user:
                return None
            with _root_log() as told:
                done: bool | None = super()._load_from_exec_plugin()
            if not done:
                command = self._user["exec"].safe_get("command") or "without a name"
                found = re.match(r"exec: process returned (-?\d+)", " ".join(told))
                how = f"ended with status {found[1]}" if found else "gave no credentials"
                raise ClusterError(
                    f"the kubeconfig's exec plug-in {command} {how}",
                    hint="run it by hand: its own words say why",
                )
            return done

    return Loader


@contextmanager
def _root_log() -> Iterator[list[str]]:
    """Catch what goes to the root logger, and keep it from everybody."""
    import logging

    told: list[str] = []

    class Catcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    root = logging.getLogger()
    before, root.handlers = root.handlers, [Catcher()]
    try:
        yield told
    finally:
        root.handlers = before


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return None
