"""sprig's functions on words: wrapping, abbreviating, and the ways to write a name.

Some look at bytes where characters are meant (``initials`` of a word that starts with an accent);
that is how Go's goutils does it, and what users' outputs look like.
"""

from __future__ import annotations

from sealer.template import runes
from sealer.template.registry import Environment, Group
from sealer.template.values import wrapped

GROUP = Group()


def _look_at_each(environment: Environment, text: bytes) -> None:
    """Count the work of a loop over characters, of up to a microsecond each."""
    environment.spend(len(text) // 2)
    environment.allocate(8 * len(text))


@GROUP.function("title", "func(string) string", takes_environment=True)
def title(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    before, out = " ", []
    for char in runes.decode(text):
        out.append(runes.title(char) if _separates(before) else char)
        before = char
    return runes.encode("".join(out))


def _separates(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return not (runes.is_letter(char) or runes.is_digit(char)) and char in runes.SPACES


@GROUP.function("untitle", "func(string) string", takes_environment=True)
def untitle(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    starts, out = True, []
    for char in runes.decode(text):
        if char in runes.SPACES:
            starts = True
        elif starts:
            char, starts = runes.lower(char), False
        out.append(char)
    return runes.encode("".join(out))


@GROUP.function("swapcase", "func(string) string", takes_environment=True)
def swapcase(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    starts, out = True, []
    for char in runes.decode(text):
        if runes.is_upper(char) or runes.is_title(char):
            char, starts = runes.lower(char), False
        elif runes.is_lower(char):
            char, starts = (runes.title(char) if starts else runes.upper(char)), False
        else:
            starts = char in runes.SPACES
        out.append(char)
    return runes.encode("".join(out))


@GROUP.function("nospace", "func(string) string", takes_environment=True)
def nospace(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    kept = [char for char in text.decode("latin-1") if char not in runes.SPACES]
    return text if len(kept) == len(text) else "".join(kept).encode()


@GROUP.function("initials", "func(string) string", takes_environment=True)
def initials(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    starts, out = True, []
    for char in text.decode("latin-1"):
        if char in runes.SPACES:
            starts = True
        elif starts:
            out.append(char)
            starts = False
    return "".join(out).encode()


@GROUP.function("abbrev", "func(int, string) string")
def abbrev(width: int, text: bytes) -> bytes:
    return text if width < 4 else _abbreviated(text, 0, width)


@GROUP.function("abbrevboth", "func(int, int, string) string")
def abbrevboth(left: int, right: int, text: bytes) -> bytes:
    if right < 4 or (left > 0 and right < 7):
        return text
    return _abbreviated(text, left, right)


def _abbreviated(text: bytes, offset: int, width: int) -> bytes:
    if len(text) <= width:
        return text
    offset = min(offset, len(text))
    if wrapped(len(text) - offset) < width - 3:
        offset = len(text) - (width - 3)
    if offset <= 4:
        return text[: width - 3] + b"..."
    if width < 7:
        return b""
    if offset + width - 3 < len(text):
        # goutils abbreviates what follows with a width of three less, which may be too small.
        rest = text[offset:]
        return b"..." + (_abbreviated(rest, 0, width - 3) if width - 3 >= 4 else b"")
    return b"..." + text[len(text) - (width - 3) :]


@GROUP.function("wrap", "func(int, string) string", takes_environment=True)
def wrap(environment: Environment, width: int, text: bytes) -> bytes:
    return _wrapped(environment, text, width, b"\n", cut_long_words=False)


@GROUP.function("wrapWith", "func(int, string, string) string", takes_environment=True)
def wrap_with(environment: Environment, width: int, newline: bytes, text: bytes) -> bytes:
    return _wrapped(environment, text, width, newline or b"\n", cut_long_words=True)


def _wrapped(
    environment: Environment, text: bytes, width: int, newline: bytes, *, cut_long_words: bool
) -> bytes:
    width = max(width, 1)
    # At worst every width characters a line ends.
    environment.allocate(len(text) + (len(text) // width + 1) * len(newline))
    at, out = 0, []
    while len(text) - at > width:
        if text[at : at + 1] == b" ":
            at += 1
            continue
        space = text.rfind(b" ", at, at + width + 1)
        if space < 0 and cut_long_words:
            out += [text[at : at + width], newline]
            at += width
            continue
        if space < 0:
            space = text.find(b" ", at + width)
        if space < 0:
            out.append(text[at:])
            at = len(text)
        else:
            out += [text[at:space], newline]
            at = space + 1
    return b"".join([*out, text[at:]])


def _joins(char: str) -> bool:
    return char in "-_" or char in runes.SPACES


@GROUP.function("camelcase", "func(string) string", takes_environment=True)
def camelcase(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    chars = runes.decode(text)
    lead = next((i for i, char in enumerate(chars) if not _joins(char)), len(chars))
    if lead >= len(chars) - 1:
        last = chars[lead:] or chars[-1:]
        # Only the last character joins no words; or all do, and then the last is written twice.
        return runes.encode(chars[:lead] + (last if lead == len(chars) else runes.upper(last)))
    out = [chars[:lead]]
    current = runes.upper(chars[lead])
    first_is_upper = runes.is_upper(chars[lead])
    for char in chars[lead + 1 :]:
        before, current = current, char
        if _joins(current) and _joins(before):
            out.append(before)
            continue
        if _joins(before):
            first_is_upper = runes.is_upper(current)
            current = runes.upper(current)
            continue
        if first_is_upper and runes.is_upper(current):
            current = runes.lower(current)
        else:
            first_is_upper = False
        out.append(before)
    return runes.encode("".join([*out, current]))


@GROUP.function("snakecase", "func(string) string", takes_environment=True)
def snakecase(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    return _Words(text, "_").joined()


@GROUP.function("kebabcase", "func(string) string", takes_environment=True)
def kebabcase(environment: Environment, text: bytes) -> bytes:
    _look_at_each(environment, text)
    return _Words(text, "-").joined()


class _Words:
    """Words told apart by case and digits, in lower case, as huandu/xstrings does it.

    Kinds of words: "number", "upper", "letters", "joint", "punctuation", "other", "invalid" (also
    the end).
    """

    def __init__(self, text: bytes, connector: str) -> None:
        # Bytes that are not UTF-8 are kept in the words they stand in.
        self.rest = text.decode("utf-8", "surrogateescape")
        self.connector = connector
        self.out: list[str] = []

    def joined(self) -> bytes:
        kind, word = self._next()
        while self.rest:
            if kind != "joint":
                self._write(kind, word)
            previous, last = kind, word
            kind, word = self._next()
            if previous == "number":
                kind, word = self._rest_of_word(kind, word)
            elif previous == "joint":
                self._write(previous, last)
            elif previous != "punctuation":
                kind, word = self._after_letters(kind, word)
        self._write(kind, word)
        return "".join(self.out).encode("utf-8", "surrogateescape")

    def _after_letters(self, kind: str, word: str) -> tuple[str, str]:
        if kind != "number":
            if kind not in ("joint", "punctuation"):
                self.out.append(self.connector)
            return kind, word
        if not self.rest:
            return kind, word
        number = word
        kind, word = self._next()
        if kind != "letters":  # "Bld4Floor": the number belongs to the word before it
            self._write("number", number)
            if kind not in ("joint", "punctuation"):
                self.out.append(self.connector)
            return kind, word
        self.out.append(self.connector)  # "HTTP2xx": it belongs to the letters after it
        self._write("number", number)
        return self._rest_of_word(kind, word)

    def _rest_of_word(self, kind: str, word: str) -> tuple[str, str]:
        while kind in ("letters", "number"):
            self._write(kind, word)
            kind, word = self._next()
        if kind not in ("invalid", "joint", "punctuation"):
            self.out.append(self.connector)
        return kind, word

    def _write(self, kind: str, word: str) -> None:
        if kind not in ("upper", "joint"):
            self.out.append(word)
            return
        for char in word:
            if _joins(char):
                self.out.append(self.connector)
            elif _is_invalid(char):
                self.out.append("\ufffd")
            else:
                self.out.append(runes.lower(char) if runes.is_upper(char) else char)

    def _next(self) -> tuple[str, str]:
        """Cut off the next word."""
        text = self.rest
        start = _valid_from(text, 0)
        if start == len(text):
            kind, end = "invalid", start
        else:
            kind = _kind(text[start])
            end = _end_of_capitals(text, start) if kind == "upper" else _end(text, start, kind)
        self.rest = text[end:]
        return kind, text[:end]


def _is_invalid(char: str) -> bool:
    return "\udc80" <= char <= "\udcff" or char == "\ufffd"


def _valid_from(text: str, at: int) -> int:
    """Return where the next character stands that is one, the end where there is none."""
    while at < len(text) and _is_invalid(text[at]):
        at += 1
    return at


def _kind(char: str) -> str:
    if _joins(char):
        return "joint"
    if runes.is_punctuation(char):
        return "punctuation"
    if runes.is_upper(char):
        return "upper"
    if _is_alphabetic(char):
        return "letters"
    return "number" if runes.is_number(char) else "other"


def _is_alphabetic(char: str) -> bool:
    chinese = (
        "\u4e00" <= char <= "\u9fcc"
        or "\u3400" <= char <= "\u4d85"
        or "\U00020000" <= char <= "\U0002b81d"
    )
    return runes.is_letter(char) and not chinese


def _end(text: str, at: int, kind: str) -> int:
    """Return where a run of one kind ends; what is no character goes with what follows."""
    while at < len(text):
        following = _valid_from(text, at)
        if following == len(text):
            return following
        char = text[following]
        # A hyphen joins words, but among punctuation it is one of them.
        goes_on = runes.is_punctuation(char) if kind == "punctuation" else _kind(char) == kind
        if not goes_on:
            return at
        at = following + 1
    return at


def _end_of_capitals(text: str, at: int) -> int:
    end = _end(text, at + 1, "upper")
    if end == at + 1:
        return _end(text, end, "letters")
    following = _valid_from(text, end)
    if following == len(text) or _kind(text[following]) != "letters":
        return end
    # Of "HTTPStatus" the S belongs to the next word.
    end -= 1
    while _is_invalid(text[end - 1]):
        end -= 1
    return end
