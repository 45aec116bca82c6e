"""Which ciphertext this user's runs made for a certificate, so that a run can go on or be repeated.

Ciphertext does not tell its key. Where the new private key is not at hand (an old key and a new
certificate; another controller than ours) only this tells what is done already. It holds the
first 16 bytes of SHA-256 of each item and the place that it is sealed for, in a file a certificate;
losing it costs no more than sealing again. An item that was moved to another name is not known: it
opens nowhere, and has to be told.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

_DIGEST_BYTES = 16
Entry = tuple[str, str]
"""The place that an item is sealed for (scope, namespace, name), and the item."""


class Journal:
    """Items by their digest; one that cannot be written still remembers for this run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            known = path.read_bytes()
        except OSError:
            known = b""
        # A torn last entry is no entry.
        whole = len(known) - len(known) % _DIGEST_BYTES
        self._known = {known[at : at + _DIGEST_BYTES] for at in range(0, whole, _DIGEST_BYTES)}

    @classmethod
    def of(cls, fingerprint: str, environment: Mapping[str, str]) -> Journal:
        """The journal of a certificate, in the user's state directory."""
        home = environment.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111 a name, no file
        return cls(Path(home) / "seal" / "resealed" / fingerprint)

    @classmethod
    def forgetful(cls) -> Journal:
        """One that knows nothing of other runs and leaves nothing to them."""
        return cls(Path(os.devnull))

    def __contains__(self, entry: Entry) -> bool:
        return _digest(entry) in self._known

    def add(self, entries: Iterable[Entry]) -> None:
        """Note items that are about to be written; before they are, so that none is missed."""
        fresh = {_digest(entry) for entry in entries} - self._known
        if not fresh:
            return
        with self._lock:
            self._known |= fresh
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("ab") as stream:
                    stream.write(b"".join(sorted(fresh)))
            except OSError:
                return


def _digest(entry: Entry) -> bytes:
    place, item = entry
    return hashlib.sha256(f"{place}\n{''.join(item.split())}".encode()).digest()[:_DIGEST_BYTES]
