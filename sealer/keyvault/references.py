"""A KeyVaultSecret's entries: what each takes from the vault and which keys it will fill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealer.fields import Fields, Path
from sealer.keyvault.vaults import choice, sequence
from sealer.manifest.names import is_secret_key

SECRET = "secret"  # noqa: S105 a type of object
CERTIFICATE = "certificate"
KEY = "key"
TYPES = (SECRET, CERTIFICATE, KEY)
DECODINGS = ("None", "Base64", "Base64URL", "Hex")
CERTIFICATE_FORMS = ("PEM", "PFX", "Key", "Leaf", "Chain")
KEY_FORMS = ("PEM", "JWK")
CHAINS = ("Full", "LeafOnly", "NoRoot")
CASES = ("Env", "Key")
MAX_HISTORY = 10
_MAX_ENTRIES, _MAX_RENAMES, _MAX_TAGS = 256, 16, 15
"""As the CRD has them; an object in Azure has no more tags."""
TLS_KEYS = ("tls.crt", "tls.key", "ca.crt")

# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
_OBJECT = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
_VERSION = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object of a vault, at its newest version or at a pinned one."""

    type: str
    name: str
    version: str = ""

    @property
    def is_pinned(self) -> bool:
        """Whether it names a version."""
        return bool(self.version)

    @property
    def listed_name(self) -> str:
        """How listings know it: Azure's names are case-insensitive."""
        return self.name.lower()

    def __str__(self) -> str:
        return f"{self.type} {self.name}" + (f" version {self.version}" if self.version else "")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """``{key, from}``: one value under one key."""

    key: str
    ref: Ref
    property: str = ""
    decode: str = "None"
    form: str = ""
    """``as``: PEM, PFX, Key, Leaf, Chain of a certificate; PEM, JWK of a key."""
    optional: bool = False
    history: int = 0
    """How many versions before the newest come along, as ``key.1`` and so on."""


@dataclass(frozen=True, slots=True)
class TlsEntry:
    """``{tls}``: a certificate as tls.crt, tls.key and ca.crt."""

    ref: Ref
    chain: str = "Full"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Rename:
    """One step of ``rename``."""

    regex: str
    to: str


@dataclass(frozen=True, slots=True)
class ExpandEntry:
    """``{expand}``: the top level of a JSON or YAML object, a key each."""

    ref: Ref
    format: str = "JSON"
    optional: bool = False
    rename: tuple[Rename, ...] = ()
    case: str = ""


@dataclass(frozen=True, slots=True)
class FindEntry:
    """``{find}``: secrets by name and tags."""

    glob: str = ""
    regex: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    rename: tuple[Rename, ...] = ()
    case: str = ""


Entry = KeyEntry | TlsEntry | ExpandEntry | FindEntry


def known_keys(entry: Entry) -> tuple[str, ...]:
    """The keys that the manifest alone tells; ca.crt only comes where the chain has a root."""
    if isinstance(entry, KeyEntry):
        return (entry.key, *(past_key(entry.key, back + 1) for back in range(entry.history)))
    return TLS_KEYS if isinstance(entry, TlsEntry) else ()


def past_key(key: str, back: int) -> str:
    """The key of the version so many before the newest."""
    return f"{key}.{back}"


def read_entries(fields: Fields, value: Any) -> tuple[Entry, ...]:
    """Read ``spec.data``; faults go to ``fields``."""
    path: Path = ("spec", "data")
    items = sequence(fields, value, path)
    _at_most(fields, len(items), _MAX_ENTRIES, path)
    entries = [
        entry
        for index, item in enumerate(items)
        if (entry := _entry(fields, item, (*path, index))) is not None
    ]
    if not entries and not fields.faults:
        fields.fault("is empty: there is nothing to fetch", path)
    return tuple(entries)


def _at_most(fields: Fields, count: int, limit: int, path: Path) -> None:
    if count > limit:
        fields.fault(f"has {count} entries; {limit} at most", path)


def _entry(fields: Fields, value: Any, path: Path) -> Entry | None:
    item = fields.mapping(value, path)
    shapes = [name for name in ("from", "tls", "expand", "find") if item.get(name) is not None]
    if len(shapes) != 1:
        fields.fault("must have exactly one of from (with key), tls, expand, find", path)
        return None
    shape = shapes[0]
    for extra in sorted(item.keys() - {shape, "key"}):
        fields.fault("is no field of this entry", (*path, extra))
    if shape != "from" and "key" in item:
        fields.fault(f"goes with from, not with {shape}", (*path, "key"))
    body = fields.mapping(item[shape], (*path, shape))
    readers = {"from": _from, "tls": _tls, "expand": _expand, "find": _find}
    if shape == "from":
        return _from(fields, body, path, fields.string(item.get("key"), (*path, "key")))
    return readers[shape](fields, body, (*path, shape))  # type: ignore[operator, no-any-return]


