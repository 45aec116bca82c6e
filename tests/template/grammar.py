"""Random templates: mostly well-formed, some with a mistake; the same ones for the same seed."""

from __future__ import annotations

import random
import re

CONTEXT = {
    "user": b"app",
    "pass": b"p@ss<w0rd>&\"'",
    "n": b"42",
    "empty": b"",
    "lines": b"one\ntwo\n\tthree ",
    "uni": "\u017c\u00f3\u0142w \U0001f511 \u2028".encode(),
    "bytes": b"\xff\xfe a\xc3",
}
_FIELDS = (*CONTEXT, "missing")
_TEXTS = ("x", " ", "\n", "  \n ", "key: ", "a = b\n", "\u00e9", "{", "}", "\t", '"')
_STRINGS = (
    '""', '"a"', '"a b"', '"%v"', '"%5.1f|%-4s|%q"', r'"\n\t\"\\"', r'"\x41\u00e9\101"', "`raw`",
    "`a\nb`", '"%d %s"', '"user"', '"%[2]v %[1]q"', '"%+v%#v%T"', r'"\xff"', '"%x"', '"%08.3d"',
    '"%*d"', '"%!"', '"1"', '"<&>"',
)  # fmt: skip
_NUMBERS = (
    "0", "1", "2", "-1", "7", "0x1F", "0b11", "0o17", "017", "1_000", "1.5", "-0.5", "1e3", "1e-7",
    "'a'", r"'\n'", "1e100", "9223372036854775807", "+3", ".5", "1e6", "123456789.0", "0x1p4",
)  # fmt: skip
_ODD = (
    "nil", "true", "false", ".", "$", "nil", "08", "0x", "'ab'", "9223372036854775808",
    "1__0", "$.user", "$.missing.deeper", ".missing.deeper",
)  # fmt: skip
_BUILTINS = (
    "and", "or", "not", "len", "index", "print", "println", "printf", "html", "js", "urlquery",
    "eq", "ne", "lt", "le", "gt", "ge", "call",
)  # fmt: skip
# T a text of the context, S a string literal, N a number, A anything, L a list, D a dict.
_SPRIG = (
    "upper T", "lower T", "title T", "untitle T", "trim T", "trimAll S T", "trimPrefix S T",
    "trimSuffix S T", "repeat 2 T", "substr 0 2 T", "substr 1 9 T", "trunc N T", "trunc -2 T",
    "abbrev 5 T", "abbrevboth 5 9 T", "initials T", "nospace T", "swapcase T", "wrap 5 T",
    'wrapWith 4 "|" T', "contains S T", "hasPrefix S T", "hasSuffix S T", "quote A A", "squote A T",
    "cat A A T", "indent 2 T", "nindent 3 T", "replace S T S", 'plural "one" "many" N',
    "snakecase T", "camelcase T", "kebabcase T", "split S T", "splitList S T", "splitn S 2 T",
    "(split S T)._0", "join S L", "join S A", "sortAlpha L", "toStrings L", "toString A",
    "list A A N", "list", "first L", "rest L", "last L", "initial L", "append L A", "prepend L A",
    "concat L L", "reverse L", "uniq L", "without L A", "has A L", "compact L", "slice L 1",
    "slice L 0 1", "index L 0", "chunk 2 L", "until 3", "untilStep 1 9 3", "seq 1 3", "seq 5 -2 1",
    "dict S A S A", "get D S", "set D S A", "unset D S", "hasKey D S", "pick D S S", "omit D S",
    "pluck S D D", "merge D D", "mergeOverwrite D D", "dig S A D", "dig S S A D", "deepCopy D",
    "len D", "add N N", "sub N N", "mul N N", "div N 3", "mod N 3", "add1 N", "max N N", "min N N",
    "addf N N", "subf N N", "mulf N N", "divf N N", "maxf N N", "minf N N", "ceil N", "floor N",
    "round N 2", "int A", "int64 A", "float64 A", "toDecimal T", "atoi T", "biggest N N",
    "default A A", "empty A", "coalesce A A A", "ternary A A true", "all A A", "any A A",
    "toJson A", "toPrettyJson A", "toRawJson A", "mustToJson A", "fromJson S",
    "fromJson (toJson A)", "b64enc T", "b64dec T", "b64dec (b64enc T)", "b32enc T",
    "b32dec (b32enc T)", "sha1sum T",
    "sha256sum T", "sha512sum T", "adler32sum T", "kindOf A", "typeOf A", "kindIs S A",
    "typeIs S A", "typeIsLike S A", "deepEqual A A", "regexMatch S T", "regexFind S T",
    "regexFindAll S T -1",
    "regexReplaceAll S T S", "regexReplaceAllLiteral S T S", "regexSplit S T 2", "regexQuoteMeta T",
    "base T", "dir T", "clean T", "ext T", "isAbs T", "osBase T", "semver S", 'semver "1.2.3-a+b"',
    '(semver "1.2.3").Major', 'semverCompare "^1.2.0" "1.4.5"', "semverCompare S S", "urlParse T",
    'urlJoin (dict "scheme" "http" "host" S "path" S)', 'duration N', "durationRound A",
    'dateInZone "2006-01-02" (toDate "2006" "2020") "UTC"', "htmlDate N", 'date "2006" N', "fail S",
    "tuple A A", "hello", "trimall S T", "mustFirst L", "mustSlice L N", "mustHas A L", "range N",
)  # fmt: skip
_PATTERNS = (
    '"[a-z]+"',
    '"o(.)"',
    '"^$"',
    '"("',
    r'"\\s*"',
    '"${1}x"',
    '"user"',
    '"k"',
    '"string"',
    '","',
)
_PIPED = (
    "upper", "lower", "trim", "quote", "squote", "b64enc", "toJson", "toString", "default 1",
    "trunc 3", "nindent 2", "indent 1", "replace \"a\" \"b\"", "sha256sum", "list", "len", "int",
    "typeOf", "kindOf", "empty", "join \"-\"", "first", "splitList \" \"", "dict \"a\"", "add 1",
    "toPrettyJson", "title", "print", "printf \"%v\"", "html", "fromJson", "ternary 1 2", "uniq",
)  # fmt: skip
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_FORMS = tuple(
    f'"%{flags}{verb}"'
    for flags in ("", "+", "#", "-8", "08", " ", "6.2", "+#", "020.3", "-+4", "#12", "#.3", "+.0")
    for verb in "vTtbcdoOqxXUeEfFgGspw"
)
_LITTER = ("{{", "}}", "|", "(", ")", "$", ".", '"', "`", " ", "end", "-", ":=", ",", "\n", "else")


