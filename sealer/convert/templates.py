"""External Secrets' ``target.template`` into ours; what splits a PFX becomes a ``tls`` entry.

There a template replaces a value of its own name; in ours the value wins unless ``omit`` names it.
"""

from __future__ import annotations

import re
from typing import Any

from sealer.convert.result import Notes, named
from sealer.convert.source import Source
from sealer.errors import MissingKeyError
from sealer.templating import doubts

# The usual two lines: {{ .pfx | b64dec | pkcs12cert }} and {{ .pfx | b64dec | pkcs12key }}; or
# {{ .pem | filterPEM "CERTIFICATE" }} where the vault holds PEM.
_SPLIT = re.compile(
    r"""(?:\.(?P<a>\w+)|index\s+\.\s+"(?P<b>[^"]+)")\s*(?:\|\s*b64dec\s*)?\|\s*"""
    r"""(?P<what>pkcs12cert|pkcs12key|filterPEM\s+"(?P<block>CERTIFICATE|[A-Z ]*PRIVATE\sKEY)")"""
    r"""(?=\s*(?:\||-?\}\}))"""
)
_ALONE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}\s*", re.DOTALL)
_PARTS = {"CERTIFICATE": "tls.crt", "pkcs12cert": "tls.crt", "pkcs12key": "tls.key"}


def template(source: Source, entries: list[dict[str, Any]], notes: Notes) -> dict[str, Any]:
    """``template`` of a KeyVaultSecret, or nothing; may replace a raw entry by ``tls``."""
    merge = source.text("mergePolicy") == "Merge"
    if source.text("engineVersion") == "v1":
        notes.add("engineVersion v1 had values as bytes: drop its toString and base64 functions")
    metadata = source.part("metadata")
    ours = named({each: metadata.texts(each) for each in ("labels", "annotations")})
    if any("{{" in text for texts in ours.values() for text in texts.values()):
        notes.add("templates in labels and annotations have no match here: write what they give")
    _from(source, notes)
    kind = source.text("type")
    data = dict(source.texts("data"))
    wanted = set(data)
    _split(data, entries, notes, merge=merge)
    opened = any("expand" in one or "find" in one for one in entries)
    omit = [key for key in _raw(entries) if _omitted(key, entries, data, wanted, merge=merge)]
    if wanted and opened:
        omit += [key for key in data if key not in omit]
        if not merge:
            notes.add("the template's keys replaced all others: name in omit what expand and find")
            notes.add("bring and nobody should have")
    _doubts(data, entries, notes)
    made = named({"metadata": ours, "type": kind, "data": data, "omit": omit if wanted else []})
    return {"template": made} if made else {}


def _omitted(
    key: str, entries: list[dict[str, Any]], data: dict[str, str], wanted: set[str], *, merge: bool
) -> bool:
    if key in data:
        return True
    split = key in ("tls.crt", "tls.key") and all(one.get("key") != key for one in entries)
    return key not in wanted and (split or not merge)


def _raw(entries: list[dict[str, Any]]) -> list[str]:
    keys: list[str] = []
    for one in entries:
        keys += [one["key"]] if "key" in one else []
        keys += ["tls.crt", "tls.key"] if "tls" in one else []
    return keys


def _from(source: Source, notes: Notes) -> None:
    for one in source.parts("templateFrom"):
        place = one.text("target") or "Data"
        for kind in ("configMap", "secret"):
            if kind in one:
                part = one.part(kind)
                items = ", ".join(item.text("key") for item in part.parts("items"))
                for item in part.parts("items"):
                    item.text("templateAs")
                notes.add(f"templateFrom {kind} {part.text('name')} ({items}) has no match here:")
                notes.add("write its templates into template.data")
        if "literal" in one:
            one.text("literal")
            notes.add(f"templateFrom literal for {place} has no match here: write a template for")
            notes.add("each key into template.data")


def _split(
    data: dict[str, str], entries: list[dict[str, Any]], notes: Notes, *, merge: bool
) -> None:
    """Where templates split the secret of a certificate: fetch it split."""
    used = {match["a"] or match["b"] for text in data.values() for match in _SPLIT.finditer(text)}
    if not used:
        return
    name = min(used)
    if len(used) > 1:
        notes.add("one tls entry is made: the other certificates need KeyVaultSecrets of their own")
    at = next((i for i, one in enumerate(entries) if one.get("key") == name), -1)
    source = entries[at]["from"] if at >= 0 else {}
    others = [t for t in data.values() if re.search(rf"\.{re.escape(name)}\b", _SPLIT.sub("", t))]
    if "secret" not in source or "property" in source:
        return
    version = named({"version": source.get("version")})
    tls = {"tls": {"certificate": source["secret"], **version}}
    entries[at : at + 1] = [tls, entries[at]] if others or merge else [tls]
    notes.add(
        f"{source['secret']} is fetched as a certificate, whatever its format, with the chain"
    )
    notes.add("leaf first, and with ca.crt where the vault holds a root")

    def replaced(match: re.Match[str]) -> str:
        if (match["a"] or match["b"]) != name:
            return match[0]
        key = _PARTS.get(match["block"] or match["what"], "tls.key")
        return f'index . "{key}"'

    for key, text in list(data.items()):
        new = _SPLIT.sub(replaced, text)
        data[key] = new
        alone = _ALONE.fullmatch(new)
        if alone and alone[1] == f'index . "{key}"':
            del data[key]


def _doubts(data: dict[str, str], entries: list[dict[str, Any]], notes: Notes) -> None:
    opened = any("expand" in one or "find" in one for one in entries)
    keys = dict.fromkeys(_raw(entries))
    for doubt in doubts(data, keys):
        if not isinstance(doubt, MissingKeyError):
            notes.add(f"the template of {doubt.key} does not run here: {doubt.message}")
        elif not opened:
            notes.add(f"the template of {doubt.key} names a key that nothing fills")
