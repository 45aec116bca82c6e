"""Files opened as Go opens them: its words for what fails, and ``-`` is a name like any other."""

from __future__ import annotations

import errno

from sealer.files.text import STDIN, Encoding, FileError, NotTextError, read_bytes, read_text


def read(path: str) -> bytes:
    """Return a file's bytes; FileError in Go's words."""
    try:
        return read_bytes(named(path))
    except FileError as error:
        raise _in_go(error, path) from None


def read_manifest(path: str) -> tuple[str, Encoding]:
    """Return a file's text and encoding, standard input's without a path.

    What is no text is read as empty, as kubeseal passes over what it cannot decode.
    """
    try:
        return read_text(named(path) if path else STDIN)
    except NotTextError:
        return "", Encoding()
    except FileError as error:
        raise _in_go(error, path) from None


def named(path: str) -> str:
    """The path as one of ours: to kubeseal ``-`` is a file like any other."""
    return "./-" if path == STDIN else path


def _in_go(error: FileError, path: str) -> FileError:
    if not error.reason:
        return error
    verb = "read" if error.code == errno.EISDIR else "open"
    return FileError(f"{verb} {path}: {error.reason}")