_SPRIG_NAMES = tuple(sorted({form.split()[0] for form in _SPRIG if form[0].isalpha()}))


class Grammar:
    """A source of templates; with ``sprig`` they call its functions, too."""

    def __init__(self, seed: int, *, sprig: bool = False) -> None:
        self._random = random.Random(seed)  # noqa: S311 - for repeatable tests
        self._sprig = sprig
        self._variables: list[str] = []
        self._defines = False

    def template(self) -> str:
        """Make the next template."""
        self._variables = []
        text = self._define(0) if self._random.random() < 0.4 else ""
        self._defines = bool(text)
        text += self._items(3, loops=0)
        if self._random.random() < 0.1:
            at = self._random.randrange(len(text) + 1)
            cut = self._random.choice((0, 1, 3))
            text = text[:at] + self._random.choice(_LITTER) + text[at + cut :]
        return text

    def _define(self, number: int) -> str:
        return f'{{{{define "t{number}"}}}}{self._items(2, loops=0)}{{{{end}}}}'

    def _items(self, depth: int, *, loops: int) -> str:
        known = len(self._variables)
        made = "".join(self._item(depth, loops=loops) for _ in range(self._random.randrange(1, 4)))
        del self._variables[known:]
        return made

    def _item(self, depth: int, *, loops: int) -> str:
        roll = self._random.random()
        if roll < 0.25:
            return self._random.choice(_TEXTS)
        if roll < 0.28:
            return self._tag("/* a comment */", spaced=False)
        if roll < 0.36:
            return self._assignment()
        if depth == 0 or roll < 0.7:
            return self._tag(self._pipe(2))
        if loops and roll < 0.74:
            word = self._random.choice(("break", "continue"))
            return self._tag(f"if {self._pipe(1)}") + self._tag(word) + self._tag("end")
        if roll < 0.78 and self._defines:
            name = "nowhere" if self._random.random() < 0.1 else "t0"
            return self._tag(f'template "{name}" {self._random.choice((".", self._pipe(1)))}')
        if roll < 0.8:
            body = self._items(depth - 1, loops=0)
            return self._tag(f'block "b{depth}" .') + body + self._tag("end")
        return self._branch(depth, loops=loops)

    def _branch(self, depth: int, *, loops: int) -> str:
        word = self._random.choice(("if", "with", "range"))
        known = len(self._variables)
        pipe = self._pipe(2)
        if word == "range" and self._random.random() < 0.8:
            pipe = self._random.choice(("3", "(len .n)", "1", "0", ".", "$", "nil | or", "(and 0)"))
        head = self._tag(f"{word} {self._declared(word)}{pipe}")
        body = self._items(depth - 1, loops=loops + (word == "range"))
        if self._random.random() < 0.4:
            body += self._tag("else") + self._items(depth - 1, loops=loops)
        elif word != "range" and self._random.random() < 0.3:
            body += self._tag(f"else {word} {self._pipe(1)}") + self._items(depth - 1, loops=loops)
        del self._variables[known:]
        return head + body + self._tag("end")

    def _declared(self, word: str) -> str:
        roll = self._random.random()
        if roll > 0.5:
            return ""
        if word == "range" and roll < 0.25:
            self._variables += ["$i", "$e"]
            return "$i, $e := "
        self._variables.append("$v")
        return "$v := "

    def _assignment(self) -> str:
        pipe = self._pipe(2)
        if self._variables and self._random.random() < 0.4:
            return self._tag(f"{self._random.choice(self._variables)} = {pipe}")
        name = self._random.choice(("$x", "$y", "$"))
        self._variables.append(name)
        return self._tag(f"{name} := {pipe}")

    def _tag(self, inside: str, *, spaced: bool = True) -> str:
        left = "{{- " if self._random.random() < 0.1 else "{{"
        right = " -}}" if self._random.random() < 0.1 else "}}"
        space = " " if spaced and self._random.random() < 0.7 else ""
        return f"{left}{space}{inside}{space}{right}"

    def _pipe(self, depth: int) -> str:
        stages = [self._command(depth)]
        while self._random.random() < 0.3:
            stages.append(self._call(depth, most=1))
        return " | ".join(stages)

    def _command(self, depth: int) -> str:
        return self._operand(depth) if self._random.random() < 0.5 else self._call(depth, most=3)

    def _call(self, depth: int, *, most: int) -> str:
        if self._random.random() < 0.85:
            return self._likely_call(depth, piped=most == 1)
        names: tuple[str, ...] = _BUILTINS
        if self._sprig and self._random.random() < 0.7:
            names = _SPRIG_NAMES
        count = self._random.randrange(most + 1)
        operands = [self._operand(depth) for _ in range(count)]
        return " ".join((self._random.choice(names), *operands))

    def _likely_call(self, depth: int, *, piped: bool) -> str:
        """Call a function with arguments that it may well take."""
        pick = self._random.choice
        if self._sprig and not piped and self._random.random() < 0.8:
            return self._sprig_call(depth)
        if piped and self._sprig and self._random.random() < 0.7:
            return pick(_PIPED)
        if piped:
            return pick(
                ("print", "println", "html", "js", "urlquery", "not", "or 0", 'printf "%v"')
            )
        any_1, any_2 = self._operand(depth), self._operand(depth)
        text = f".{pick(tuple(CONTEXT))}"
        return pick(
            (
                f"print {any_1} {any_2}",
                f"println {any_1}",
                f"printf {pick(_STRINGS)} {any_1} {any_2}",
                f"printf {pick(_FORMS)} {any_1}",
                f"html {any_1}",
                f"js {text} {any_1}",
                f"urlquery {text}",
                f"len {text}",
                f"index {text} {pick(('0', '1', '(len .n)'))}",
                f"index . {pick(_STRINGS)}",
                f"eq {text} {pick(_STRINGS)} {text}",
                f"{pick(_COMPARISONS)} {text} {pick(_STRINGS)}",
                f"{pick(_COMPARISONS)} {pick(_NUMBERS)} {pick(_NUMBERS)}",
                f"{pick(_COMPARISONS)} (len {text}) {pick(_NUMBERS)}",
                f"not {any_1}",
                f"and {any_1} {any_2}",
                f"or {any_1} {any_2}",
            )
        )

    def _sprig_call(self, depth: int) -> str:
        words = re.split(r"\b([TSNALD])\b", self._random.choice(_SPRIG))
        return "".join(self._filled(word, depth) for word in words)

    def _filled(self, word: str, depth: int) -> str:
        pick = self._random.choice
        inner = max(depth - 1, 0)
        match word:
            case "T":
                return f".{pick(tuple(CONTEXT))}"
            case "S":
                return pick((*_STRINGS, *_PATTERNS))
            case "N":
                return pick(_NUMBERS)
            case "A":
                return self._operand(inner)
            case "L":
                one, two = self._operand(inner), pick(_STRINGS)
                return pick((f"(list {one} {two})", '(splitList "\\n" .lines)', "(list 3 1 2 1)"))
            case "D":
                return f'(dict {pick(_STRINGS)} {self._operand(inner)} "k" {pick(_NUMBERS)})'
        return word

    def _operand(self, depth: int) -> str:
        roll = self._random.random()
        if roll < 0.3:
            return f".{self._random.choice(_FIELDS)}"
        if roll < 0.5:
            return self._random.choice(_STRINGS)
        if roll < 0.65:
            return self._random.choice(_NUMBERS)
        if roll < 0.75 and self._variables:
            return self._random.choice(self._variables)
        if roll < 0.97 and depth > 0:
            chain = ".user" if self._random.random() < 0.02 else ""
            return f"({self._pipe(depth - 1)}){chain}"
        return self._random.choice(_ODD)
