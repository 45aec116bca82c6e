"""Template text -> tokens, by the rules of Go's ``text/template/parse`` (lex.go)."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import Final, NamedTuple

MAX_TOKENS: Final = 100_000
"""More would take too much memory as a tree; Go has no such bound."""


class Kind(Enum):
    """What a token is; the value is how a message calls it."""

    ERROR = "error"
    EOF = "EOF"
    TEXT = "text"
    LEFT_DELIM = "{{"
    RIGHT_DELIM = "}}"
    SPACE = "space"
    ASSIGN = "="
    DECLARE = ":="
    PIPE = "|"
    LEFT_PAREN = "("
    RIGHT_PAREN = ")"
    CHAR = "character"
    STRING = "string"
    RAW_STRING = "raw string"
    CHAR_CONSTANT = "character constant"
    NUMBER = "number"
    COMPLEX = "imaginary number"
    BOOL = "bool"
    NIL = "nil"
    DOT = "."
    FIELD = "field"
    VARIABLE = "variable"
    IDENTIFIER = "identifier"
    BLOCK = "block"
    BREAK = "break"
    CONTINUE = "continue"
    DEFINE = "define"
    ELSE = "else"
    END = "end"
    IF = "if"
    RANGE = "range"
    TEMPLATE = "template"
    WITH = "with"


_KEYWORDS: Final = {
    kind.value: kind
    for kind in (
        Kind.BLOCK,
        Kind.BREAK,
        Kind.CONTINUE,
        Kind.DEFINE,
        Kind.ELSE,
        Kind.END,
        Kind.IF,
        Kind.RANGE,
        Kind.NIL,
        Kind.TEMPLATE,
        Kind.WITH,
    )
}
_WORDS: Final = frozenset({*_KEYWORDS.values(), Kind.DOT})
_LITERALS: Final = frozenset(
    {
        Kind.TEXT,
        Kind.STRING,
        Kind.RAW_STRING,
        Kind.CHAR_CONSTANT,
        Kind.NUMBER,
        Kind.COMPLEX,
        Kind.SPACE,
    }
)


class Token(NamedTuple):
    """A token; ``position`` counts characters."""

    kind: Kind
    position: int
    text: str

    def tag(self) -> str:
        """Name the action of a keyword."""
        return f"{{{{{self.text}}}}}"

    def described(self) -> str:
        """Name it in a message, as Go does, but for literals: these may be anybody's secret."""
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind in _LITERALS:
            return str(self.kind.value)
        return f"<{self.text}>" if self.kind in _WORDS else f'"{self.text[:60]}"'


SPACES: Final = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]+")
_ALPHANUMERIC = re.compile(r"\w+")
_TRIMMED_END = re.compile(r"[ \t\r\n]-}}")
# A backslash takes the next character along, a line end ends the constant too early.
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_NUMBER = re.compile(
    r"""[+-]?(?:
        0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?
      | 0[oO][0-7_]*(?:\.[0-7_]*)?
      | 0[bB][01_]*(?:\.[01_]*)?
      | [0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
    )i?""",
    re.VERBOSE,
)
_TERMINATORS: Final = frozenset(" \t\r\n.,|:)(")
_PUNCTUATION: Final = {"=": Kind.ASSIGN, "|": Kind.PIPE}


class LexError(Exception):
    """The text is not made of tokens; the message is Go's, without characters of the text."""


