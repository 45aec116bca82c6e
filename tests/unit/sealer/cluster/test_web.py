"""URLs with credentials: what is asked, and what is shown."""

from __future__ import annotations

import pytest

from sealer.cluster.web import is_url, request_of, shown


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://host:8/a@b?sig=x#y", "https://host:8/a@b"),
        ("https://user:pass@host/x", "https://user:***@host/x"),
        ("https://user:p@ss@host/x", "https://user:***@host/x"),
        ("https://user:p/ss@host/x", "https://user:***@host/x"),
        ("https://user:p?ss@host/x", "https://user:***"),
        ("HTTPS://token@host", "HTTPS://***@host"),
        ("http://[::1]:8/x@y", "http://[::1]:8/x@y"),
        ("file://a@b?c", "file://a@b?c"),
        ("cert.pem", "cert.pem"),
    ],
)
def test_what_is_shown_of_a_location(url: str, words: str) -> None:
    assert shown(url) == words


def test_what_is_asked_of_the_network() -> None:
    url, headers = request_of("http://us%20er:p@ss@host:8/x?y=@z")
    assert (url, headers) == ("http://host:8/x?y=@z", {"Authorization": "Basic dXMgZXI6cEBzcw=="})
    assert request_of("https://host/a@b?c") == ("https://host/a@b?c", {})


def test_urls_are_told_from_files() -> None:
    assert is_url("HTTPS://x")
    assert not is_url("httpx.pem")
