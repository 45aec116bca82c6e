"""The one error tree, so that callers branch on a class and people read a cure.

    SealerError                  every error this project raises on purpose
    ├── UsageError               the caller asked for something impossible: exit code 2
    ├── ManifestError            text that is not a usable YAML or JSON manifest
    │   └── NotYamlError         ... because it does not parse as YAML
    ├── KeyFileError             a certificate or private key that cannot or must not be used
    │   ├── DamagedKeyError      ... because its bytes are none
    │   └── OtherKeyError        ... because it is of another kind than RSA
    ├── UnsealError              a ciphertext that does not open
    │   └── NoKeyError           ... because no key of the ring fits: a new key may cure it
    ├── TemplateError            a template that does not parse or render
    │   └── MissingKeyError      ... or that names a key which nothing fills
    └── ManyErrors               several of the above: one bad item never hides the rest

Refuses to carry secrets: a message names places (file, line, document, key), never plaintext,
ciphertext, key bytes or tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Path = tuple[str | int, ...]
_E = TypeVar("_E", bound="SealerError")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file or stream, a line, an object of it and a field of that."""

    file: str
    """Its name for messages, ``<stdin>`` for standard input."""
    line: int = 1
    """From 1."""
    title: str = ""
    """``Secret prod/db``, and which document of several; empty where no object is meant."""
    path: Path = ()
    """The field, as keys and list indices from the object's root."""

    @property
    def spot(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def field(self) -> str:
        """The field as people write it; empty for the object itself."""
        return dotted(self.path)

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.spot, self.title, self.field)))


def dotted(path: Path) -> str:
    """Write a path for people: ``data.password``, ``items[2].data["a.b"]``."""
    words = ""
    for step in path:
        if isinstance(step, int):
            words += f"[{step}]"
        elif re.fullmatch(r"[\w-]+", step):
            words += f".{step}" if words else step
        else:
            words += f'["{step}"]'
    return words


class SealerError(Exception):
    """A failure with a message for people and, where there is one, a hint how to cure it.

    ``problem`` is what is wrong, ``place`` where, if that is known; ``message`` writes both.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = message
        self.hint = hint
        self.place: Place | None = None

    @property
    def message(self) -> str:
        """The problem, behind its place."""
        return f"{self.place}: {self.problem}" if self.place else self.problem

    def at(self: _E, place: Place) -> _E:
        """The same error at a place; one that it had before becomes part of the problem."""
        located = self.__class__.__new__(self.__class__)  # constructors differ
        located.__dict__.update(self.__dict__)
        located.problem, located.place = self.message, place
        located.args = (located.message,)
        return located

    def __str__(self) -> str:
        return self.message


class UsageError(SealerError):
    """The request itself is wrong: options that contradict each other, a missing argument."""


class ManifestError(SealerError):
    """Text or fields of a manifest that cannot be used.

    ``path`` names the field, as keys and list indices from the document's root; ``line`` counts
    from 0 in the document's text, where the path does not tell it. Only the document knows its
    file and its lines: ``Document.locate`` gives the error its place.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        path: tuple[str | int, ...] = (),
        line: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.line = line


class NotYamlError(ManifestError):
    """Text that does not parse as YAML; ``detail`` is what the parser says of it."""

    def __init__(self, detail: str, *, line: int) -> None:
        super().__init__(f"not valid YAML: {detail}", line=line)
        self.detail = detail


class NoDataError(ManifestError):
    """A Secret without any value, perhaps because of another fault of its document."""


class TokenTypeError(ManifestError):
    """A Secret's type that mints tokens for the cluster: it is never made from a vault."""


class KeyFileError(SealerError):
    """A certificate or private key that cannot be read or must not be used."""


class DamagedKeyError(KeyFileError):
    """Bytes that are no certificate or key, or numbers that no key has."""


class OtherKeyError(KeyFileError):
    """A certificate of another kind of key than RSA."""


class UnsealError(SealerError):
    """A ciphertext that does not open: damaged, moved, renamed, or sealed for another key.

    ``key`` is the item's name in ``encryptedData``, where one item is to blame.
    """

    def __init__(self, message: str, *, hint: str | None = None, key: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


class NoKeyError(UnsealError):
    """No key of the ring opens the item; adding the right key may cure it.

    ``reasons`` pairs each key's name with why that key did not fit, in the order tried.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        key: str | None = None,
        reasons: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, key=key)
        self.reasons = reasons


class TemplateError(SealerError):
    """A template that does not parse or render; the message is redacted: places, never values.

    ``key`` is the data key that the template makes. Another attempt fails the same way.
    """

    def __init__(self, message: str, *, hint: str | None = None, key: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


class MissingKeyError(TemplateError):
    """A template that names a key which is nowhere: it would print ``<no value>``.

    ``missing`` is that key; a template's names are no values.
    """

    def __init__(self, message: str, *, key: str, missing: str) -> None:
        super().__init__(message, key=key)
        self.missing = missing


class ManyErrors(SealerError):
    """Several failures of one run, in document order.

    ``errors`` holds at least one error; the message joins theirs, a line each.
    """

    def __init__(self, errors: Sequence[SealerError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(error.message for error in self.errors))


def each(*errors: SealerError) -> Iterator[SealerError]:
    """The errors one by one, ManyErrors taken apart."""
    for error in errors:
        if isinstance(error, ManyErrors):
            yield from each(*error.errors)
        else:
            yield error


DOCS = "https://github.com/sealer/sealer/blob/main/docs"
"""Where people read on: a user's repository has none of our pages, so a hint names an address."""


def docs_page(name: str, anchor: str = "") -> str:
    """The address of ``docs/NAME.md``, at a heading's ``anchor`` where there is one."""
    return f"{DOCS}/{name}.md" + (f"#{anchor}" if anchor else "")
