"""What a person at a terminal sees, and what a pipe does not."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealer import Secret, seal, to_yaml
from sealer.cli._ui import Progress
from sealer.keys.pair import generate
from tests.cli import program

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: v}\n"
CERT = ("--cert", "../keys/cluster.pem")


def at_a_terminal(work: Path, *words: str, typed: bytes = b"", **more: str) -> tuple[int, str]:
    """Run the program with a terminal for all its streams; return exit code and screen."""
    child, screen = pty.fork()
    if child == 0:
        os.chdir(work)
        os.execve(program.SEAL, ["seal", *words], program.environment(work, TERM="xterm", **more))  # noqa: S606
    shown = b""
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            if typed and shown.rstrip().endswith(b":"):
                os.write(screen, typed)
                typed = b""
            if not select.select([screen], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(screen, 65536)
            except OSError:  # Linux tells the end of a terminal so
                piece = b""
            if not piece:
                break
            shown += piece
        else:
            os.kill(child, signal.SIGKILL)
    finally:
        _, status = os.waitpid(child, 0)
        os.close(screen)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")


def test_seal_alone_prints_help(work: Path) -> None:
    code, screen = at_a_terminal(work)
    assert code == 0
    assert screen.startswith("Usage: seal")
    assert "Examples:" in screen


def test_a_command_without_input_says_so_and_does_not_wait(work: Path) -> None:
    for words in (
        CERT,
        ("seal", *CERT),
        ("--check",),
        ("unseal", "--key", "../keys/cluster.key"),
        ("verify", "--key", "../keys/cluster.key"),
    ):
        code, screen = at_a_terminal(work, *words, NO_COLOR="1")
        assert code == 2, words
        assert screen.startswith("seal: error: no input\nseal: hint: name a file, pipe one in"), (
            words
        )


def test_a_value_is_asked_for_and_not_shown(work: Path) -> None:
    words = ("raw", *CERT, "--scope", "cluster-wide")
    code, screen = at_a_terminal(work, *words, typed=b"canary-typed\n")
    assert code == 0
    assert re.fullmatch(r"value: \n[A-Za-z0-9+/=]+\n", screen), screen
    assert "canary" not in screen


def test_words_are_coloured_for_people_unless_they_say_no(work: Path) -> None:
    words = ("--check", "nothing.yaml")
    red = "\x1b[31merror:\x1b[0m"
    assert red in at_a_terminal(work, *words)[1]
    assert red not in at_a_terminal(work, *words, NO_COLOR="1")[1]
    assert red not in at_a_terminal(work, *words, NO_COLOR="1", CLICOLOR_FORCE="1")[1]


def test_control_characters_of_a_file_do_not_reach_the_terminal(work: Path) -> None:
    name = "a\x1b]0;title\x07.yaml"
    code, screen = at_a_terminal(work, "--check", name, NO_COLOR="1")
    assert code == 1
    assert "\x1b" not in screen
    assert r"a\x1b]0;title\x07.yaml" in screen


def test_names_in_results_make_no_lines_or_fields_of_their_own(work: Path) -> None:
    key = "k\n\x1b[2Jforged\tb"
    name = "db\n\x1b[2Jforged\tb"
    secret = Secret(name=name, namespace="prod", data={key: b"x"})
    made = generate(now=datetime.now(UTC), validity=timedelta(days=90), common_name=name, bits=2048)
    (work / "c.pem").write_bytes(made.certificate.pem)
    (work / "c.key").write_bytes(made.private_pem())
    file = "s\nforged.yaml"
    (work / file).write_text(to_yaml(seal(secret, made.certificate).to_dict()))
    (work / "none.yaml").write_text("a: SealedSecret\n")
    for words, lines in (
        (("verify", file, "--key", "c.key"), 1),
        (("keys", "usage", file, "--key", "c.key"), 1),
        (("cert", "c.pem"), 5),
        (("diff", "none.yaml", file), 2),
        (("diff", "none.yaml", file, "-o", "markdown"), 3),
    ):
        done = subprocess.run(
            [program.SEAL, *words],
            cwd=work,
            env=program.environment(work),
            capture_output=True,
            check=True,
        )
        shown = done.stdout.decode()
        assert shown.count("\n") == lines, shown
        assert "forged" in shown
        assert "\x1b" not in shown
        assert "forged\t" not in shown


def test_quick_work_shows_no_progress(work: Path) -> None:
    (work / "secret.yaml").write_text(SECRET)
    code, screen = at_a_terminal(work, *CERT, "--output-dir", "out", "secret.yaml")
    assert (code, screen) == (0, "")


def test_long_work_shows_progress_and_wipes_it(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 0.5, 1.05, 1.1, 2.0])
    progress = Progress(4, "sealing", enabled=True, clock=lambda: next(seconds))
    for _ in range(4):
        progress.step()
    progress.close()
    # Nothing in the first second, and no more than ten times a second.
    assert capsys.readouterr().err.split("\r") == [
        "",
        "sealing [###############---------------] 2/4",
        "sealing [##############################] 4/4",
        "\x1b[K",
    ]


def test_progress_is_for_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 5.0])
    progress = Progress(1, "sealing", enabled=False, clock=lambda: next(seconds))
    progress.step()
    progress.close()
    assert capsys.readouterr().err == ""