class Lexer:
    """A scanner over one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parens = 0
        self._tokens: list[Token] = []

    def tokens(self) -> list[Token]:
        """Scan; the last token is EOF, or an ERROR whose text says what is wrong."""
        try:
            self._scan()
        except LexError as error:
            self._tokens.append(Token(Kind.ERROR, self._at, str(error)))
        else:
            self._tokens.append(Token(Kind.EOF, self._at, "EOF"))
        return self._tokens

    def _emit(self, kind: Kind, start: int, end: int) -> None:
        self._tokens.append(Token(kind, start, self._text[start:end]))
        self._at = end
        if len(self._tokens) > MAX_TOKENS:
            raise LexError("the template is too long")

    def _scan(self) -> None:
        """Scan text and actions in turn; ``_at`` is where the next token begins."""
        text = self._text
        while True:
            delim = text.find("{{", self._at)
            if delim < 0:
                if self._at < len(text):
                    self._emit(Kind.TEXT, self._at, len(text))
                return
            trims = text[delim + 2 : delim + 3] == "-" and text[delim + 3 : delim + 4] in SPACES
            trims = trims and delim + 3 < len(text)
            end = len(text[self._at : delim].rstrip(SPACES)) + self._at if trims else delim
            if end > self._at:
                self._emit(Kind.TEXT, self._at, end)
            if text.startswith("/*", delim + (4 if trims else 2)):
                self._at = delim + (4 if trims else 2)
                self._comment()
                continue
            self._emit(Kind.LEFT_DELIM, delim, delim + 2)
            self._at = delim + (4 if trims else 2)
            self._parens = 0
            self._action()

    def _comment(self) -> None:
        end = self._text.find("*/", self._at + 2)
        if end < 0:
            raise LexError("unclosed comment")
        if _TRIMMED_END.match(self._text, end + 2):
            self._at = end + 6
            self._skip_spaces()
        elif self._text.startswith("}}", end + 2):
            self._at = end + 4
        else:
            raise LexError("comment ends before closing delimiter")

    def _skip_spaces(self) -> None:
        spaces = _SPACE.match(self._text, self._at)
        if spaces:
            self._at = spaces.end()

    def _action(self) -> None:
        """Scan an action up to its right delimiter."""
        text = self._text
        while True:
            trimmed = _TRIMMED_END.match(text, self._at)
            if trimmed or text.startswith("}}", self._at):
                if self._parens:
                    raise LexError("unclosed left paren")
                start = self._at + (2 if trimmed else 0)
                self._emit(Kind.RIGHT_DELIM, start, start + 2)
                if trimmed:
                    self._skip_spaces()
                return
            kind, end = self._inside()
            self._emit(kind, self._at, end)

    def _inside(self) -> tuple[Kind, int]:
        """Return kind and end of the token that begins here, inside an action."""
        text, at = self._text, self._at
        first = text[at : at + 1]
        if not first:
            raise LexError("unclosed action")
        spaces = _SPACE.match(text, at)
        if spaces:
            # The last space may belong to a " -}}".
            end = spaces.end()
            return Kind.SPACE, end - 1 if _TRIMMED_END.match(text, end - 1) else end
        if first in _PUNCTUATION:
            return _PUNCTUATION[first], at + 1
        if first == ":":
            if text[at + 1 : at + 2] != "=":
                raise LexError("expected :=")
            return Kind.DECLARE, at + 2
        if first in "\"`'":
            return self._quoted(first)
        if first == "$":
            return self._name(Kind.VARIABLE, Kind.VARIABLE)
        # A point at the very end is a number to Go, and a bad one.
        if first == "." and at + 1 < len(text) and not ("0" <= text[at + 1] <= "9"):
            return self._name(Kind.FIELD, Kind.DOT)
        if first in "+-." or "0" <= first <= "9":
            return self._number()
        if _is_alphanumeric(first):
            return self._identifier()
        return self._other(first)

    def _other(self, first: str) -> tuple[Kind, int]:
        if first == "(":
            self._parens += 1
            return Kind.LEFT_PAREN, self._at + 1
        if first == ")":
            self._parens -= 1
            if self._parens < 0:
                raise LexError("unexpected right paren")
            return Kind.RIGHT_PAREN, self._at + 1
        if " " < first <= "~":
            return Kind.CHAR, self._at + 1
        raise LexError("unrecognized character in action")

    def _quoted(self, quote: str) -> tuple[Kind, int]:
        if quote == "`":
            end = self._text.find("`", self._at + 1)
            if end < 0:
                raise LexError("unterminated raw quoted string")
            return Kind.RAW_STRING, end + 1
        pattern = _QUOTED if quote == '"' else _CHARACTER
        match = pattern.match(self._text, self._at)
        if not match:
            name = "quoted string" if quote == '"' else "character constant"
            raise LexError(f"unterminated {name}")
        return (Kind.STRING if quote == '"' else Kind.CHAR_CONSTANT), match.end()

    def _name(self, kind: Kind, alone: Kind) -> tuple[Kind, int]:
        """Scan ``.name`` or ``$name``; nothing need follow the first character."""
        if self._terminates(self._at + 1):
            return alone, self._at + 1
        end = self._word_end(self._at + 1)
        if not self._terminates(end):
            raise LexError("bad character in a name")
        return kind, end

    def _identifier(self) -> tuple[Kind, int]:
        end = self._word_end(self._at)
        if not self._terminates(end):
            raise LexError("bad character in a name")
        word = self._text[self._at : end]
        if word in _KEYWORDS:
            return _KEYWORDS[word], end
        return (Kind.BOOL if word in ("true", "false") else Kind.IDENTIFIER), end

    def _word_end(self, start: int) -> int:
        match = _ALPHANUMERIC.match(self._text, start)
        if not match:
            return start
        word = match[0]
        if word.isascii():
            return match.end()
        # Python's \w has more characters than Go's letters and digits.
        strange = next((i for i, char in enumerate(word) if not _is_alphanumeric(char)), len(word))
        return start + strange

    def _terminates(self, position: int) -> bool:
        following = self._text[position : position + 1]
        return not following or following in _TERMINATORS or self._text.startswith("}}", position)

    def _number(self) -> tuple[Kind, int]:
        end = self._number_end(self._at)
        if self._text[end : end + 1] in ("+", "-"):
            end = self._number_end(end)
            if self._text[end - 1] != "i":
                raise LexError("bad number syntax")
            return Kind.COMPLEX, end
        return Kind.NUMBER, end

    def _number_end(self, start: int) -> int:
        match = _NUMBER.match(self._text, start)
        end = match.end() if match else start
        if _is_alphanumeric(self._text[end : end + 1]):
            raise LexError("bad number syntax")
        return end


def _is_alphanumeric(char: str) -> bool:
    if char.isascii():
        return char == "_" or char.isalnum()
    category = unicodedata.category(char)
    return category[0] == "L" or category == "Nd"
