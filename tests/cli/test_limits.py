"""Where a machine says no: bombs, floods, full disks, closed pipes, signals. Nothing is left."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from tests.cli import program

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: prod}
stringData: {k: v}
"""
CERT = ("--cert", "../keys/cluster.pem")
MIB = 2**20


def run(work: Path, *words: str, limit: Callable[[], None] | None = None, **more: Any) -> Any:
    """Run the program and return what came of it."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **more}
    return subprocess.run(
        [program.SEAL, *words],
        cwd=work,
        env=program.environment(work),
        stderr=subprocess.PIPE,
        preexec_fn=limit,
        check=False,
        timeout=60,
        **streams,
    )


def memory_and_time(mebibytes: int, seconds: int) -> Callable[[], None]:
    """A limit of the child: beyond it, it is killed or refused memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * MIB, mebibytes * MIB))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    return limit


def left_behind(work: Path) -> list[str]:
    """All files below the folder."""
    return sorted(str(path.relative_to(work)) for path in work.rglob("*"))


def bomb() -> str:
    lines = ["a0: &a0 [" + ", ".join(["x" * 50] * 10) + "]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 15)]
    return "kind: Secret\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(bomb(), b"its aliases expand to too much", id="aliases"),
        pytest.param("a: " + "[" * 100_000, b"exceeded maximum nesting depth", id="depth"),
        pytest.param('{"a":' * 100_000, b"nested deeper than 100", id="depth in JSON"),
        pytest.param("- " * 100_000, b"nested deeper than 100", id="dashes"),
        pytest.param("k: " + "9" * 1_000_000 + "\n", b"there is no Secret in it", id="a number"),
        pytest.param("{" + "a: &a x, " * 200_000, b"bomb.yaml:1: not valid", id="anchors"),
    ],
)
def test_a_bomb_is_refused_in_bounded_time_and_memory(
    work: Path, text: str, message: bytes
) -> None:
    (work / "bomb.yaml").write_text(text)
    words = (*CERT, "bomb.yaml", "-w", "out")
    done = run(work, *words, limit=memory_and_time(512, 20))
    assert done.returncode == 1
    assert message in done.stderr
    assert left_behind(work) == ["bomb.yaml"]


def test_a_stream_without_an_end_is_refused_in_bounded_memory(work: Path) -> None:
    with Path("/dev/zero").open("rb") as zeros:
        done = run(work, *CERT, stdin=zeros, limit=memory_and_time(1024, 20))
    assert done.returncode == 1
    assert b"a line is longer than 67108864 characters" in done.stderr


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_secret_of_ten_megabytes_is_refused_by_its_size(work: Path, kind: str) -> None:
    value = "x" * 10 * MIB
    text = SECRET.replace("k: v", f'"k": "{value}"')
    if kind == "json":
        text = (
            '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "p"},'
            f' "stringData": {{"k": "{value}"}}}}'
        )
    (work / f"big.{kind}").write_text(text)
    words = (*CERT, f"big.{kind}", "-w", "out")
    done = run(work, *words, limit=memory_and_time(768, 20))
    assert done.returncode == 1
    assert b"its values have 10485760 bytes together, and Kubernetes takes 1048576" in done.stderr
    assert left_behind(work) == [f"big.{kind}"]


def test_a_file_that_may_not_be_read_is_told(work: Path) -> None:
    (work / "secret.yaml").write_text(SECRET)
    (work / "secret.yaml").chmod(0)
    words = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    for path in (work, *work.parents[:2]):
        path.chmod(0o755)
    done = subprocess.run(
        [*words, program.SEAL, "--check", "secret.yaml"],
        cwd=work,
        env=program.environment(work),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "seal: error: cannot read secret.yaml: permission denied\n",
    )


