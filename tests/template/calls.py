"""Random calls of sprig's functions, to be compared with Go's: any values, and likely texts."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sealer.template.functions import sprig_functions

Chosen = TypeVar("Chosen")

# Those that differ each time, take long, or could fill the memory of Go.
LEFT_OUT: Final = frozenset(
    {
        *("bcrypt", "htpasswd", "derivePassword", "genPrivateKey", "genCA", "genSelfSignedCert"),
        *("genSignedCert", "now", "uuidv4", "shuffle", "ago", "until", "untilStep", "seq"),
        *("repeat", "indent", "nindent", "encryptAES", "keys", "values"),
        *("date", "dateInZone", "date_in_zone", "htmlDate", "htmlDateInZone", "durationRound"),
        *("randAlpha", "randAlphaNum", "randAscii", "randNumeric", "randBytes", "randInt"),
    }
)
_TEXTS: Final = (
    *("a", "", "Hello World", "foo_bar", "HTTPServer2", "é", "ß世", "\udcff", "a\udcffb", " x "),
    *("1", "08", "1.5", "-3", "0x1f", "1e3", "true", "a,b,c", "2006-01-02", "2020-02-03", "1h30m"),
    *("15:04:05", "1.2.3", ">=1.2", "v2.0.0-rc.1", "[a-z]+", "(a)(b)?", "$1", "${x}", "SGk=", "b"),
    *("http://u:p@h:1/x?y#z", "/a/../b", "{}", "[1,2]", '{"a":{"b":1}}', "null", "\n", "\u2028<&>"),
)
_INTEGERS: Final = ("0", "1", "2", "3", "-1", "7", "100", str((1 << 63) - 1), str(-(1 << 63)))
_FLOATS: Final = ("0.5", "1.0", "-2.75", "1e7", "1e21", "1e-7", "123456.789", "0.1")
_OTHERS: Final = ("nil", "true", "false", '(semver "1.2.3")', ".missing", ".", '(index "abc" 1)')
_TIME: Final = '(toDate "2006-01-02" "2020-02-03")'
_PATTERN: Final = (
    *("a", "b", "ab", ".", "[ab]", "[^a]", "\\d", "\\w", "\\b", "\\B", "^", "$", "(", "(?P<n>"),
    *(
        ")",
        "|",
        "*",
        "+",
        "?",
        "*?",
        "{1,2}",
        "x",
        "é",
        "\\s",
        "(?i)",
        "(?m)",
        "\\pL",
        "[[:alpha:]]",
    ),
)
_SUBJECT: Final = ("a", "b", "ab", "x", "1", " ", "é", "A", "_", "\n", "\udcff")
_LAYOUT: Final = (
    *("2006", "06", "01", "1", "Jan", "January", "02", "2", "_2", "002", "Mon", "15", "3", "04"),
    *("05", "PM", "MST", "Z07:00", "-0700", "-07", ".000", ".999", "-", ":", " ", "T", "/"),
)
_CONSTRAINT: Final = (
    *("1", "2", "0", ".", ".", "x", "*", "-", "+", "rc.1", "v", ">", "<", "=", "~", "^", "!"),
    *(",", "||", " ", " - "),
)
_URL: Final = (
    *("http", ":", "/", "//", "@", "host", "u", ":80", "?", "#", "%41", "%zz", "[", "]", "::1"),
    *("a", ".", "é", " ", "%25", "*", ";"),
)
_NUMBER: Final = (
    "0",
    "1",
    "9",
    "8",
    "x",
    "b",
    "o",
    "_",
    ".",
    "e",
    "p",
    "-",
    "+",
    "f",
    "inf",
    "nan",
)
_NAME: Final = ("a", "B", "C", "1", "2", "_", "-", " ", ".", "é", "É", "世", "\udcff", "²", "$")


def literal(text: str) -> str:
    """Write a text, surrogates standing for bytes, as a Go string literal."""
    octets = text.encode("utf-8", "surrogateescape")
    plain = (chr(o) if 32 <= o < 127 and chr(o) not in '"\\' else f"\\x{o:02x}" for o in octets)
    return '"' + "".join(plain) + '"'


class Calls:
    """A source of templates, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._functions = sorted(set(sprig_functions()) - LEFT_OUT)
        self._likely: Sequence[Callable[[], str]] = (
            lambda: (
                f"{self._one('snakecase', 'camelcase', 'title', 'swapcase')} {self._made(_NAME)}"
            ),
            lambda: f"{self._one('int', 'float64', 'toDecimal', 'atoi')} {self._made(_NUMBER)}",
            lambda: f"semverCompare {self._made(_CONSTRAINT)} {self._made(_CONSTRAINT[:12])}",
            lambda: f"urlParse {self._made(_URL)}",
            lambda: f"urlJoin (urlParse {self._made(_URL)})",
            lambda: f"dateInZone {self._made(_LAYOUT)} {self._seconds()} {self._zone()}",
            lambda: (
                f"toDate {self._made(_LAYOUT)} (dateInZone {self._made(_LAYOUT)} 0 {self._zone()})"
            ),
            lambda: f"regexFindAll {self._made(_PATTERN)} {self._made(_SUBJECT)} -1",
            lambda: f'regexReplaceAll {self._made(_PATTERN)} {self._made(_SUBJECT)} "<$0|${{1}}>"',
            lambda: f"regexSplit {self._made(_PATTERN)} {self._made(_SUBJECT)} -1",
        )

    def template(self) -> str:
        """Return a template with one call."""
        if self._random.random() < 0.5:
            return "{{ " + self._one(*self._likely)() + " | toJson }}"
        name = self._one(*self._functions)
        signature = sprig_functions()[name].signature
        further = [signature.variadic] * self._random.randint(0, 3) if signature.variadic else []
        arguments = " ".join(self._argument(each) for each in [*signature.fixed, *further])
        return f"{{{{ {name} {arguments}{self._one('', ' | toJson', ' | quote')} }}}}"

    def _one(self, *choices: Chosen) -> Chosen:
        return self._random.choice(choices)

    def _made(self, pieces: Sequence[str]) -> str:
        return literal("".join(self._one(*pieces) for _ in range(self._random.randint(0, 7))))

    def _seconds(self) -> int:
        return self._random.randint(-3 * 10**9, 5 * 10**9)

    def _zone(self) -> str:
        return f'"{self._one("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "no")}"'

    def _argument(self, wanted: str) -> str:
        if self._random.random() < 0.03:
            return self._any(0)
        makers: dict[str, Callable[[], str]] = {
            "string": self._text,
            "int": lambda: self._one(*_INTEGERS),
            "uint32": lambda: self._one(*_INTEGERS),
            "float64": lambda: self._one(*_FLOATS),
            "bool": lambda: self._one("true", "false"),
            "time.Time": lambda: _TIME,
            "[]interface {}": lambda: self._list(0),
            "map[string]interface {}": lambda: self._dict(0),
        }
        return makers.get(wanted, lambda: self._any(0))()

    def _text(self) -> str:
        return literal("".join(self._one(*_TEXTS) for _ in range(self._one(1, 1, 2))))

    def _any(self, depth: int) -> str:
        makers: tuple[Callable[[], str], ...] = (
            self._text,
            lambda: self._one(*_INTEGERS),
            lambda: self._one(*_FLOATS),
            lambda: self._one(*_OTHERS),
            lambda: f"(int64 {self._one(*_INTEGERS)})",
            lambda: self._list(depth + 1),
            lambda: self._dict(depth + 1),
        )
        return self._one(*makers)()

    def _list(self, depth: int) -> str:
        count = self._random.randint(0, 3) if depth < 3 else 0
        return f"(list {' '.join(self._any(depth) for _ in range(count))})"

    def _dict(self, depth: int) -> str:
        count = self._random.randint(0, 3) if depth < 3 else 0
        pairs = (f'"{self._one("a", "b", "c")}" {self._any(depth)}' for _ in range(count))
        return f"(dict {' '.join(pairs)})"
