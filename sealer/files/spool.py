"""Bytes that are kept until all of them are there: in memory first, then on disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

from sealer.files.text import file_error

SPOOL_BYTES = 32 * 2**20
_CHUNK = 2**20


class Spool:
    """A place for output that must not appear before all of it is known to be good.

    In memory up to 32 MiB, then in an unlinked temporary file: only for sealed text and for
    documents that pass through, never for a Secret.
    """

    def __init__(self) -> None:
        self._stream: IO[bytes] = io.BytesIO()
        self._on_disk = False

    def write(self, piece: bytes) -> None:
        """Add to it; FileError when the disk is full."""
        if not self._on_disk and self._stream.tell() + len(piece) > SPOOL_BYTES:
            self._move_to_disk()
        try:
            self._stream.write(piece)
        except OSError as error:
            raise file_error("cannot write", "a temporary file", error) from None

    def chunks(self) -> Iterator[bytes]:
        """Read it from its beginning."""
        self._stream.seek(0)
        while chunk := self._stream.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        """Give the space back."""
        self._stream.close()

    def _move_to_disk(self) -> None:
        import tempfile

        try:
            disk = tempfile.TemporaryFile()  # noqa: SIM115 close() ends it
            disk.write(self._stream.getvalue())  # type: ignore[attr-defined]  # a BytesIO until now
        except OSError as error:
            raise file_error("cannot write", "a temporary file", error) from None
        self._stream, self._on_disk = disk, True
