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


@click.command(name="completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@options.words
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    from sealer.cli import group

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 the three are click's own
    _ui.emit(found(group, {}, "seal", "_SEAL_COMPLETE").source())
