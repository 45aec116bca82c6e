"""``sealer.convert`` for tests: text in, our manifests out."""

from __future__ import annotations

from typing import Any

from sealer.convert import Conversion, Converted
from sealer.manifest import read_documents


def convert(text: str) -> list[Converted]:
    """What all documents become together."""
    conversion = Conversion()
    for document in read_documents(text, "test"):
        for resource in document.resources():
            assert conversion.add(resource.value)
    return conversion.finish()


def of_kind(text: str, kind: str) -> list[dict[str, Any]]:
    """The specs of one kind."""
    return [one.manifest["spec"] for one in convert(text) if one.manifest.get("kind") == kind]


def secrets(text: str) -> list[dict[str, Any]]:
    """The specs of the KeyVaultSecrets."""
    return of_kind(text, "KeyVaultSecret")


def notes(text: str) -> str:
    """All comments."""
    return " ".join(note for one in convert(text) for note in one.notes)
