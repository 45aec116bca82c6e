"""Go's ``encoding/json`` into typed structs, by schema: which values fit, and Go's words if not.

Decoding goes on after a value that does not fit, and the first fault is told at the end, as Go
does it. Names of fields and types are told, values never. With ``coerce``, numbers and booleans
become strings where a string is due: sigs.k8s.io/yaml does that, and ``port: 8080`` relies on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sealer.errors import ManifestError
from sealer.kubeseal.gotext import decode_base64, float_text
from sealer.manifest.nodes import (
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    is_merge,
    merge_sources,
    to_value,
)


class Text(NamedTuple):
    """A string."""

    go: str = "string"


class Boolean(NamedTuple):
    """A boolean."""

    go: str = "bool"


class Integer(NamedTuple):
    """An integer."""

    go: str = "int64"


class Base64(NamedTuple):
    """Bytes, in JSON base64."""

    go: str = "[]uint8"


class Anything(NamedTuple):
    """Kept as it is; only its outermost type is looked at."""

    go: str


class MapOf(NamedTuple):
    """A mapping from strings; ``lenient`` swallows what does not fit, and takes no coercion."""

    go: str
    element: Text | Base64
    lenient: bool = False


class ListOf(NamedTuple):
    """A list."""

    go: str
    element: Text


class Struct(NamedTuple):
    """Named fields; others are dropped."""

    name: str
    go: str
    fields: dict[str, Any]


Schema = Text | Boolean | Integer | Base64 | Anything | MapOf | ListOf | Struct

_LABELS = MapOf("map[string]string", Text())
OBJECT_META = Struct(
    "ObjectMeta",
    "v1.ObjectMeta",
    {
        "name": Text(),
        "generateName": Text(),
        "namespace": Text(),
        "selfLink": Text(),
        "uid": Text("types.UID"),
        "resourceVersion": Text(),
        "generation": Integer(),
        "creationTimestamp": Text("v1.Time"),
        "deletionTimestamp": Text("v1.Time"),
        "deletionGracePeriodSeconds": Integer(),
        "labels": _LABELS,
        "annotations": _LABELS,
        "ownerReferences": Anything("[]v1.OwnerReference"),
        "finalizers": ListOf("[]string", Text()),
        "managedFields": Anything("[]v1.ManagedFieldsEntry"),
    },
)
SECRET = Struct(
    "Secret",
    "v1.Secret",
    {
        "kind": Text(),
        "apiVersion": Text(),
        "metadata": OBJECT_META,
        "immutable": Boolean(),
        "data": MapOf("map[string][]uint8", Base64()),
        "stringData": MapOf("map[string]string", Text()),
        "type": Text("v1.SecretType"),
    },
)
_TEMPLATE = Struct(
    "SecretTemplateSpec",
    "v1alpha1.SecretTemplateSpec",
    {
        "metadata": OBJECT_META,
        "type": Text("v1.SecretType"),
        "immutable": Boolean(),
        "data": _LABELS,
    },
)
_SPEC = Struct(
    "SealedSecretSpec",
    "v1alpha1.SealedSecretSpec",
    {
        "template": _TEMPLATE,
        "data": Base64(),
        "encryptedData": MapOf("v1alpha1.SealedSecretEncryptedData", Text(), lenient=True),
    },
)
SEALED_SECRET = Struct(
    "SealedSecret",
    "v1alpha1.SealedSecret",
    {"kind": Text(), "apiVersion": Text(), "metadata": OBJECT_META, "spec": _SPEC},
)


class Decoded(NamedTuple):
    """The fields that are set, empty ones dropped, and Go's first fault, empty if there is none."""

    value: dict[str, Any]
    fault: str


def decode(node: Node, schema: Struct, *, coerce: bool, in_order: bool, fold: bool) -> Decoded:
    """Read one object.

    ``in_order``: keys in their order, as Go reads JSON; YAML becomes JSON with sorted keys first.
    ``fold``: field names in any case, as ``encoding/json``; the Kubernetes codecs do not.
    Raises ManifestError, not located: a key that is no scalar or is there twice, a number that
    coercion would damage.
    """
    decoder = _Decoder(coerce=coerce, in_order=in_order, fold=fold)
    value = decoder.struct(node, schema, ())
    return Decoded(value, decoder.fault)


