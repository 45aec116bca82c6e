"""Which editors are told to keep no copies, and which cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sealer.files.scratch import editor_command, may_keep_copies


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editors = (
        "nvim",
        "vim.basic",
        "emacs-29",
        "nano",
        "micro",
        "code",
        "busybox",
        "cat",
        "mine.sh",
    )
    for name in editors:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "vi").symlink_to("vim.basic")
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    ("editor", "keeps"),
    [
        ("nvim", False),
        ("vi", False),
        ("emacs-29 -nw", False),
        ("nano", False),
        ("busybox vi", False),
        ("cat", False),
        ("micro", True),
        ("code --wait", True),
        ("mine.sh", True),
    ],
)
@pytest.mark.usefixtures("programs")
def test_editors_that_may_keep_copies_are_known(editor: str, keeps: bool) -> None:
    assert may_keep_copies(editor_command({"EDITOR": editor})) is keeps


@pytest.mark.parametrize("editor", ["vi", "nvim"])
@pytest.mark.usefixtures("programs")
def test_options_stand_after_the_users_own_settings_too(editor: str) -> None:
    words = editor_command({"EDITOR": editor})
    before = [words[at + 1] for at, word in enumerate(words) if word == "--cmd"]
    assert words[words.index("-c") + 1] in before
    assert any("nomodeline" in word for word in before)
    assert all(word in words[-1] for word in ("noswapfile", "noundofile", "nobackup"))


@pytest.mark.skipif(shutil.which("vim") is None, reason="there is no vim")
def test_vim_obeys_no_line_of_the_text(tmp_path: Path) -> None:
    text = tmp_path / "sheet.yaml"
    text.write_text("# shop/db (strict, vim: set textwidth=7 :)\na: b\n")
    told = tmp_path / "told"
    rc = tmp_path / "vimrc"
    rc.write_text("set modeline modelines=5\n")
    command = editor_command({"EDITOR": f"vim -u {rc}"})
    tell = f'call writefile([&textwidth], "{told}")'
    subprocess.run(
        [*command, "-es", "-c", tell, "-c", "qa!", str(text)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert told.read_text() == "0\n"
