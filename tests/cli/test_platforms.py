"""Systems that lack what Linux has: names of Windows that are absent, and what macOS is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sealer.files import scratch
from tests.cli import program

# What the os and signal modules of Windows do not have, and modules that it has not at all.
_ABSENT = """\
import os, signal, sys
for module, names in (
    (os, "fchmod fork getuid geteuid getgid killpg chown major minor".split()),
    (signal, "SIGHUP SIGKILL SIGUSR1 SIGALRM".split()),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: v}\n"
CERT = ("--cert", "../keys/cluster.pem")
KEY = ("--key", "../keys/cluster.key")


@pytest.fixture
def windows(work: Path) -> Path:
    """A folder whose commands run without those names."""
    (work / "absent").mkdir()
    (work / "absent/sitecustomize.py").write_text(_ABSENT)
    (work / "secret.yaml").write_text(SECRET)
    return work


def run(work: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return program.run(work, *words, text="value", PYTHONPATH=str(work / "absent"), **more)


def test_every_kind_of_writing_works_without_the_names_of_unix(windows: Path) -> None:
    for words in (
        (*CERT, "secret.yaml", "-w", "sealed.yaml"),
        ("set", "sealed.yaml", "more", *CERT),
        ("verify", "sealed.yaml", *KEY),
        ("unseal", "sealed.yaml", *KEY, "-w", "clear.yaml"),
        ("get", "sealed.yaml", "more", *KEY),
        ("remove", "sealed.yaml", "more"),
        ("reencrypt", "-i", "sealed.yaml", *KEY, *CERT),
        (*CERT, "-i", "secret.yaml"),
        ("keygen", "--bits", "2048", "--cert-out", "c.pem", "--key-out", "c.key"),
        ("cert", "c.pem"),
        ("doctor", "--offline"),
    ):
        done = run(windows, *words)
        assert done.returncode == 0, (words, done.stderr)
    assert "k:" in (windows / "clear.yaml").read_text()


def test_a_check_without_rendering_works_and_rendering_says_why_not(windows: Path) -> None:
    assert run(windows, "check", "--raw-only", "secret.yaml").returncode == 1
    subprocess.run(["git", "init", "-q"], cwd=windows, check=True)
    (windows / "kustomization.yaml").write_text("resources: []\n")
    (windows / "kustomize").write_text("#!/bin/true\n")
    (windows / "kustomize").chmod(0o755)
    done = run(windows, "check", ".", "--kustomize", "./kustomize")
    assert "internal error" not in done.stderr
    assert "not run on this system" in done.stdout + done.stderr


def test_edit_without_memory_names_what_works(windows: Path) -> None:
    assert run(windows, *CERT, "-i", "secret.yaml").returncode == 0
    done = run(windows, "edit", "secret.yaml", *KEY, *CERT, EDITOR="true")
    assert "internal error" not in done.stderr


@pytest.mark.parametrize(
    ("platform", "cure"), [("darwin", "RAM disk"), ("win32", "WSL"), ("linux", "tmpfs")]
)
def test_the_cure_is_that_of_the_platform(
    platform: str, cure: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(scratch, "_MOUNTS", tmp_path / "no-such-file")
    with pytest.raises(scratch.ScratchError) as caught, scratch.memory_directory({}):
        pass
    assert cure in str(caught.value.hint)


def test_a_folder_that_the_user_names_counts_where_the_kernel_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = {scratch.VARIABLE: str(tmp_path)}
    # Here the kernel says that it is on a disk, or it is in memory indeed.
    if not scratch.in_memory(tmp_path):
        found = scratch.memory_directory(named)
        with found as place:
            assert place.parent != tmp_path
    monkeypatch.setattr(scratch, "_MOUNTS", tmp_path / "no-such-file")
    with scratch.memory_directory(named) as place:
        assert place.parent == tmp_path
        assert oct(place.stat().st_mode)[-3:] == "700"
