"""docs/cli.md from ``--help``: ``python -m tests.docs.cli_reference [--check]``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sealer.cli import COMMANDS, group

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
HEAD = """\
# Commands

Made from `--help` by `make docs`; a check keeps it so. `seal FILE` means `seal seal FILE`. The
same program is installed as `kubectl-seal`, so that `kubectl seal` works, too, and as `flux-seal`:
flux looks for plugins in its own folder, `$FLUXCD_PLUGINS` or `~/.fluxcd/plugins`, so link it there
(`ln -s "$(command -v flux-seal)" ~/.fluxcd/plugins/`) for `flux seal`.

Exit codes: 0 done, 1 findings or failure, 2 wrong usage, 3 for a command that judges (`check`,
`verify`, `status`, `diff --exit-code`) and could not look, 130 interrupted. Results go to standard
output, words to standard error. `NO_COLOR` and `CLICOLOR_FORCE` are honoured.
"""


def reference() -> str:
    """Return the page's text."""
    parent = click.Context(group, info_name="seal", terminal_width=90, max_content_width=90)
    parts = [HEAD, f"\n## seal\n\n```text\n{group.get_help(parent)}\n```\n"]
    for name in COMMANDS:
        command = group.get_command(parent, name)
        assert command is not None
        if name == "kubeseal":
            parts.append(f"\n## seal {name}\n\nSee [kubeseal.md](kubeseal.md).\n")
            continue
        context = click.Context(
            command, info_name=name, parent=parent, terminal_width=90, max_content_width=90
        )
        parts.append(f"\n## seal {name}\n\n```text\n{command.get_help(context)}\n```\n")
        subcommands = command.commands if isinstance(command, click.Group) else {}
        for subname, subcommand in subcommands.items():
            below = click.Context(
                subcommand,
                info_name=subname,
                parent=context,
                terminal_width=90,
                max_content_width=90,
            )
            title, text = f"seal {name} {subname}", subcommand.get_help(below)
            parts.append(f"\n### {title}\n\n```text\n{text}\n```\n")
    return "".join(parts)


def main() -> None:
    """Write the page, or with --check exit 1 if it is stale."""
    text = "\n".join(line.rstrip() for line in reference().splitlines()) + "\n"
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        sys.exit(f"{PAGE.name} is stale: run make docs")


if __name__ == "__main__":
    main()
