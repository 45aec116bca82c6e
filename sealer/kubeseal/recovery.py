"""``--recovery-unseal``: private keys from files, SealedSecrets to Secrets without a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.errors import KeyFileError, ManifestError, TemplateError, UnsealError
from sealer.keys.pair import KeyPair
from sealer.keys.pem import private_key_blocks
from sealer.keys.ring import KeyRing
from sealer.kubeseal import writing
from sealer.kubeseal.gotext import decode_base64
from sealer.kubeseal.reading import read_secrets
from sealer.manifest import read_documents
from sealer.scope import Scope, label

_NO_KEY = "data does not contain a valid RSA or ECDSA private key"
Faults = dict[str, list[str]]
"""The keys of the items by what is wrong with them."""
_SKIP_OWNER = "sealedsecrets.bitnami.com/skip-set-owner-references"


def read_keys(content: bytes, source: str) -> list[KeyPair]:
    """Read a PEM private key, or the key Secrets of a manifest; none where there is neither.

    Raises KeyFileError with kubeseal's words, typing slip included.
    """
    pair = _first_key(content, source)
    if pair:
        return [pair]
    pairs = []
    for secret in _secrets(content.decode(errors="replace"), source):
        data = secret.get("data") or {}
        if "tls.key" not in data:
            raise KeyFileError("secret must contain a 'tls.data' key")
        pair = _first_key(data["tls.key"], source)
        if pair is None:
            raise KeyFileError(_NO_KEY)
        pairs.append(pair)
    return pairs


def _first_key(pem: bytes, name: str) -> KeyPair | None:
    for block in private_key_blocks(pem):
        try:
            return KeyPair.from_pem(block, name=name)
        except KeyFileError:
            continue
    return None


def _secrets(text: str, source: str) -> list[dict[str, Any]]:
    """The Secrets of a text; those of a List are taken out of it."""
    try:
        documents = [one for one in read_documents(text, source) if not one.is_empty]
        items = _items(documents[0].value) if documents else None
        if items is None:
            return read_secrets(text, source)
        parts = [writing.write(item, "json") for item in items]
        return [secret for part in parts for secret in read_secrets(part, source)]
    except ManifestError as error:
        raise KeyFileError(error.message) from None


def _items(value: Any) -> list[Any] | None:
    """The items of a v1 List, which is what an object without a kind is taken for; else None."""
    if not isinstance(value, dict):
        return None
    kind, version = value.get("kind") or "List", value.get("apiVersion") or "v1"
    items = value.get("items") or []
    return items if (kind, version) == ("List", "v1") and isinstance(items, list) else None


def unseal(decoded: Mapping[str, Any], ring: KeyRing) -> dict[str, Any]:
    """Return the Secret that kubeseal prints; UnsealError with its words, keys grouped by fault."""
    metadata, spec = decoded.get("metadata") or {}, decoded.get("spec") or {}
    template = spec.get("template") or {}
    if spec.get("data") is not None:
        raise UnsealError(
            "using deprecated 'data' field, use 'encryptedData' or flip the feature flag",
            hint="seal unseal opens it",
        )
    faults: dict[str, list[str]] = {}
    values = _open(spec.get("encryptedData") or {}, ring, _label(metadata), faults)
    values |= _rendered(template.get("data") or {}, values, faults)
    if faults:
        raise UnsealError(_grouped(faults))
    place = {key: metadata.get(key) for key in ("name", "namespace")}
    owned = (template.get("metadata") or {}) | place
    if (owned.get("annotations") or {}).get(_SKIP_OWNER) != "true":
        owned["ownerReferences"] = [_owner(decoded)]
    return writing.secret(owned, values, template)


def _label(metadata: Mapping[str, Any]) -> bytes:
    scope = Scope.of(metadata.get("annotations") or {})
    namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
    if scope is Scope.STRICT:
        return f"{namespace}/{name}".encode()
    return label(namespace or "", name, scope) if namespace else b""


def _open(
    items: Mapping[str, str], ring: KeyRing, bound: bytes, faults: Faults
) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for key, item in sorted(items.items()):
        try:
            values[key] = ring.open(decode_base64(item), bound)[0]
        except ValueError as error:
            faults.setdefault(str(error), []).append(key)
        except UnsealError:
            values[key] = b""
            faults.setdefault("no key could decrypt secret", []).append(key)
    return values


def _rendered(
    templates: Mapping[str, str], values: Mapping[str, bytes], faults: Faults
) -> dict[str, bytes]:
    """Render as kubeseal does: a template sees sealed values only, and wins over its namesake."""
    if not templates:
        return {}
    from sealer.template import Sources, Template

    budget = Sources().budget()
    rendered: dict[str, bytes] = {}
    for key, text in sorted(templates.items()):
        try:
            rendered[key] = Template.parse(key, text).render(values, budget=budget)
        except TemplateError as error:
            faults.setdefault(error.message, []).append(key)
    return rendered


def _grouped(faults: Faults) -> str:
    return "\n".join(f"{fault} ({', '.join(keys)})" for fault, keys in faults.items())


def _owner(decoded: Mapping[str, Any]) -> dict[str, Any]:
    metadata = decoded.get("metadata") or {}
    return {
        "apiVersion": decoded.get("apiVersion", ""),
        "kind": decoded.get("kind", ""),
        "name": metadata.get("name", ""),
        "uid": metadata.get("uid", ""),
        "controller": True,
    }