def small_files() -> None:
    """A disk with room for 50 bytes: writing more fails as a full one does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((*CERT, "secret.yaml", "-w", "out.yaml"), id="-w"),
        pytest.param((*CERT, "-i", "secret.yaml"), id="-i"),
        pytest.param((*CERT, "--output-dir", ".", "../work/secret.yaml"), id="--output-dir"),
        pytest.param(("merge", *CERT, "-i", "sealed.yaml", "secret.yaml"), id="merge"),
        pytest.param(("keygen", "--bits", "2048"), id="keygen"),
        pytest.param(
            ("unseal", "sealed.yaml", "--key", "../keys/cluster.key", "-w", "o"), id="unseal"
        ),
    ],
)
def test_a_full_disk_leaves_everything_as_it_was(work: Path, words: tuple[str, ...]) -> None:
    (work / "secret.yaml").write_text(SECRET)
    sealed = run(work, *CERT, "secret.yaml", "--no-fingerprint").stdout
    (work / "sealed.yaml").write_bytes(sealed)
    done = run(work, *words, limit=small_files)
    assert done.returncode == 1, done.stderr
    assert b"cannot write " in done.stderr
    assert left_behind(work) == ["sealed.yaml", "secret.yaml"]
    assert (work / "secret.yaml").read_text() == SECRET
    assert (work / "sealed.yaml").read_bytes() == sealed


def test_a_full_standard_output_is_told(work: Path) -> None:
    (work / "secret.yaml").write_text(SECRET)
    with Path("/dev/full").open("wb") as full:
        done = run(work, *CERT, "secret.yaml", stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        b"seal: error: cannot write standard output: no space left on device\n",
    )


def test_a_closed_standard_output_is_told(work: Path) -> None:
    (work / "secret.yaml").write_text(SECRET)
    done = run(work, *CERT, "secret.yaml", stdout=None, limit=lambda: os.close(1))
    assert done.returncode == 1
    assert done.stderr.startswith(b"seal: error: standard output is closed\n")


def test_a_reader_that_has_enough_is_no_fault_worth_a_word(work: Path) -> None:
    (work / "many.yaml").write_text("---\n".join(SECRET for _ in range(200)))
    command = f"'{program.SEAL}' --cert ../keys/cluster.pem many.yaml | head -1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=work,
        env=program.environment(work),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("apiVersion: bitnami.com/v1alpha1\n", "")


def test_standard_error_that_is_closed_changes_no_result(work: Path) -> None:
    (work / "secret.yaml").write_text(SECRET)
    done = run(work, *CERT, "secret.yaml", limit=lambda: os.close(2))
    assert done.returncode == 0
    assert b"encryptedData" in done.stdout


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    ids=["Ctrl-C", "SIGTERM", "the terminal goes"],
)
def test_an_interruption_leaves_no_file(work: Path, number: signal.Signals) -> None:
    command = [str(program.SEAL), *CERT, "-w", "out.yaml", "-"]
    with subprocess.Popen(
        command,
        cwd=work,
        env=program.environment(work),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background ignores some, and so would the child.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as child:
        feed_until_it_reads(child.stdin)
        child.send_signal(number)
        child.wait(timeout=30)
        assert child.stderr is not None
        words = child.stderr.read()
    # A newline ends the line on which the terminal shows ^C.
    assert (child.returncode, words) == (130, b"\nseal: error: interrupted\n")
    assert left_behind(work) == []


def feed_until_it_reads(stream: IO[bytes] | None) -> None:
    """Write until more has gone in than a pipe holds: the child is at work, then."""
    assert stream is not None
    document = ("---\n" + SECRET).encode()
    deadline = time.monotonic() + 30
    written = 0
    while written < 128 * 1024:
        assert time.monotonic() < deadline
        written += stream.write(document)
    stream.flush()


def test_a_stream_larger_than_memory_allows_goes_through(work: Path) -> None:
    # 60 MB of documents that pass through, in a process that may have 120 MB of data in all.
    document = "---\nkind: ConfigMap\ndata:\n" + "".join(
        f"  key-{n}: {'x' * 1000}\n" for n in range(1000)
    )
    with (work / "big.yaml").open("w") as stream:
        for _ in range(60):
            stream.write(document)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (120 * MIB, 120 * MIB))

    words = (*CERT, "big.yaml", "--allow-no-secret", "-w", "out.yaml")
    done = run(work, *words, limit=limit)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (work / "out.yaml").read_bytes() == (work / "big.yaml").read_bytes()
