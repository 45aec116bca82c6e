"""Twice the input takes about twice the time: nobody's file may hold up a check, or sealing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.check.credentials.verdict import (
    in_text,
    is_credential,
    is_placeholder,
    looks_like_credential,
)
from sealer.check.rules import charts, cleartext
from sealer.config.glob import Glob
from sealer.errors import ManifestError
from sealer.manifest import Document, read_documents
from sealer.manifest.edit import replace_scalars

SIZE = 20_000


def glob(size: int) -> None:
    Glob("**/a" * 14 + "/b").matches("a/" * (size // 2))


def long_glob(size: int) -> None:
    Glob("*-" * 1000 + "!").matches("-" * size)


def faults(size: int) -> None:
    count = size // 10
    document = Document("data:\n" + "".join(f"  k{n}: .inf\n" for n in range(count)))
    with pytest.raises(ManifestError):
        raise document.locate(ManifestError("x", path=("data", f"k{count - 1}")))
    for number in range(count):
        document.line(("data", f"k{number}"))


def pieces(size: int) -> None:
    list(read_documents('{"a": 1}' * (size // 2), "f"))


def edits(size: int) -> None:
    count = size // 10
    document = Document("".join(f"k{n}: a\n" for n in range(count)))
    replace_scalars(document, {(f"k{n}",): "b" for n in range(count)})


INPUTS: dict[str, Callable[[int], object]] = {
    "word": lambda n: looks_like_credential("a" * n),
    "password places": lambda n: looks_like_credential("password=" * (n // 9)),
    "names before a place": lambda n: looks_like_credential("a-" * (n // 2) + "password= x"),
    "options": lambda n: looks_like_credential("--a-password " * (n // 13)),
    "keys in places": lambda n: looks_like_credential("api_key=" * (n // 8)),
    "logins": lambda n: looks_like_credential("machine a login b " * (n // 18)),
    "spaces of logins": lambda n: looks_like_credential("machine" + " " * n),
    "docker": lambda n: looks_like_credential('"auth": "' * (n // 9)),
    "headers": lambda n: looks_like_credential("authorization: bearer " * (n // 22)),
    "queries": lambda n: looks_like_credential("?token=" * (n // 7)),
    "pattern": lambda n: is_credential("password", "^" + "[a]" * (n // 3)),
    "fields": lambda n: is_credential("password", ".a" * (n // 2)),
    "fields of lists": lambda n: is_credential("password", "a[0]" * (n // 4) + "."),
    "call": lambda n: is_credential("password", "get" * (n // 3) + "('"),
    "cipher": lambda n: is_placeholder("ENC[A," * (n // 6)),
    "words": lambda n: is_credential("password", "passwort " * (n // 9)),
    "jwt": lambda n: looks_like_credential("eyJ-" * (n // 4)),
    "braces": lambda n: is_placeholder("{{" * n),
    "actions": lambda n: looks_like_credential("{{ a }}://" * (n // 10)),
    "open actions": lambda n: looks_like_credential('{{ "a' * (n // 5) + "://"),
    "raw actions": lambda n: looks_like_credential("{{`" * (n // 3) + "://"),
    "template": lambda n: charts.blanked("a: {{ b }}\n" * (n // 11)),
    "value": lambda n: is_credential("token", "a1-" * (n // 3)),
    "prose": lambda n: is_credential("token", "a " * (n // 2)),
    "dollars": lambda n: is_placeholder("${" * n),
    "files": lambda n: is_placeholder("$__file{" * n),
    "glue": lambda n: is_placeholder("$A" + "a" * n + " " + "a" * n),
    "line": lambda n: in_text("a=b" + " " * n + "c"),
    "begin": lambda n: cleartext._file_line("f", "-----BEGIN CERTIFICATE-----\n" * n),
    "glob": glob,
    "long-glob": long_glob,
    "faults": faults,
    "pieces": pieces,
    "edits": edits,
}


@pytest.mark.parametrize("name", INPUTS)
def test_twice_the_input_is_at_most_about_twice_the_time(name: str) -> None:
    def seconds(size: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            INPUTS[name](size)
            best = min(best, time.process_time() - start)
        return best

    # Quadratic work takes four times as long; a few milliseconds are the clock's.
    ratios = []
    for _ in range(3):
        ratios.append(seconds(2 * SIZE) / max(seconds(SIZE), 0.002))
        if ratios[-1] <= 2.5:
            return
    pytest.fail(f"{ratios}")


PIECES = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", "a": "a", "b": "b", "/": "/"}


@given(st.lists(st.sampled_from(list(PIECES)), max_size=8), st.text("ab/", max_size=9))
def test_a_glob_is_the_regular_expression_it_stands_for(parts: list[str], path: str) -> None:
    pattern = "".join(parts)
    tokens = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", pattern)
    words = {**PIECES, "/**": "/.*"}
    expected = re.compile("".join(words.get(one) or re.escape(one) for one in tokens))
    assert Glob(pattern).matches(path) == (expected.fullmatch(path) is not None)
