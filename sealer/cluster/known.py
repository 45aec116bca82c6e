"""Which certificate each place served when it was last believed: one file, a line a place.

It lies in the user's state directory and never in a tree, since a tree may be a stranger's. A line
is FINGERPRINT, the day, and the place; to forget a place is to delete its line. A file that is
there and cannot be understood is an error: to go on would be to believe anybody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sealer.errors import SealerError
from sealer.files.atomic import make_directory, write_atomic
from sealer.files.lock import exclusive
from sealer.keys.fingerprint import normal


class KnownPlaces:
    """Fingerprints by place; ``path`` is None where there is no directory to keep them in."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> KnownPlaces:
        """The user's own. A relative directory is none, as XDG says: it would be the tree's."""
        home = environment.get("XDG_STATE_HOME", "")
        if not os.path.isabs(home):  # noqa: PTH117 a name, no file
            home = os.path.expanduser("~/.local/state")  # noqa: PTH111 a name, no file
        absolute = os.path.isabs(home)  # noqa: PTH117 a user without a home has a "~" there
        return cls(Path(home) / "seal" / "known-certificates" if absolute else None)

    def fingerprint(self, place: str) -> str:
        """What is remembered of a place, empty if nothing; SealerError where that is not clear."""
        return self._read().get(_line(place), ("", ""))[0]

    def remember(self, place: str, fingerprint: str, *, now: datetime) -> None:
        """Keep it, in place of what was known; SealerError where it cannot be written."""
        if self.path is None:
            raise SealerError("there is no directory to remember certificates in")
        make_directory(str(self.path.parent))
        with exclusive(str(self.path)):
            lines = {**self._read(), _line(place): (fingerprint, f"{now:%Y-%m-%d}")}
            text = "".join(f"{one} {day} {where}\n" for where, (one, day) in lines.items())
            write_atomic(str(self.path), [text.encode()], private=True)

    def _read(self) -> dict[str, tuple[str, str]]:
        if self.path is None:
            return {}
        try:
            text = self.path.read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            words = (getattr(error, "strerror", None) or "not a text").lower()
            raise SealerError(f"cannot read {self.path}: {words}") from None
        known: dict[str, tuple[str, str]] = {}
        if not text:
            return known
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            fingerprint, _, rest = line.partition(" ")
            day, _, place = rest.partition(" ")
            try:
                known[place] = (normal(fingerprint), day)
            except ValueError:
                place = ""
            if not place:
                raise SealerError(
                    f"{self.path}: line {number} cannot be understood",
                    hint="delete that line: the place counts as new then",
                )
        return known


def _line(place: str) -> str:
    return place.replace("\n", "%0A").replace("\r", "%0D")
