"""The one error tree, so that callers branch on a class and people read a cure.

    SealerError                  every error this project raises on purpose
    ├── UsageError               the caller asked for something impossible: exit code 2
    ├── ManifestError            text that is not a usable YAML or JSON manifest
    ├── KeyFileError             a certificate or private key that cannot or must not be used
    ├── UnsealError              a ciphertext that does not open
    │   └── NoKeyError           ... because no key of the ring fits: a new key may cure it
    ├── TemplateError            a template that does not parse or render
    └── ManyErrors               several of the above: one bad item never hides the rest

Refuses to carry secrets: a message names places (file, line, document, key), never plaintext,
ciphertext, key bytes or tokens.
"""

from __future__ import annotations

from collections.abc import Sequence


class SealerError(Exception):
    """A failure with a message for people and, where there is one, a hint how to cure it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(SealerError):
    """The request itself is wrong: options that contradict each other, a missing argument."""


class ManifestError(SealerError):
    """Text or fields of a manifest that cannot be used.

    ``path`` names the field, as keys and list indices from the document's root; ``line`` counts
    from 0 in the document's text, where the path does not tell it. Only the document knows its
    file and place in it: ``Document.locate`` puts them before the message.
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
        self.source = ""
        """The file that the message names already; empty before it is located."""


class NoDataError(ManifestError):
    """A Secret without any value, perhaps because of another fault of its document."""


class TokenTypeError(ManifestError):
    """A Secret's type that mints tokens for the cluster: it is never made from a vault."""


class KeyFileError(SealerError):
    """A certificate or private key that cannot be read or must not be used."""


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


class ManyErrors(SealerError):
    """Several failures of one run, in document order.

    ``errors`` holds at least one error; the message joins theirs, a line each.
    """

    def __init__(self, errors: Sequence[SealerError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(error.message for error in self.errors))
