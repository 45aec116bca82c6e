"""The text that ``seal edit`` shows in an editor, and what the edited text asks for.

One YAML mapping a SealedSecret, keys to values. A value that stays sealed is a placeholder with
its size; a placeholder under another key moves the ciphertext there. Nothing in an error quotes a
value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealer import encoding
from sealer.changes.edit import Changes, check, item_bytes
from sealer.errors import ManifestError, ManyErrors, SealerError
from sealer.manifest import Document, read_documents, to_yaml
from sealer.sealed import SealedSecret

_HELP = """\
# One line a key. A new value is sealed when you save and close; a <sealed ...> one stays as it is,
# and moves when you put it under another key. Add keys, rename them, remove them. Quote numbers;
# write what is not text as KEY: {base64: ...}. This file is in memory only.
"""
_TROUBLE = "#! "


@dataclass(frozen=True, slots=True)
class Sheet:
    """One SealedSecret as it is shown."""

    sealed: SealedSecret
    shown: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Values in clear, for the keys whose value is known and may be shown."""

    @property
    def texts(self) -> dict[str, str]:
        """What stands beside each key."""
        return {key: self._text(key) for key in self.sealed.encrypted_data}

    @property
    def placeholders(self) -> dict[str, str]:
        """Every placeholder that this sheet knows, with the key it stands for."""
        return {placeholder(self.sealed, key): key for key in self.sealed.encrypted_data}

    def _text(self, key: str) -> str:
        text = _printable(self.shown[key]) if key in self.shown else None
        return placeholder(self.sealed, key) if text is None else text


def placeholder(sealed: SealedSecret, key: str) -> str:
    """Return ``<sealed KEY, N bytes>``; the size is told by the ciphertext's length."""
    size = item_bytes(sealed.encrypted_data[key])
    unit = "byte" if size == 1 else "bytes"
    return f"<sealed {key}, {'damaged' if size is None else f'{size} {unit}'}>"


def render(sheets: Sequence[Sheet]) -> str:
    """Write the text to edit."""
    return _HELP + "---\n".join(map(_render_one, sheets))


def with_trouble(text: str, error: SealerError) -> str:
    """The edited text with what is wrong with it before it, as comments."""
    errors = error.errors if isinstance(error, ManyErrors) else (error,)
    lines = [line for one in errors for line in (one.message, one.hint or "") if line]
    return "".join(f"{_TROUBLE}{encoding.printable(line)}\n" for line in lines) + text


def without_trouble(text: str) -> str:
    """The edited text without the comments that told what was wrong with it."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_TROUBLE))


def parse(text: str, sheets: Sequence[Sheet]) -> list[Changes]:
    """Read an edited text; return the changes to each SealedSecret, in the sheets' order.

    Raises ManifestError with the line of the text, never a value: bad YAML, another number of
    documents, a value that is no string, a placeholder of nothing.
    """
    documents = [one for one in read_documents(text, "<editor>") if not _is_bare(one)]
    if len(documents) != len(sheets):
        raise ManifestError(
            f"there are {len(documents)} documents, and the file has {len(sheets)} SealedSecrets",
            hint="keep the --- lines; to remove every key leave {}",
        )
    return [_changes(*pair) for pair in zip(documents, sheets, strict=True)]


def _is_bare(document: Document) -> bool:
    return document.is_empty and not document.text.startswith("---")


def _render_one(sheet: Sheet) -> str:
    sealed = sheet.sealed
    place = "/".join(filter(None, (sealed.namespace, sealed.name)))
    kind = f", {sealed.template.type}" if sealed.template.type else ""
    # One line, whatever stands in a name or a type: another would be a key of the sheet.
    head = encoding.printable(f"{place} ({sealed.scope.value}{kind})")
    return f"# {head}\n{to_yaml(sheet.texts)}"


def _changes(document: Document, sheet: Sheet) -> Changes:
    entries = document.value if not document.is_empty else {}
    if not isinstance(entries, dict):
        raise document.locate(ManifestError("keys and values are expected here"))
    values: dict[str, bytes] = {}
    taken: dict[str, str] = {}
    known, texts = sheet.placeholders, sheet.texts
    gone = {key: texts[key] for key in texts if key not in entries}
    for key, value in entries.items():
        if value == texts.get(key):
            continue
        moved = next((old for old, text in gone.items() if text == value), None)
        if isinstance(value, str) and value in known:
            if known[value] != key:
                taken[key] = known[value]
        elif moved is not None:
            taken[key] = moved
        else:
            values[key] = _clear(document, key, value)
    changes = Changes(values=values, taken=taken, removed=frozenset(gone))
    try:
        check(sheet.sealed, changes)
    except ManifestError as error:
        path = () if "encryptedData" not in error.path else error.path[2:]
        raise document.locate(ManifestError(error.message, hint=error.hint, path=path)) from None
    return changes


def _clear(document: Document, key: str, value: Any) -> bytes:
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        try:
            return encoding.decode(value["base64"])
        except ValueError as error:
            raise document.locate(ManifestError(str(error), path=(key, "base64"))) from None
    if not isinstance(value, str):
        problem = "is no string, as Kubernetes reads YAML"
        raise document.locate(ManifestError(problem, hint="quote it", path=(key,)))
    if value.startswith("<sealed ") and value.endswith(">"):
        problem = "stands for no value of this SealedSecret"
        raise document.locate(ManifestError(problem, hint="copy it as it was", path=(key,)))
    return value.encode()


def _printable(value: bytes) -> str | None:
    """The value as text that an editor gives back as it was; None for what is no such text."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    clean = all(char.isprintable() or char in "\n\t" for char in text)
    return text if clean and not text.startswith("<sealed ") else None
