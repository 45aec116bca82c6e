"""One file with SealedSecrets in it, read whole, changed in memory, written back atomically."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealer.errors import ManifestError, ManyErrors, SealerError, UsageError
from sealer.files.atomic import write_atomic
from sealer.files.text import Encoding, display, read_text
from sealer.inputs.sealed import SealedInputs, warn_of_result
from sealer.manifest import Document, Resource, read_documents
from sealer.notices import Notices
from sealer.sealed import SealedSecret

if TYPE_CHECKING:
    from sealer.changes.edit import Changes
    from sealer.keys.certificate import Certificate


@dataclass(frozen=True)
class Place:
    """A SealedSecret, and which document of the file it is in."""

    at: int
    resource: Resource
    sealed: SealedSecret

    @property
    def title(self) -> str:
        """``prod/db``, or the name alone."""
        parts = (self.sealed.namespace, self.sealed.name)
        return "/".join(part for part in parts if part) or "without a name"


class SealedFile:
    """``documents`` may be replaced one by one; ``write`` puts the file in its place."""

    def __init__(self, path: str, text: str, encoding: Encoding, namespace: str = "") -> None:
        self.path = path
        self.namespace = namespace
        self.encoding = encoding
        self.before = text
        self.documents: list[Document] = list(read_documents(text, display(path)))

    @classmethod
    def read(cls, path: str, namespace: str = "") -> SealedFile:
        """Read it; ``namespace`` is for SealedSecrets that name none. FileError where it fails."""
        if path == "-":
            raise UsageError("this command changes a file, and standard input is none")
        return cls(path, *read_text(path), namespace)

    def now(self) -> SealedFile:
        """Itself while the file holds what was read, else the file read anew."""
        text, encoding = read_text(self.path)
        same = (text, encoding) == (self.before, self.encoding)
        return self if same else SealedFile(self.path, text, encoding, self.namespace)

    def places(self, notices: Notices) -> list[Place]:
        """Every SealedSecret in the file; raises all faults, also those of other documents."""
        inputs = SealedInputs(notices, namespace=self.namespace)
        found = [
            Place(at, resource, sealed)
            for at, document in enumerate(self.documents)
            for resource, sealed in inputs.of(document)
        ]
        if inputs.errors:
            raise ManyErrors(inputs.errors)
        if not found:
            raise ManifestError(f"{self.path}: there is no SealedSecret in it")
        return found

    def choose(self, notices: Notices, name: str, namespace: str) -> Place:
        """The one SealedSecret that is meant; ManifestError where that is not clear."""
        found = self.places(notices)
        fitting = [
            place
            for place in found
            if (not name or place.sealed.name == name)
            and (not namespace or place.sealed.namespace in (namespace, ""))
        ]
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(place.title for place in found)
        if fitting:
            problem, hint = "holds several SealedSecrets", "choose one with --name and --namespace"
        else:
            problem, hint = "holds no such SealedSecret", "see --name and --namespace"
        raise ManifestError(f"{self.path}: {problem}: {names}", hint=hint)

    def apply(self, place: Place, changes: Changes, certificate: Certificate | None) -> None:
        """Change the SealedSecret at a place of this file; the error tells where."""
        from sealer.changes.edit import apply

        try:
            self.documents[place.at] = apply(
                self.documents[place.at],
                place.resource.path,
                place.sealed,
                changes,
                certificate,
            )
        except SealerError as error:
            raise place.resource.locate(error) from None

    @property
    def text(self) -> str:
        """What would be written."""
        return "".join(document.text for document in self.documents)

    def write(self, notices: Notices) -> bool:
        """Write it back if it changed, with a warning of templates that it breaks; tell if so.

        To be called while the file is held (``sealer.files.lock``); ChangedError where somebody who
        does not ask for that has written it since it was read.
        """
        if self.text == self.before:
            return False
        warn_of_result(notices, self.documents)
        expected = self.encoding.encode(self.before)
        write_atomic(self.path, [self.encoding.encode(self.text)], expected=expected)
        return True
