"""The API server, with a kubeconfig's credentials, and its proxy to the controller's Service.

The only importer of ``kubernetes`` in this package, and only when a cluster is really asked (it
takes 0.3 s). No word of an answer, a kubeconfig or a plug-in ever gets into an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sealer.cluster.answer import (
    TIMEOUT_SECONDS,
    Answer,
    ClusterError,
    UnreachableError,
    seconds_of,
)
from sealer.cluster.location import Location
from sealer.cluster.rights import cure_for


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
        answer = self._server.request(method, self._base + path, body)
        if answer.status in (401, 403):
            raise refused("not allowed to ask the controller", answer.status, self._base)
        return answer

    @property
    def place(self) -> str:
        """The API server, the authority that vouches for it, and the Service."""
        place = self._location
        return f"{self._server.url}/{place.namespace}/{place.name}{self._server.authority}"

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
            raise refused(f"cannot get Service {place.namespace}/{place.name}", answer.status, path)
        ports = json.loads(answer.body).get("spec", {}).get("ports") or [{}]
        return f"{path[: path.rindex('/')]}/http:{place.name}:{ports[0].get('name', '')}/proxy"


class ApiServer:
    """Requests to the API server with a kubeconfig's credentials; any status is an answer."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._client: Any = None
        self._context: Mapping[str, Any] = {}

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return str(self._connected().configuration.host).rstrip("/")

    @property
    def authority(self) -> str:
        """``#`` and a digest of the certificates that its TLS is verified with; empty without.

        A cluster that was made again at the same address has others.
        """
        import hashlib
        from pathlib import Path

        configuration = self._connected().configuration
        if not configuration.verify_ssl or not configuration.ssl_ca_cert:
            return ""
        try:
            known = Path(configuration.ssl_ca_cert).read_bytes()
        except OSError:
            # Whoever asks the server next tells of it.
            return ""
        return f"#{hashlib.sha256(known).hexdigest()[:16]}"

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context."""
        self._connected()
        return str((self._context.get("context") or {}).get("namespace") or "default")

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context."""
        self._connected()
        return str(self._context.get("name") or "")

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
            limits = (min(timeout or TIMEOUT_SECONDS, TIMEOUT_SECONDS), timeout)
            with warnings.catch_warnings():
                # Whoever does not check the server has said so in the kubeconfig or by a flag.
                warnings.simplefilter("ignore", InsecureRequestWarning)
                answer = client.call_api(method, url, headers, body=body, _request_timeout=limits)
            return Answer(answer.status, answer.read(), seconds_of(answer.getheader("Retry-After")))
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
            raise refused(f"not allowed to {what}", answer.status, path)
        if not 200 <= answer.status < 300:
            raise ClusterError(f"cannot {what} (status {answer.status})")
        try:
            return json.loads(answer.body)
        except ValueError:
            raise ClusterError(f"cannot {what}: the answer is not JSON") from None

    def _connected(self) -> Any:
        if self._client is None:
            self._client, self._context = _api_client(self._location)
        return self._client


def refused(message: str, status: int, path: str) -> ClusterError:
    """The error for a no; where a right is missing, the hint says which role gives it."""
    hint = "check the credentials and rights of this context"
    if status == 403:
        hint = cure_for(path)
    return ClusterError(f"{message} (status {status})", hint=hint)


def _api_exception() -> type[Exception]:
    from kubernetes.client.exceptions import ApiException

    error: type[Exception] = ApiException
    return error


def _api_client(location: Location) -> tuple[Any, Mapping[str, Any]]:
    """The client, and the context of the kubeconfig that it was made from."""
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
        _check_context(loaded, location)
        loader = _loader(kube_config)(
            loaded, active_context=location.context, config_base_path=None
        )
        loader.load_and_set(configuration)
        context = _context_of(loader.current_context)
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
    return connected, context


def _context_of(value: Any) -> Mapping[str, Any]:
    """The context that is used; merged kubeconfigs have nodes of the client's own kind in it."""
    plain = getattr(value, "value", value)
    return {"name": plain["name"], "context": getattr(plain["context"], "value", plain["context"])}


def _check_context(loaded: Any, location: Location) -> None:
    """ClusterError for a context that does not exist, with the names of those that do."""
    plain = getattr(loaded, "value", loaded)
    if not location.context or not isinstance(plain, dict):
        return
    contexts = (getattr(one, "value", one) for one in plain.get("contexts") or ())
    names = [str(one.get("name")) for one in contexts if isinstance(one, dict)]
    if location.context not in names:
        there = f"there are: {', '.join(names)}" if names else "the kubeconfig has none"
        raise ClusterError(f"the context {location.context} does not exist", hint=there)


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