def _from(fields: Fields, body: Mapping[str, Any], path: Path, key: str) -> KeyEntry | None:
    if not is_secret_key(key):
        problem = "is no key a Secret can have: letters, digits, '-', '_' and '.'"
        fields.fault(problem if key else "is missing", (*path, "key"))
    path = (*path, "from")
    types = [name for name in TYPES if body.get(name) is not None]
    if len(types) != 1:
        fields.fault("must have exactly one of secret, certificate, key", path)
        return None
    kind = types[0]
    ref = _ref(fields, body, kind, path)
    forms = {SECRET: (), CERTIFICATE: CERTIFICATE_FORMS, KEY: KEY_FORMS}[kind]
    form = ""
    if forms:
        form = choice(fields, body, "as", path, forms)
    elif body.get("as") is not None:
        fields.fault("is for certificates and keys", (*path, "as"))
    for each in ("property", "decode"):
        if kind != SECRET and body.get(each) is not None:
            fields.fault("is for secrets", (*path, each))
    if body.get("property") == "":
        fields.fault("is empty", (*path, "property"))
    return KeyEntry(
        key=key,
        ref=ref,
        property=fields.string(body.get("property"), (*path, "property")),
        decode=choice(fields, body, "decode", path, DECODINGS),
        form=form,
        optional=_optional(fields, body, path),
        history=_history(fields, body, kind, path),
    )


def _history(fields: Fields, body: Mapping[str, Any], kind: str, path: Path) -> int:
    value = body.get("history")
    path = (*path, "history")
    if value is None:
        return 0
    if kind == KEY:
        fields.fault("is for secrets and certificates", path)
    if body.get("version"):
        fields.fault("goes with the newest version, not with a pinned one", path)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_HISTORY:
        fields.fault(f"must be a number from 1 to {MAX_HISTORY}", path)
        return 0
    return value


def _tls(fields: Fields, body: Mapping[str, Any], path: Path) -> TlsEntry:
    ref = _ref(fields, body, CERTIFICATE, path)
    chain = choice(fields, body, "chain", path, CHAINS)
    return TlsEntry(ref, chain, _optional(fields, body, path))


def _expand(fields: Fields, body: Mapping[str, Any], path: Path) -> ExpandEntry:
    ref = _ref(fields, body, SECRET, path)
    form = choice(fields, body, "format", path, ("JSON", "YAML"))
    optional = _optional(fields, body, path)
    return ExpandEntry(ref, form, optional, *_naming(fields, body, path))


def _optional(fields: Fields, body: Mapping[str, Any], path: Path) -> bool:
    return bool(fields.boolean(body.get("optional"), (*path, "optional")))


def _ref(fields: Fields, body: Mapping[str, Any], kind: str, path: Path) -> Ref:
    name = fields.string(body.get(kind), (*path, kind))
    version = fields.string(body.get("version"), (*path, "version"))
    is_text = body.get(kind) is None or isinstance(body[kind], str)
    if is_text and not _OBJECT.fullmatch(name):
        problem = "is missing" if not name else "is no name Azure can have"
        hint = "letters, digits and '-', at most 127: no dots, no underscores"
        fields.fault(problem, (*path, kind), hint)
    if version and not _VERSION.fullmatch(version):
        fields.fault("is no version: 32 hexadecimal digits", (*path, "version"))
    return Ref(kind, name, version)


def _find(fields: Fields, body: Mapping[str, Any], path: Path) -> FindEntry:
    glob = fields.string(body.get("name"), (*path, "name"))
    regex = fields.string(body.get("regex"), (*path, "regex"))
    tags = fields.strings(body.get("tags"), (*path, "tags"))
    if glob and regex:
        fields.fault("must have name or regex, not both", path)
    if not (glob or regex or tags):
        fields.fault("must say which: name, regex or tags", path)
    _at_most(fields, len(tags), _MAX_TAGS, (*path, "tags"))
    return FindEntry(glob, regex, tuple(sorted(tags.items())), *_naming(fields, body, path))


def _naming(fields: Fields, body: Mapping[str, Any], path: Path) -> tuple[tuple[Rename, ...], str]:
    """How keys are made of what was found: ``rename`` and ``case``."""
    case = fields.string(body.get("case"), (*path, "case"))
    if case not in ("", *CASES):
        fields.fault(f"must be one of {', '.join(CASES)}", (*path, "case"))
    return _rename(fields, body.get("rename"), (*path, "rename")), case


def _rename(fields: Fields, value: Any, path: Path) -> tuple[Rename, ...]:
    steps = sequence(fields, value, path)
    _at_most(fields, len(steps), _MAX_RENAMES, path)
    rename = []
    for index, item in enumerate(steps):
        here = (*path, index)
        step = fields.mapping(item, here)
        pattern = fields.string(step.get("regex"), (*here, "regex"))
        if not pattern:
            fields.fault("is missing", (*here, "regex"))
        if step.get("to") is None:
            fields.fault("is missing", (*here, "to"))
        rename.append(Rename(pattern, fields.string(step.get("to"), (*here, "to"))))
    return tuple(rename)
