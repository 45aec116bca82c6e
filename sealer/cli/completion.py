"""``seal completion``: the script that teaches a shell our commands and options."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui

EPILOG = """\b
Examples:
  source <(seal completion bash)
  seal completion zsh > "${fpath[1]}/_seal"
  seal completion fish > ~/.config/fish/completions/seal.fish
"""


# click's own script drops every word as soon as a file may stand there, too.
_BASH = r"""_seal_completion() {
    local IFS=$'\n' line name
    COMPREPLY=()
    local answers words="${COMP_WORDS[*]}"
    answers=$(COMP_WORDS="$words" COMP_CWORD=$COMP_CWORD _SEAL_COMPLETE=bash_complete "$1")
    for line in $answers; do
        [[ ${line%%,*} == plain ]] && COMPREPLY+=("${line#*,}")
    done
    for line in $answers; do
        if [[ ${line%%,*} == file || ${line%%,*} == dir ]]; then
            # The name gets its slash or its quotes by readline, where no other word may stand.
            (( ${#COMPREPLY[@]} )) || compopt -o filenames 2>/dev/null
            for name in $(compgen -f -- "${line#*,}"); do
                COMPREPLY+=("$name")
            done
        fi
    done
}
complete -o nosort -F _seal_completion seal
"""


@click.command(name="completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@options.words
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    from sealer.cli import group

    if shell == "bash":
        _ui.emit(_BASH)
        return
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 the three are click's own
    _ui.emit(found(group, {}, "seal", "_SEAL_COMPLETE").source())
