"""One scenario a file: a header of ``name: value`` lines, an empty line, a manifest.

- ``expect``: ``success``, or by which layer it fails: ``malformed`` (the manifest, before any key
  is tried), ``no-key`` (no key opens an item: another key may), ``item-failure`` (an item is
  damaged: no key will), ``template-failure``.
- ``keys``: files under ``keys/``, all that the reader has.
- ``secret``: for a success, the Secret as JSON.
- ``items``: for a failure, the keys that fail, sorted; a key that is not named opens.
- ``kubeseal``: only where it says otherwise than ``expect``: ``accepts`` or ``refuses``, and why.
- ``comment``: what the scenario is about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUTCOMES = ("success", "malformed", "no-key", "item-failure", "template-failure")


@dataclass(frozen=True)
class Vector:
    """A scenario."""

    name: str
    expect: str
    comment: str
    keys: tuple[str, ...]
    manifest: str
    secret: dict[str, Any] | None = None
    items: tuple[str, ...] = ()
    kubeseal: str = ""

    @classmethod
    def read(cls, path: Path) -> Vector:
        """Read a file; a header that is not known is an error."""
        # Not read_text: line ends are part of some scenarios.
        head, _, manifest = path.read_bytes().decode().partition("\n\n")
        header = dict(line.split(": ", 1) for line in head.splitlines())
        vector = cls(
            name=path.stem,
            expect=header.pop("expect"),
            comment=header.pop("comment"),
            keys=tuple(header.pop("keys").split()),
            manifest=manifest,
            secret=json.loads(header.pop("secret", "null")),
            items=tuple(header.pop("items", "").split()),
            kubeseal=header.pop("kubeseal", ""),
        )
        assert not header, f"{path.name}: {header}"
        assert vector.expect in OUTCOMES
        assert (vector.secret is not None) == (vector.expect == "success")
        return vector

    def text(self) -> str:
        """Write it as a file."""
        lines = [
            f"expect: {self.expect}",
            f"comment: {self.comment}",
            f"keys: {' '.join(self.keys)}",
        ]
        if self.secret is not None:
            lines.append(f"secret: {json.dumps(self.secret, sort_keys=True)}")
        if self.items:
            lines.append(f"items: {' '.join(self.items)}")
        if self.kubeseal:
            lines.append(f"kubeseal: {self.kubeseal}")
        return "\n".join(lines) + "\n\n" + self.manifest

    @property
    def kubeseal_succeeds(self) -> bool:
        """What kubeseal's exit code says."""
        if self.kubeseal:
            return self.kubeseal.startswith("accepts")
        return self.expect == "success"


def all_vectors() -> list[Vector]:
    """Every file of this folder."""
    return [Vector.read(path) for path in sorted(HERE.glob("*.vector"))]


def key_text(name: str) -> str:
    """A key file's text."""
    return (HERE / "keys" / name).read_text()
