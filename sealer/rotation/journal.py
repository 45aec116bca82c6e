"""Which ciphertext this user's runs made for a certificate, so that a run can go on or be repeated.

Ciphertext does not tell its key. Where the new private key is not at hand (an old key and a new
certificate; another controller than ours) only this tells what is done already. It holds the
first 16 bytes of SHA-256 of each item, in a file a certificate; losing it costs no more than
sealing again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

_DIGEST_BYTES = 16


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

    def __contains__(self, item: str) -> bool:
        return _digest(item) in self._known

    def add(self, items: Iterable[str]) -> None:
        """Note items that are about to be written; before they are, so that none is missed."""
        fresh = {_digest(item) for item in items} - self._known
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


def _digest(item: str) -> bytes:
    return hashlib.sha256("".join(item.split()).encode()).digest()[:_DIGEST_BYTES]
