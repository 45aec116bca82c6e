"""Go's characters: a Go string is bytes, and functions that look at characters decode it.

As in Go, each byte that is not part of valid UTF-8 counts as one U+FFFD, and the mapping of cases
is one character to one character (Python's own maps U+00DF to two).
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

REPLACEMENT: Final = "\ufffd"
SPACES: Final = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | frozenset(
    chr(code) for code in range(0x2000, 0x200B)
)
"""What unicode.IsSpace takes for white space (Python's isspace adds U+001C to U+001F)."""

_ONE_BYTE_AT_A_TIME: Final = "sealer.template.one-byte-at-a-time"


def _one_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return REPLACEMENT, error.start + 1


codecs.register_error(_ONE_BYTE_AT_A_TIME, _one_byte)


def decode(text: bytes) -> str:
    """Return the characters of a Go string, U+FFFD for each byte that is none."""
    return text.decode("utf-8", _ONE_BYTE_AT_A_TIME)


def encode(text: str) -> bytes:
    """Return the Go string of the characters; half a surrogate pair is U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join(
            REPLACEMENT if "\ud800" <= char <= "\udfff" else char for char in text
        ).encode("utf-8")


def upper(char: str) -> str:
    """Map as unicode.ToUpper does."""
    mapped = char.upper()
    if len(mapped) == 1:
        return mapped
    # The long mappings of the Greek letters with iota subscript have a short one, the title case.
    titled = char.title()
    return titled if len(titled) == 1 else char


def lower(char: str) -> str:
    """Map as unicode.ToLower does."""
    mapped = char.lower()
    return mapped if len(mapped) == 1 else mapped[0]


def title(char: str) -> str:
    """Map as unicode.ToTitle does."""
    mapped = char.title()
    return mapped if len(mapped) == 1 else char


def is_upper(char: str) -> bool:
    """Tell whether the letter is upper case (category Lu)."""
    return _category(char) == "Lu"


def is_lower(char: str) -> bool:
    """Tell whether the letter is lower case (category Ll)."""
    return _category(char) == "Ll"


def is_title(char: str) -> bool:
    """Tell whether the letter is title case (category Lt)."""
    return _category(char) == "Lt"


def is_letter(char: str) -> bool:
    """Tell whether the character is a letter."""
    return _category(char)[0] == "L"


def is_digit(char: str) -> bool:
    """Tell whether the character is a decimal digit."""
    return _category(char) == "Nd"


def is_number(char: str) -> bool:
    """Tell whether the character is a number of any kind."""
    return _category(char)[0] == "N"


def is_punctuation(char: str) -> bool:
    """Tell whether the character is punctuation (symbols are not)."""
    return _category(char)[0] == "P"


def mapped(text: bytes, mapping: Callable[[str], str]) -> bytes:
    """Map each character as strings.Map does: what is not UTF-8 becomes U+FFFD."""
    return encode("".join(map(mapping, decode(text))))


def trimmed(text: bytes) -> bytes:
    """Cut white space from both ends, as strings.TrimSpace does; all else stays as it is."""
    start, end = 0, len(text)
    while start < end and (size := _space_at(text, start)):
        start += size
    while end > start and (size := _space_before(text, end)):
        end -= size
    return text[start:end]


_SPACE_BYTES: Final = {space.encode(): len(space.encode()) for space in SPACES}


def _space_at(text: bytes, at: int) -> int:
    return next((size for size in (1, 2, 3) if text[at : at + size] in _SPACE_BYTES), 0)


def _space_before(text: bytes, end: int) -> int:
    return next((n for n in (1, 2, 3) if n <= end and text[end - n : end] in _SPACE_BYTES), 0)


@lru_cache(maxsize=4096)
def _category(char: str) -> str:
    return unicodedata.category(char)
