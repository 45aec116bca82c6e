"""Base64 as Go's StdEncoding takes it."""

from __future__ import annotations

import pytest

from sealer import encoding


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", b"", id="empty"),
        pytest.param("dg==", b"v", id="padded"),
        pytest.param("dmFs\nd\r\nWU=", b"value", id="wrapped lines"),
        pytest.param("+/+/", b"\xfb\xff\xbf", id="standard alphabet"),
    ],
)
def test_it_reads_what_go_reads(text: str, value: bytes) -> None:
    assert encoding.decode(text) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("dg", id="no padding"),
        pytest.param("dg=", id="half a padding"),
        pytest.param("=dg=", id="padding first"),
        pytest.param("dmFsdmFs=", id="padding behind whole groups"),
        pytest.param("dg==dg==", id="two values"),
        pytest.param("dm Fs", id="a space"),
        pytest.param("dmF\ts", id="a tab"),
        pytest.param("-_-_", id="URL alphabet"),
        pytest.param("käse", id="not ASCII"),
        pytest.param("a", id="one character"),
    ],
)
def test_it_refuses_what_go_refuses_and_quotes_none_of_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not valid base64$"):
        encoding.decode(text)


def test_it_writes_one_padded_line() -> None:
    assert encoding.encode(b"v" * 100) == "dnZ2" * 33 + "dg=="
    assert encoding.encode(b"") == ""


def test_what_cannot_be_seen_is_written_out() -> None:
    assert encoding.printable("prod/db") == "prod/db"
    assert encoding.printable("a\nb\x1b[1m\ud800") == "a\\nb\\x1b[1m\\ud800"


def test_one_is_one_and_all_else_is_many() -> None:
    assert [encoding.counted(number, "file") for number in (0, 1, 2)] == [
        "0 files",
        "1 file",
        "2 files",
    ]
