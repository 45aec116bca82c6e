"""The command line: ``seal FILE`` means ``seal seal FILE``; each command loads on first use.

This module imports click alone, so that ``--help`` and completion answer at once.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

from sealer import __version__

# One line a command; the command's own module says the rest.
COMMANDS = {
    "seal": "Encrypt the Secrets in manifests (the default command).",
    "raw": "Encrypt one value and print the item.",
    "set": "Set one value of a SealedSecret file.",
    "remove": "Remove keys from a SealedSecret file.",
    "edit": "Change a SealedSecret file in $EDITOR, with or without its private key.",
    "merge": "Add or replace keys of a SealedSecret file.",
    "get": "Decrypt one value of a SealedSecret and print it.",
    "unseal": "Decrypt SealedSecrets with private keys, offline.",
    "render": "Show the Secret that a SealedSecret will become, values hidden.",
    "verify": "Check that SealedSecrets open, and say with which key.",
    "status": "Show what the cluster says of SealedSecrets, and the cure.",
    "doctor": "Look at everything that sealing needs, and say what cures it.",
    "init": "Write .seal.toml, hooks and a CI job for this repository.",
    "check": "Find what would break or leak in a Git tree.",
    "krm": "Generate or validate SealedSecrets as a kustomize function.",
    "reencrypt": "Seal ciphertext again for another key; nothing else changes.",
    "diff": "Tell which keys changed, between revisions or files.",
    "git": "Teach git to show and to merge SealedSecrets key by key.",
    "rotate": "Make a new sealing key in the cluster, now.",
    "keys": "List, back up, restore and retire a cluster's sealing keys.",
    "keygen": "Make a sealing key pair.",
    "cert": "Show a sealing certificate: subject, validity, fingerprint.",
    "page": "Make a page that seals in a browser, offline.",
    "vault": "Check and explain Azure Key Vault manifests.",
    "convert": "Turn other Key Vault syncers' manifests into ours.",
    "kubeseal": "Behave as Bitnami's kubeseal does, flag by flag.",
    "completion": "Print a completion script for bash, zsh or fish.",
}
DEFAULT = "seal"

EPILOG = """\b
Examples:
  seal --cert cluster.pem secret.yaml > sealed.yaml
  kustomize build overlays/prod | seal --cert prod.pem
  printf %s "$PASSWORD" | seal raw --name db --namespace prod
  seal unseal sealed.yaml --key backup.yaml
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"sealer.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if ctx.resilient_parsing and not args:
            pass  # a shell asks how the line may go on
        elif not args and sys.stdin is not None and sys.stdin.isatty():
            args = ["--help"]
        elif not args or (args[0] not in COMMANDS and args[0] not in own):
            args = _with_command(args)
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            command = self.get_command(ctx, DEFAULT)
            return command.shell_complete(ctx, incomplete) if command else []
        names = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, CompletionItem(incomplete, type="file")]


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="seal %(version)s")
def group() -> None:
    """Seal Kubernetes Secrets for Git.

    Without a command name, `seal FILE...` encrypts the Secrets in the files, or in standard
    input, and prints manifests that can be committed.
    """


_FLAGS = frozenset({"-q", "--quiet", "-v", "--verbose"})
_WITH_VALUE = frozenset(
    {
        "-n",
        "--namespace",
        "--context",
        "--controller-name",
        "--controller-namespace",
        "--controller-url",
        "--kubeconfig",
    }
)
_GROUPS = frozenset({"git", "keys", "vault"})


def _with_command(args: list[str]) -> list[str]:
    """The words with a command in front: options before a command are the command's own."""
    at = 0
    while at < len(args) and args[at].partition("=")[0] in _FLAGS | _WITH_VALUE:
        at += 2 if args[at] in _WITH_VALUE else 1
    if at and at < len(args) and args[at] in COMMANDS:
        after = at + (2 if args[at] in _GROUPS else 1)
        return [*args[at:after], *args[:at], *args[after:]]
    _known(args)
    return [DEFAULT, *args]


def _known(args: list[str]) -> None:
    """UsageError for a word that is no file, and nearly a command."""
    if not args or args[0].startswith("-") or os.path.lexists(args[0]):
        return
    from difflib import get_close_matches

    from sealer.cli._synonyms import COMMANDS as SYNONYMS
    from sealer.errors import UsageError

    word = args[0]
    problem = f"{word}: there is no such command, and no such file"
    if word in SYNONYMS:
        raise UsageError(problem, hint=f"it is called seal {SYNONYMS[word]}")
    near = get_close_matches(word, COMMANDS, n=1)
    if near:
        raise UsageError(problem, hint=f"the nearest command is {near[0]}")


def main() -> None:
    """Run one command and exit: 0 ok, 1 findings or failure, 2 usage, 3 could not check."""
    # Imports make objects that stay: looking for garbage among them costs 5 ms. A long run is
    # still looked after, at 50,000 objects and not at 700.
    gc.set_threshold(50_000)
    from sealer.cli import _ui

    code = _ui.run(group, _program())
    # Everything is written and flushed; taking the interpreter down properly would cost 10 ms,
    # a tenth of a seal. See docs/adr/0003-start-up.md.
    os._exit(code)


def _program() -> str:
    name = os.path.basename(sys.argv[0])  # noqa: PTH119 pathlib costs 5 ms at start
    plugins = {"kubectl-seal": "kubectl seal", "flux-seal": "flux seal"}
    return plugins.get(name, "seal")
