"""PURE: what goes through the pipes to a worker: a header and a frame."""

from __future__ import annotations

import struct
from typing import Final

HEADER: Final = struct.Struct(">IB")
"""The frame's length, and one byte: a job's seconds of CPU time, or how it ended."""
ANSWERED: Final = 0
BOUND: Final = 1
"""It was ended at a bound, or failed."""
MEMORY: Final = 2
MAX_ANSWER: Final = 4 << 20
"""A Secret holds 1 MiB, which is a third more in base64; and some values are read twice."""
