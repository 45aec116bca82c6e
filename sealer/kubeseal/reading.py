"""Streams of Secrets and SealedSecrets, read as kubeseal's two decoders do.

``read_secrets`` and ``read_sealed_secrets`` follow the YAML-or-JSON stream decoder: the kind is
never asked, unknown fields are dropped, an object with nothing known in it is passed over. Where
kubeseal passes over a broken document among good ones, or hangs on it, an error is raised here.
``decode_sealed_secret`` follows the codec of the Kubernetes API, which asks for the kind.
"""

from __future__ import annotations

from typing import Any

from sealer.errors import ManifestError, SealerError
from sealer.kubeseal.godecode import SEALED_SECRET, SECRET, Struct, decode
from sealer.kubeseal.gotext import quote, yaml_error
from sealer.manifest import Document, read_documents
from sealer.manifest.nodes import MapNode, Node, ScalarNode
from sealer.sealed import API_VERSION, KIND

Decoded = dict[str, Any]

_CORE = {
    "ConfigMap", "Endpoints", "Event", "LimitRange", "List", "Namespace", "Node",
    "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController",
    "ResourceQuota", "Secret", "SecretList", "Service", "ServiceAccount",
}  # fmt: skip
_APPS = {"ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"}
_KNOWN = {"v1": _CORE, "apps/v1": _APPS}
_HEADER = Struct(
    "",
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }',
    {key: SECRET.fields[key] for key in ("apiVersion", "kind")},
)
_SCHEME = 'in scheme "pkg/runtime/scheme.go:111"'


def read_secrets(text: str, source: str) -> list[Decoded]:
    """Return the Secrets of a stream, empty fields dropped, ``data`` decoded to bytes.

    Raises ManifestError with Go's words, or located where kubeseal would lose a document.
    """
    return [value for _, value in _read(text, source, SECRET)]


def read_sealed_secrets(text: str, source: str) -> list[tuple[Document, Decoded]]:
    """Return the SealedSecrets of a stream with their documents."""
    return _read(text, source, SEALED_SECRET)


def _read(text: str, source: str, schema: Struct) -> list[tuple[Document, Decoded]]:
    found: list[tuple[Document, Decoded]] = []
    broken: list[SealerError] = []
    for document in read_documents(text, source):
        if document.text.startswith("%") and document.is_empty:
            continue  # a directive before the first marker
        try:
            node = document.node
        except ManifestError as error:
            broken.append(error)
            continue
        if node is None:
            continue
        value, fault = _decoded(document, node, schema)
        if value and fault:
            prefix = "" if document.json else "error unmarshaling JSON: while decoding JSON: "
            raise ManifestError(prefix + fault)
        if value:
            found.append((document, value))
        elif fault:
            broken.append(document.locate(ManifestError(fault)))
    if found and broken:
        raise broken[0]
    return found


def _decoded(document: Document, node: Node, schema: Struct) -> tuple[dict[str, Any], str]:
    coerce = not _strict(document)
    try:
        return decode(node, schema, coerce=coerce, in_order=document.json, fold=True)
    except ManifestError as error:
        raise document.locate(error) from None


def _strict(document: Document) -> bool:
    """A JSON stream falls back to YAML's leniency for its first two objects only."""
    return document.json and document.index > 2


def decode_sealed_secret(document: Document) -> Decoded:
    """Read one SealedSecret; a missing kind is taken for granted, another kind is an error."""
    problem = _syntax_error(document)
    if problem:
        raise ManifestError(problem)
    node = document.node
    if node is None or (isinstance(node, ScalarNode) and node.value is None):
        return {}
    names, fault = decode(node, _HEADER, coerce=False, in_order=True, fold=False)
    if not isinstance(node, MapNode) or fault:
        raise ManifestError(f"couldn't get version/kind; json parse error: {fault}")
    _check_kind(names.get("apiVersion", ""), names.get("kind", ""))
    value, fault = decode(node, SEALED_SECRET, coerce=False, in_order=document.json, fold=False)
    if fault:
        raise ManifestError(fault)
    return value


def documents_of(text: str, source: str) -> list[Document]:
    """Return the documents of a text, an empty one if there is none."""
    documents = [one for one in read_documents(text, source) if not one.is_empty]
    return documents or [Document("", source)]


def _check_kind(version: str, kind: str) -> None:
    """Of apiVersion and kind, one that is missing is a SealedSecret's."""
    if version.count("/") > 1:
        raise ManifestError(f"unexpected GroupVersion string: {version}")
    version, kind = version or API_VERSION, kind or KIND
    if (version, kind) == (API_VERSION, KIND):
        return
    if kind in _KNOWN.get(version, ()):
        raise ManifestError(f"converting (v1.{kind}) to (v1alpha1.{KIND}): unknown conversion")
    raise ManifestError(
        f"no kind {quote(kind)} is registered for version {quote(version)} {_SCHEME}"
    )


def _syntax_error(document: Document) -> str:
    """Go's words for text that does not parse, empty if it does."""
    try:
        _ = document.node
    except ManifestError as error:
        if document.json:
            return "couldn't get version/kind; json parse error: unexpected end of JSON input"
        return yaml_error(error)
    return ""
