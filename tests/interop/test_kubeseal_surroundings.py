"""Terminals, web servers and full disks: ``seal kubeseal`` beside kubeseal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests import sealing_keys
from tests.interop import peers
from tests.testbed.fixtures import need

SECRET = "metadata: {name: db, namespace: prod}\nstringData: {a: b}\n"
PROGRAMS = [pytest.param(peers.kubeseal, id="kubeseal"), pytest.param(peers.ours, id="ours")]


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        """Serve a certificate, or something else."""
        pages: dict[str, tuple[int, bytes]] = {
            "/c.pem": (200, sealing_keys.pair("one").certificate.pem),
            "/text": (200, b"hello"),
            "/created": (201, b""),
            "/broken": (500, b"secret words"),
        }
        status, body = pages.get(self.path, (404, b""))
        if self.path == "/moved":
            status, body = 302, b""
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/c.pem")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A web server on loopback; its address."""
    need("kubeseal")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("page", ["c.pem", "moved", "text", "created", "broken", "gone"])
@pytest.mark.parametrize("mode", ["", "--fetch-cert"])
def test_a_certificate_by_url(page: str, mode: str, site: str, tmp_path: Path) -> None:
    outcomes = [
        peers.comparable(
            peers.run(
                program,
                f"--cert {site}/{page} {mode}".split(),
                tmp_path / Path(program[0]).name,
                files={},
                stdin=SECRET,
            ),
            sealing_keys.ring("one"),
        )
        for program in (peers.kubeseal(), peers.ours())
    ]
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("--cert c.pem", id="seal"),
        pytest.param("--cert c.pem --raw --name db -n prod", id="raw"),
        pytest.param("--cert c.pem --fetch-cert", id="fetch-cert"),
        pytest.param("--validate", id="validate"),
        pytest.param("--cert c.pem --recovery-private-key k.pem", id="key without unseal"),
        pytest.param("--cert c.pem -f c.pem", id="file"),
    ],
)
def test_a_person_at_a_terminal_is_told_what_is_waited_for(arguments: str, tmp_path: Path) -> None:
    need("kubeseal")
    words = [
        at_a_terminal(program(), arguments, tmp_path) for program in (peers.kubeseal, peers.ours)
    ]
    assert words[1] == words[0]


def at_a_terminal(program: list[str], arguments: str, folder: Path) -> tuple[int, str]:
    """Type Ctrl-D at once; return the exit code and what the terminal shows of errors."""
    mine = sealing_keys.pair("one")
    (folder / "c.pem").write_bytes(mine.certificate.pem)
    (folder / "k.pem").write_bytes(mine.private_pem())
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [*program, *arguments.split()],
        cwd=folder,
        env={"HOME": str(folder), "NO_COLOR": "1"},
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        start_new_session=True,
    )
    os.write(person, b"\x04")
    code = process.wait(30)
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(person, 4096):
            shown += piece
    except OSError:  # Linux says so when nobody holds the other end any more
        pass
    os.close(person)
    return code, shown.decode().replace("^D\b\b", "").replace("\r\n", "\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_full_disk_is_told_by_us_alone(program: Any, tmp_path: Path) -> None:
    need("kubeseal")
    (tmp_path / "c.pem").write_bytes(sealing_keys.pair("one").certificate.pem)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*program(), "--cert", "c.pem"],
            cwd=tmp_path,
            input=SECRET,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if program is peers.kubeseal:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert "no space left on device" in done.stderr
