"""What sealing needs of a cluster: a kubeconfig, rights, our kinds, the controller, its key.

Each step is tried by itself, so that one that fails hides no other; what cannot be tried without
an earlier one is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sealer.cluster.answer import ClusterError
from sealer.cluster.apiserver import ApiServer
from sealer.cluster.controller import Controller
from sealer.cluster.location import Location
from sealer.cluster.rights import Right, cure_for, has
from sealer.cluster.web import shown
from sealer.diagnosis.finding import ERROR, NOTE, OK, WARNING, Finding
from sealer.diagnosis.setup import certificate_finding
from sealer.errors import SealerError
from sealer.keys.certificate import Certificate


def look(location: Location, *, version: str, now: datetime) -> Iterator[Finding]:
    """Everything on the way to the controller; ``version`` is ours."""
    if not location.url:
        server = ApiServer(location)
        try:
            where = f"context {server.context or '-'}, {shown(server.url)}"
        except ClusterError as error:
            yield _error("kubeconfig", error)
            return
        yield Finding("kubeconfig", OK, where)
        try:
            answer = server.ask("GET", "/version", what="ask the API server for its version")
        except ClusterError as error:
            yield _error("API server", error)
            return
        yield Finding("API server", OK, str((answer or {}).get("gitVersion") or "answers"))
        yield from _rights(server, location)
        yield from _kinds(server)
        service = _service(server, location)
        yield from _version_findings(service, location, version)
    yield from _controller(location, now)


def _error(subject: str, error: SealerError) -> Finding:
    return Finding(subject, ERROR, error.message, error.hint or "")


def _rights(server: ApiServer, location: Location) -> Iterator[Finding]:
    """The rights of each role, by what they are for."""
    place, name = location.namespace, location.name
    proxy = {"resource": "services", "subresource": "proxy", "namespace": place}
    wanted = (
        (
            "right: find the controller",
            WARNING,
            Right("get", "services", namespace=place, name=name),
        ),
        (
            "right: fetch the certificate",
            WARNING,
            Right("get", name=f"http:{name}:http", **proxy),
        ),
        (
            "right: verify and re-encrypt",
            WARNING,
            Right("create", name=f"http:{name}:http", **proxy),
        ),
        (
            f"right: see SealedSecrets in {server.namespace}",
            WARNING,
            Right("list", "sealedsecrets", group="bitnami.com", namespace=server.namespace),
        ),
        (
            "right: read the sealing keys",
            NOTE,
            Right("list", "secrets", namespace=place),
        ),
    )
    for subject, level, right in wanted:
        try:
            allowed = has(server, right)
        except ClusterError as error:
            yield _error(subject, error)
            return
        if allowed:
            yield Finding(subject, OK, "yes")
        elif level == NOTE:
            yield Finding(subject, NOTE, "no; only who looks after the keys needs it")
        else:
            yield Finding(subject, level, "no", cure_for(f"/{right.group}/{right.resource}"))


def _kinds(server: ApiServer) -> Iterator[Finding]:
    for subject, path, level in (
        ("SealedSecrets", "/apis/bitnami.com/v1alpha1", ERROR),
        ("KeyVaultSecrets", "/apis/keyvault.sealer.dev/v1alpha1", NOTE),
    ):
        try:
            known = server.ask("GET", path, what=f"ask for {subject}") is not None
        except ClusterError as error:
            yield _error(subject, error)
            continue
        if known:
            yield Finding(subject, OK, "the cluster knows them")
        else:
            cure = "install the chart with its CRDs" if level == ERROR else ""
            yield Finding(subject, level, "the cluster does not know them", cure)


def _service(server: ApiServer, location: Location) -> Mapping[str, Any] | None:
    """The controller's Service, None where it cannot be read: the certificate's finding tells."""
    path = f"/api/v1/namespaces/{location.namespace}/services/{location.name}"
    try:
        answer = server.request("GET", path, None)
        found: Any = json.loads(answer.body) if answer.status == 200 else None
    except (ClusterError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _version_findings(
    service: Mapping[str, Any] | None, location: Location, version: str
) -> Iterator[Finding]:
    if service is None:
        return
    labels = (service.get("metadata") or {}).get("labels") or {}
    theirs = str(labels.get("app.kubernetes.io/version") or "")
    subject = f"Service {location.namespace}/{location.name}"
    if not theirs:
        yield Finding(subject, NOTE, "exists; it does not tell its controller's version")
    elif labels.get("app.kubernetes.io/part-of") != "sealer":
        says = f"exists; the controller is not Sealer's (version {theirs})"
        yield Finding(subject, NOTE, says)
    elif _numbers(theirs) < _numbers(version):
        says = f"the controller is {theirs}, and seal is {version}"
        yield Finding(subject, WARNING, says, "helm upgrade the controller")
    elif _numbers(theirs) > _numbers(version):
        says = f"seal is {version}, and the controller is {theirs}"
        yield Finding(subject, NOTE, says, "pipx upgrade sealer")
    else:
        yield Finding(subject, OK, f"the controller is {theirs}, as seal is")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version)[:3])


def _controller(location: Location, now: datetime) -> Iterator[Finding]:
    try:
        certificate = Certificate.from_pem(Controller.at(location).certificate())
    except SealerError as error:
        hint = error.hint or f"kubectl get pods -n {location.namespace}; see its log"
        yield Finding("controller", ERROR, error.message, hint)
        return
    yield Finding("controller", OK, "answers")
    found = certificate_finding("certificate", certificate, now)
    if found.level == ERROR:
        found = Finding("certificate", ERROR, found.says, "seal rotate makes a new key")
    yield found
