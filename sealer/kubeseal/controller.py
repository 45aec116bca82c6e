"""What kubeseal asks the controller through the API server: certificate, check, re-encryption."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from sealer import encoding
from sealer.changes.renewed import foreign
from sealer.cluster.answer import Answer, ClusterError, UnreachableError
from sealer.cluster.apiserver import ApiServer
from sealer.cluster.location import Location
from sealer.errors import ManifestError
from sealer.fields import Path
from sealer.kubeseal.gonet import request_error
from sealer.kubeseal.gotext import quote
from sealer.kubeseal.kubeconfig import Kubeconfig
from sealer.manifest import Document
from sealer.manifest.edit import replace_scalars

_TRIES = 11
_IMPERSONATE = {"as": "Impersonate-User", "as-uid": "Impersonate-Uid"}
_STATUS_WORDS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, "
    "but may still be processing the request",
}


class Controller:
    """The controller behind its Service; the Service is looked up at the first question."""

    def __init__(
        self,
        kubeconfig: Kubeconfig,
        namespace: str,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kubeconfig, self._namespace, self._name = kubeconfig, namespace, name
        self._sleep = sleep
        self._server: ApiServer | None = None
        self._target = ""

    def certificate(self) -> bytes:
        """``GET /v1/cert.pem``."""
        answer = self._ask("get", "/v1/cert.pem", None, "cannot fetch certificate")
        if answer.status != 200:
            raise ClusterError(f"cannot fetch certificate: {self._words('get', answer)}")
        return answer.body

    def validate(self, sealed: dict[str, Any]) -> None:
        """``POST /v1/verify``; ClusterError unless the controller can open it."""
        problem = "cannot validate sealed secret"
        answer = self._ask("post", "/v1/verify", _body(sealed), problem)
        if answer.status == 409:
            name = (sealed.get("metadata") or {}).get("name", "")
            raise ClusterError(f"unable to decrypt sealed secret: {name}")
        if answer.status >= 300:
            raise ClusterError(f"{problem}: {self._words('post', answer)}")

    def rotate(self, sealed: dict[str, Any]) -> dict[str, Any]:
        """``POST /v1/rotate``; return the answer's ``spec.encryptedData``."""
        problem = "cannot re-encrypt secret"
        answer = self._ask("post", "/v1/rotate", _body(sealed), problem)
        if answer.status == 409:
            raise ClusterError("unable to rotate secret")
        if answer.status >= 300:
            raise ClusterError(f"{problem}: {self._words('post', answer)}")
        try:
            items = json.loads(answer.body)["spec"]["encryptedData"] or {}
            return dict(items)
        except (ValueError, TypeError, KeyError):
            raise ClusterError(f"{problem}: the answer is no SealedSecret") from None

    def _ask(self, verb: str, path: str, body: bytes | None, problem: str) -> Answer:
        """Ask; where the rate limit says so, wait and ask again, as client-go does."""
        server = self.connect()
        url = f"/api/v1/namespaces/{self._namespace}/services/{self._target}/proxy{path}"
        for _ in range(_TRIES):
            try:
                answer = server.request(verb.upper(), url, body)
            except UnreachableError as error:
                reason = request_error(verb, server.url + url, error.reason)
                raise ClusterError(f"{problem}: {reason}") from None
            if answer.status != 429 or answer.retry_after is None:
                break
            self._sleep(answer.retry_after)
        return answer

    def connect(self) -> ApiServer:
        """Find the controller's Service, once; raises KubeconfigError or ClusterError."""
        if self._server is None:
            self._server = self._find()
        return self._server

    def _find(self) -> ApiServer:
        config = self._kubeconfig.resolve()
        location = Location(
            config=config,
            headers=_impersonation(config["users"][0]["user"]),
            timeout=self._kubeconfig.timeout,
        )
        server = ApiServer(location)
        path = f"/api/v1/namespaces/{self._namespace}/services/{self._name}"
        advice = (
            "Please, use the flag --controller-name and --controller-namespace to set up "
            "the name and namespace of the sealed secrets controller"
        )
        try:
            answer = server.request("GET", path, None)
        except UnreachableError as error:
            reason = request_error("get", server.url + path, error.reason)
            problem = f"cannot get sealed secret service: {reason}.\n{advice}"
            raise ClusterError(problem) from None
        if answer.status != 200:
            words = _status_words(answer, f"(get services {self._name})")
            raise ClusterError(f"cannot get sealed secret service: {words}.\n{advice}")
        try:
            port = json.loads(answer.body)["spec"]["ports"][0]
            self._target = f"http:{self._name}:{port.get('name', '')}"
        except (ValueError, LookupError, TypeError, AttributeError):
            problem = f"service {self._namespace}/{self._name} has no ports"
            raise ClusterError(f"cannot get sealed secret service: {problem}.\n{advice}") from None
        return server

    def _words(self, verb: str, answer: Answer) -> str:
        return _status_words(answer, f"({verb} services {self._target})")


def re_encrypted(document: Document, sealed: dict[str, Any], fresh: dict[str, Any]) -> Document:
    """Return the document with the ciphertext that the controller renewed, all else as it was.

    kubeseal writes the controller's whole answer, which at Bitnami's lacks template, labels and
    annotations.
    """
    items = (sealed.get("spec") or {}).get("encryptedData") or {}
    if "data" in (sealed.get("spec") or {}):
        problem = "cannot re-encrypt secret: it has one value for all keys, in spec.data"
        raise ManifestError(problem)
    changed: dict[Path, str] = {
        ("spec", "encryptedData", key): fresh[key]
        for key, old in items.items()
        if isinstance(fresh.get(key), str) and fresh[key] != old
    }
    missing = [key for key in items if not isinstance(fresh.get(key), str)]
    if missing:
        raise ManifestError(f"cannot re-encrypt secret: the answer lacks {', '.join(missing)}")
    before: dict[Path, str] = {("spec", "encryptedData", key): old for key, old in items.items()}
    if found := foreign(before, changed):
        path, words = found
        raise ManifestError(f"cannot re-encrypt secret: {path[-1]}: the answer has {words}")
    return replace_scalars(document, changed) if changed else document


def _body(sealed: dict[str, Any]) -> bytes:
    """The JSON that Go makes of it: structs are there when they are empty, too."""
    spec = sealed.get("spec") or {}
    template = spec.get("template") or {}
    written: dict[str, Any] = {
        "template": {**template, "metadata": template.get("metadata") or {}},
        "encryptedData": spec.get("encryptedData"),
    }
    if spec.get("data") is not None:
        written["data"] = encoding.encode(spec["data"])
    metadata = sealed.get("metadata") or {}
    return json.dumps({**sealed, "metadata": metadata, "spec": written}).encode()


def _impersonation(user: dict[str, Any]) -> dict[str, str]:
    headers = {header: user[key] for key, header in _IMPERSONATE.items() if user.get(key)}
    groups = user.get("as-groups") or []
    if len(groups) > 1:
        raise ClusterError("more than one --as-group is not supported")
    if groups:
        headers["Impersonate-Group"] = groups[0]
    return headers


def _status_words(answer: Answer, what: str) -> str:
    """client-go's words for a status that is no success."""
    text = answer.body.decode(errors="replace").strip()
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status" and status.get("message"):
        return str(status["message"])
    words = _STATUS_WORDS.get(answer.status)
    if answer.status in (403, 406, 415):
        words = text
    if words is None and answer.status >= 500:
        words = f"an error on the server ({quote(text)}) has prevented the request from succeeding"
    if words is None:
        words = (
            f"the server responded with the status code {answer.status} "
            "but did not return more information"
        )
    return f"{words} {what}"
