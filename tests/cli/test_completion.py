"""Completion in the real shells: commands, options, files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import environment

_BASH = """\
source <(seal completion bash)
COMP_WORDS=({words})
COMP_CWORD={at}
_seal_completion seal
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# A shell in a terminal of its own, into which the words and a key are typed. Zsh gives up a list
# when more is typed meanwhile: the key's own command says when the list is drawn.
_ZSH = """\
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1=; autoload -U compinit; compinit -u -D; source <(seal completion zsh)"
zpty -w inner "zstyle ':completion:*' list-prompt ''; LISTMAX=10000"
zpty -w inner "offers() {{ zle list-choices; zle -R; zle -I; print DO''NE }}"
zpty -w inner "zle -N offers; bindkey '^T' offers"
zpty -w inner "echo RE''ADY"
zpty -r -m inner reply '*READY*' > /dev/null
zpty -w -n inner $'{words}\\x14'
zpty -r -m inner reply '*DONE*'
print -r -- "$reply"
zpty -d inner
"""


def complete(shell: str, work: Path, *words: str) -> str:
    """What a shell offers after these words; the last may be empty."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    scripts = {
        "bash": _BASH.format(words=" ".join(f"'{word}'" for word in words), at=len(words) - 1),
        "fish": f"seal completion fish | source; complete -C '{' '.join(words)}'",
        "zsh": _ZSH.format(words=" ".join(words)),
    }
    done = subprocess.run(
        [shell, "-c", scripts[shell]],
        cwd=work,
        env=environment(work, TERM="dumb", COLUMNS="200", LINES="100"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # Zsh draws the line as it completes it.
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x07\x08\r]", "", done.stdout)


SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def folder(work: Path) -> Path:
    """A file with a blank in its name, and a folder."""
    (work / "unplain file.yaml").write_text("")
    (work / "unfold").mkdir()
    return work


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        pytest.param(("seal", "un"), ("unseal", "unfold", "unplain"), id="commands and files"),
        pytest.param(("seal", "keys", "re"), ("restore", "retire"), id="commands of a group"),
        pytest.param(("seal", "unseal", "--ke"), ("--key",), id="options"),
        pytest.param(("seal", "verify", "unp"), ("unplain",), id="files of a command"),
        pytest.param(("seal", "check", "unf"), ("unfold",), id="folders of a command"),
        pytest.param(("seal", "edit", "unp"), ("unplain",), id="one file"),
        pytest.param(("seal", "verify", "-f", "unp"), ("unplain",), id="after -f"),
    ],
)
def test_a_shell_offers_what_may_come(
    folder: Path, shell: str, words: tuple[str, ...], offered: tuple[str, ...]
) -> None:
    shown = complete(shell, folder, *words)
    assert [one for one in offered if one not in shown] == [], shown
