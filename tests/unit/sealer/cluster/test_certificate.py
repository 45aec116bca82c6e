"""A certificate from a file or a URL, over a server of our own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sealer.cluster.certificate import read_certificate
from sealer.cluster.web import DownloadError, fetch
from sealer.errors import KeyFileError, SealerError
from sealer.files.text import FileError
from sealer.kubeseal import certificate as kubeseal
from tests.sealing_keys import pair

ANSWERS: dict[str, tuple[int, Callable[[], bytes]]] = {
    "/v1/cert.pem": (200, lambda: pair().certificate.pem),
    "/words": (200, lambda: b"words"),
    "/big": (200, lambda: b"x" * (2**20 + 1)),
    "/created": (201, lambda: b""),
    "/secret?sig=jyxq": (200, lambda: pair().certificate.pem),
    "/closed?sig=jyxq": (403, lambda: b""),
    "/gone": (404, lambda: b"canary in a body"),
}
BASIC = "Basic " + b64encode(b"user:jy@xq").decode()


class Handler(BaseHTTPRequestHandler):
    """Answers from the table."""

    def do_GET(self) -> None:
        """Answer."""
        status, body = ANSWERS[self.path]
        if self.path.startswith("/secret") and self.headers["Authorization"] != BASIC:
            status = 401
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


@pytest.mark.parametrize("userinfo", ["user:jy%40xq", "user:jy@xq"])
def test_credentials_in_a_url_are_sent(server: str, userinfo: str) -> None:
    url = server.replace("//", f"//{userinfo}@") + "/secret?sig=jyxq"
    assert read_certificate(url).fingerprint == pair().certificate.fingerprint
    assert kubeseal.read_certificate(url) == pair().certificate.pem


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://user:jy@xq@127.0.0.1:1/x", id="nobody answers"),
        pytest.param("http://user:jy/xq@127.0.0.1:1/x", id="a slash in it"),
        pytest.param("http://user:jy@xq@127.0.0.1:port/x", id="a word for a port"),
        pytest.param("http://user:xq?jy@127.0.0.1:1/x", id="a question mark in it"),
        pytest.param("http://user:%zz@127.0.0.1:1/x%2", id="a bad escape"),
        pytest.param("SERVER/closed?sig=jyxq", id="refused"),
    ],
)
@pytest.mark.parametrize("reader", [fetch, kubeseal.read_certificate])
def test_no_credentials_are_told(server: str, url: str, reader: Callable[[str], bytes]) -> None:
    with pytest.raises(SealerError) as caught:
        reader(url.replace("SERVER", server.replace("//", "//user:jyxq@")))
    assert "user:***" in caught.value.message
    assert not [word for word in ("jy", "xq", "zz") if word in caught.value.message]
