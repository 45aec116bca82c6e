"""What every command can do beyond click: ``-f FILE`` as kubectl has it, and completion.

Files are arguments here; whoever comes from kubectl or kubeseal types ``-f``. Both mean the same.
"""

from __future__ import annotations

from typing import Any

import click

from sealer.errors import UsageError

_NAMES = ("-f", "--filename")


class FileCommand(click.Command):
    """A command whose first argument, or whose many, are files: ``-f FILE`` names one, too."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        option = click.Option(
            list(_NAMES),
            type=click.Path(readable=False),
            metavar="FILE",
            expose_value=False,
            help="The same as FILE as an argument.",
        )
        self.params.append(option)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named, rest = _taken(args)
        arguments = [one for one in self.params if isinstance(one, click.Argument)]
        several = ("files", "paths", "objects")
        many = any(one.nargs == -1 and one.name in several for one in arguments)
        words = [*rest, *named] if many else [*named, *rest]
        return super().parse_args(ctx, words if named else args)


class Unquoted(FileCommand):
    """A command whose words may be a value that somebody typed by mistake: never repeated."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        left = super().parse_args(ctx, args)
        if left and not ctx.resilient_parsing:
            raise UsageError(
                "there are more words than this command takes",
                hint="a value comes from standard input or a file, never from the command line",
            )
        return left


def _taken(args: list[str]) -> tuple[list[str], list[str]]:
    """The files of ``-f``, and the other words; what comes after ``--`` is no option."""
    named: list[str] = []
    rest: list[str] = []
    words = iter(args)
    for word in words:
        value: str | None = None
        if word == "--":
            rest += [word, *words]
        elif word in _NAMES:
            value = next(words, None)
            rest += [word] if value is None else []
        elif word.startswith("--filename="):
            value = word.partition("=")[2]
        elif word.startswith("-f") and len(word) > 2:
            value = word[2:]
        else:
            rest.append(word)
        if value is not None:
            # A name is never an option.
            named.append(f"./{value}" if value.startswith("-") and value != "-" else value)
    return named, rest
