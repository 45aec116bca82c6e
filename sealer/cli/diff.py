"""``seal diff``: which keys changed, for reviewers and pull requests."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.encoding import printable

if TYPE_CHECKING:
    from sealer.changes.compare import Change, Pair

EPILOG = """\b
Examples:
  seal diff
  seal diff main...HEAD --format markdown
  seal diff HEAD~1 -- apps/prod
  seal diff old.yaml new.yaml
  seal diff --exit-code main...HEAD
"""
_SUFFIXES = (".yaml", ".yml", ".json")


@click.command(name="diff", epilog=EPILOG)
@click.argument("revisions", nargs=-1, type=options.FILE, metavar="[REVISION]...")
@click.option("--path", "paths", multiple=True, help="Only below this path; repeatable.")
@click.option(
    "-o",
    "--format",
    "form",
    type=click.Choice(("text", "markdown", "json")),
    default="text",
    show_default=True,
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if a SealedSecret changed.")
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    revisions: tuple[str, ...],
    paths: tuple[str, ...],
    form: str,
    exit_code: bool,
) -> None:
    """Tell which keys of which SealedSecrets changed; never a value, and no key is needed.

    REVISIONs are as for `git diff`; without any it is HEAD and the work tree. Two files that
    are there are compared with each other. A key's size is told by its ciphertext; where every
    key changed and no size did, it is most likely a re-encryption.
    """
    from sealer.changes.compare import compare

    if exit_code:
        ui.breakdown = _ui.UNCHECKED
    changes = list(compare(_pairs(ui, revisions, paths), os.urandom(16)))
    if form == "json":
        _ui.emit(json.dumps([_row(change) for change in changes], indent=2) + "\n")
    elif form == "markdown":
        _ui.emit(_markdown(changes))
    else:
        _ui.emit_lines(_text(changes))
    if exit_code and changes:
        raise _ui.Failed("changed")


def _pairs(ui: UI, revisions: tuple[str, ...], paths: tuple[str, ...]) -> list[Pair]:
    from sealer.changes.compare import Pair
    from sealer.files.text import read_text
    from sealer.git import program

    if len(revisions) == 2 and all(os.path.isfile(one) for one in revisions):  # noqa: PTH113
        old, new = (read_text(one)[0] for one in revisions)
        return [Pair(revisions[1], old, new)]
    found: list[Pair] = []
    for one in program.changed_files(revisions, paths):
        if not one.path.endswith(_SUFFIXES):
            continue
        before, after = _text_of(one.before), _text_of(one.after)
        if "Secret" in (before or "") + (after or ""):
            found.append(Pair(one.path, before, after))
    return found


def _text_of(data: bytes | None) -> str | None:
    from sealer.files.text import Encoding

    if data is None:
        return None
    encoding = Encoding.of(data[:4])
    return data[len(encoding.bom) :].decode(encoding.name, errors="replace")


def _row(change: Change) -> dict[str, object]:
    lines = [{"what": what, "how": how, "details": text} for what, how, text in change.lines]
    return {"path": change.path, "name": change.title, "state": change.state, "changes": lines}


def _text(changes: list[Change]) -> list[str]:
    lines: list[str] = []
    for change in changes:
        lines.append(f"{change.path}: {change.title}: {change.state}")
        if change.state != "re-encrypted":
            lines += [f"  {how:<8}{what}: {text}" for what, how, text in change.lines]
    return lines


def _markdown(changes: list[Change]) -> str:
    """A table; characters with a meaning to Markdown in names are escaped."""
    if not changes:
        return "No SealedSecret changed.\n"
    rows = ["| File | SealedSecret | Key | Change |", "| --- | --- | --- | --- |"]
    for change in changes:
        place = f"| {_code(change.path)} | {_code(change.title.removeprefix('SealedSecret '))} "
        if change.state in ("re-encrypted", "not sealed", "unreadable") or not change.lines:
            state = f"**{change.state}**" if change.state == "not sealed" else change.state
            rows.append(f"{place}| | {state} |")
            continue
        rows += [
            f"{place}| {_code(what)} | {how}, {_plain(text)} |" for what, how, text in change.lines
        ]
    return "\n".join(rows) + "\n"


def _code(text: str) -> str:
    return f"`{printable(text).replace('`', ' ').replace('|', ' ')}`"


def _plain(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>|#" else char for char in printable(text))
