"""Objects as the watch brought them, kept until a worker takes them, within a number of bytes.

What does not fit is not kept: whoever takes its key reads the object from the API server.
"""

from __future__ import annotations

import sys
from typing import Any

from controller.api.cluster import Manifest
from controller.sealed.memory import Key

ROOM = 16 * 2**20


class Waiting:
    """Bodies by key; ``room`` bytes in all."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._bodies: dict[Key, tuple[Manifest, int]] = {}
        self.bytes = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._bodies

    def put(self, key: Key, body: Manifest) -> None:
        """Keep it instead of an older one, if there is room for it."""
        self.pop(key)
        size = weigh(body)
        if self.bytes + size <= self._room:
            self._bodies[key] = body, size
            self.bytes += size

    def pop(self, key: Key) -> Manifest | None:
        """Take it out; None where it is not kept."""
        body, size = self._bodies.pop(key, (None, 0))
        self.bytes -= size
        return body


def weigh(value: Any) -> int:
    """About how many bytes of memory it takes."""
    total, rest = 0, [value]
    while rest:
        one = rest.pop()
        total += sys.getsizeof(one)
        if isinstance(one, dict):
            total += sum(map(sys.getsizeof, one))
            rest.extend(one.values())
        elif isinstance(one, list):
            rest.extend(one)
    return total
