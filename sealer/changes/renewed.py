"""Items that somebody else sealed again: may they be the values that were sent?

Only the key's owner can compare values. But everybody sees their sizes, which AES-GCM does not
hide, and an item that comes back as it was sent for another key is that key's value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from sealer.changes.edit import item_bytes

_K = TypeVar("_K")


def foreign(before: Mapping[_K, str], after: Mapping[_K, str]) -> tuple[_K, str] | None:
    """The first new item that cannot hold the value of its key, and why; None if all may.

    ``after`` holds the items that changed, ``before`` what was sent, base64 both.
    """
    sent = set(before.values())
    for key, item in after.items():
        if item in sent:
            return key, "the value of another key"
        size = item_bytes(item)
        if size is None or size != item_bytes(before[key]):
            return key, "another value: its size differs"
    return None
