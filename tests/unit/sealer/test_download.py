"""A certificate from a file or a URL, over a server of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sealer.download import DownloadError, fetch, is_url, read_certificate, shown
from sealer.errors import KeyFileError
from sealer.files import FileError
from tests.sealing_keys import pair

ANSWERS: dict[str, tuple[int, Callable[[], bytes]]] = {
    "/v1/cert.pem": (200, lambda: pair().certificate.pem),
    "/words": (200, lambda: b"words"),
    "/big": (200, lambda: b"x" * (2**20 + 1)),
    "/created": (201, lambda: b""),
    "/gone": (404, lambda: b"canary in a body"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers from the table."""

    def do_GET(self) -> None:
        """Answer."""
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server."""
    with HTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_a_certificate_comes_from_a_url(server: str) -> None:
    found = read_certificate(f"{server}/v1/cert.pem")
    assert found.fingerprint == pair().certificate.fingerprint


@pytest.mark.parametrize("codec", ["ascii", "utf-16", "utf-16-le"])
def test_a_certificate_comes_from_a_file_as_shells_write_it(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "c.pem"
    path.write_bytes(pair().certificate.pem.decode().encode(codec))
    for location in (str(path), f"file://{path}"):
        assert read_certificate(location).fingerprint == pair().certificate.fingerprint


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone", r'^cannot fetch "http://127.0.0.1:\d+/gone": 404 Not Found$'),
        ("/created", '": 201 Created$'),
        ("/big", "it answers more than a certificate"),
    ],
)
def test_an_answer_that_is_no_certificate_is_told(server: str, path: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        fetch(server + path)


def test_words_are_no_certificate(server: str, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"^http://.*/words: there is no PEM certificate"):
        read_certificate(f"{server}/words")
    with pytest.raises(FileError, match="no such file"):
        read_certificate(str(tmp_path / "nothing"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://127.0.0.1:port/x", "http://["])
def test_a_url_that_leads_nowhere_is_told(url: str) -> None:
    with pytest.raises(DownloadError, match="cannot fetch"):
        fetch(url)


def test_a_password_in_a_url_is_not_shown() -> None:
    assert shown("https://user:canary@host/x") == "https://host/x"
    assert shown("file://a@b") == "file://a@b"
    with pytest.raises(DownloadError) as caught:
        fetch("http://user:canary@127.0.0.1:1/x")
    assert "canary" not in caught.value.message


def test_urls_are_told_from_files() -> None:
    assert is_url("HTTPS://x")
    assert not is_url("httpx.pem")