class _Decoder:
    def __init__(self, *, coerce: bool, in_order: bool, fold: bool) -> None:
        self.coerce, self.in_order, self.fold = coerce, in_order, fold
        self.fault = ""
        self._struct = ""

    def struct(self, node: Node, schema: Struct, path: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if not isinstance(node, MapNode):
            if not (isinstance(node, ScalarNode) and node.value is None):
                self._misfit(node, schema.go, path)
            return found
        outer = self._struct
        for key, child in self._entries(node):
            field = self._field(schema, key)
            if field is None:
                continue
            self._struct = schema.name
            value = self._value(child, schema.fields[field], (*path, field))
            if isinstance(value, dict) and isinstance(found.get(field), dict):
                value = {**found[field], **value}
            if value or isinstance(schema.fields[field], Boolean):
                found[field] = value
        self._struct = outer
        return {key: value for key, value in found.items() if value is not None}

    def _field(self, schema: Struct, key: str) -> str | None:
        if key in schema.fields:
            return key
        folded = key.casefold()
        fits = (name for name in schema.fields if name.casefold() == folded)
        return next(fits, None) if self.fold else None

    def _value(self, node: Node, schema: Schema, path: tuple[str, ...]) -> Any:
        if isinstance(node, ScalarNode) and node.value is None:
            return None
        match schema:
            case Struct():
                return self.struct(node, schema, path)
            case MapOf():
                return self._map(node, schema, path)
            case ListOf():
                if isinstance(node, ListNode):
                    items = (self._value(item, schema.element, path) for item in node.items)
                    return [item or "" for item in items]
            case Anything():
                if isinstance(node, ListNode):
                    return _plain(node)
            case Boolean():
                if isinstance(node, ScalarNode) and isinstance(node.value, bool):
                    return node.value
            case Integer():
                if isinstance(node, ScalarNode) and type(node.value) is int:
                    return node.value
            case Text():
                text = self._text(node)
                if text is not None:
                    return text
            case _:
                return self._bytes(node, schema, path)
        self._misfit(node, schema.go, path)
        return None

    def _map(self, node: Node, schema: MapOf, path: tuple[str, ...]) -> dict[str, Any]:
        empty: Any = b"" if isinstance(schema.element, Base64) else ""
        if not isinstance(node, MapNode):
            if not schema.lenient:
                self._misfit(node, schema.go, path)
            return {}
        found: dict[str, Any] = {}
        for key, child in self._entries(node):
            if schema.lenient:
                fits = isinstance(child, ScalarNode) and isinstance(child.value, str)
                found[key] = child.value if fits and isinstance(child, ScalarNode) else ""
            else:
                found[key] = self._value(child, schema.element, path) or empty
        return found

    def _text(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode):
            return None
        value = node.value
        if isinstance(value, str):
            return value
        if not self.coerce:
            return None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            text = float_text(value)
            if float(text) != value and value == value:
                problem = "is a number that would lose digits as a string"
                raise ManifestError(problem, line=node.line, hint="quote it")
            return text
        return str(value)

    def _bytes(self, node: Node, schema: Base64, path: tuple[str, ...]) -> bytes | None:
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            self._misfit(node, schema.go, path)
            return None
        try:
            return decode_base64(node.value)
        except ValueError as error:
            self.fault = self.fault or str(error)
            return None

    def _entries(self, node: MapNode) -> list[tuple[str, Node]]:
        found: dict[str, Node] = {}
        own: set[str] = set()
        for key_node, child in node.entries:
            if is_merge(key_node):
                for source in merge_sources(child):
                    if isinstance(source, MapNode):
                        found.update(self._entries(source))
                continue
            key = _key(key_node)
            if key in own:
                problem = f"the key {key} is there twice"
                raise ManifestError(problem, line=key_node.line, hint="remove one")
            own.add(key)
            found[key] = child
        entries = list(found.items())
        return entries if self.in_order else sorted(entries)

    def _misfit(self, node: Node, go: str, path: tuple[str, ...]) -> None:
        if self.fault:
            return
        if not path:
            self.fault = f"json: cannot unmarshal {_kind(node)} into Go value of type {go}"
            return
        field = f"{self._struct}.{'.'.join(path)}"
        self.fault = (
            f"json: cannot unmarshal {_kind(node)} into Go struct field {field} of type {go}"
        )


def _key(node: Node) -> str:
    if isinstance(node, ScalarNode) and node.value is not None:
        value = node.value
        if isinstance(value, bool):
            return str(value).lower()
        return float_text(value) if isinstance(value, float) else str(value)
    raise ManifestError("a key must be a string", line=node.line)


def _plain(node: Node) -> Any:
    value, faults = to_value(node)
    if faults:
        raise faults[0]
    return value


def _kind(node: Node) -> str:
    if isinstance(node, ListNode):
        return "array"
    if isinstance(node, MapNode):
        return "object"
    if isinstance(node.value, bool):
        return "bool"
    return "string" if isinstance(node.value, str) else "number"
