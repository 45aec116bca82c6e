"""``seal git``: git shows which keys changed, and merges them one by one."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.encoding import counted
from sealer.errors import ManifestError, SealerError

if TYPE_CHECKING:
    from sealer.changes.threeway import Unified
    from sealer.files.text import Encoding

EPILOG = """\b
Examples:
  seal git install
  seal git install 'apps/**/sealed-*.yaml'
"""
_PATTERNS = ("*.yaml", "*.yml")
_SALT = "seal.salt"


@click.group(name="git", epilog=EPILOG)
def command() -> None:
    """Teach git to show SealedSecrets by their keys, and to merge them key by key."""


@command.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--global", "everywhere", is_flag=True, help="Configure all your repositories.")
@click.option("--local", is_flag=True, help="Patterns go to .git/info/attributes, not committed.")
@options.words
@click.pass_obj
def install(ui: UI, /, patterns: tuple[str, ...], everywhere: bool, local: bool) -> None:
    """Set up the drivers in this repository, for PATTERNs (default *.yaml and *.yml).

    Writes git's configuration, and .gitattributes for the team: a clone without the drivers
    shows and merges the files as plain text. Running it again changes nothing.
    """
    from sealer.files.atomic import make_directory, write_atomic
    from sealer.files.text import exists, read_text
    from sealer.git import program

    settings = {
        "diff.sealer.textconv": "seal git textconv --",
        "diff.sealer.cachetextconv": "true",
        "merge.sealer.name": "SealedSecrets, key by key",
        "merge.sealer.driver": "seal git merge-driver -- %O %A %B %L %P",
    }
    repository = program.here("config")
    for name, value in settings.items():
        program.configure(name, value, everywhere=everywhere)
    if not program.setting(_SALT):
        program.configure(_SALT, os.urandom(16).hex(), everywhere=everywhere)
    path = f"{repository.root}/.gitattributes"
    if local:
        common = repository.common()
        make_directory(f"{common}/info")
        path = f"{common}/info/attributes"
    inside = os.path.join(os.path.realpath(repository.root), "")  # noqa: PTH118
    if os.path.islink(path) and not os.path.realpath(path).startswith(inside):  # noqa: PTH114
        raise ManifestError(
            f"{path}: is a link that leads out of the repository", hint="use --local"
        )
    text = read_text(path)[0] if exists(path) else ""
    wanted = [f"{pattern} diff=sealer merge=sealer" for pattern in patterns or _PATTERNS]
    missing = [line for line in wanted if line not in text.splitlines()]
    if missing:
        start = text if not text or text.endswith("\n") else text + "\n"
        write_atomic(path, [(start + "\n".join(missing) + "\n").encode()])
    ui.note(f"{path}: {counted(len(missing), 'line')} added")


@command.command()
@click.argument("file", type=options.FILE, metavar="FILE")
@options.words
@click.pass_obj
def textconv(ui: UI, /, file: str) -> None:
    """Print FILE for `git diff`: scope, keys and sizes, never a value. Git calls this."""
    from sealer.changes import summary
    from sealer.files.text import exists, read_bytes, read_text
    from sealer.git import program

    def salt() -> bytes:
        with suppress(ValueError):
            return bytes.fromhex(program.setting(_SALT))
        return b""

    # For git a driver that fails is the end of the whole diff or log, whatever else it shows.
    try:
        text, _ = read_text(file)
        # To ask git costs a process: not for the many files that hold no Secret.
        shown = summary.textconv(text, file, salt() if "secret" in text.lower() else b"").encode()
    except SealerError:
        size = os.path.getsize(file) if exists(file) else 0  # noqa: PTH202
        shown = summary.unread(read_bytes(file, limit=size), salt())
    _ui.emit(shown)


@command.command(name="merge-driver")
@click.argument("base", metavar="BASE")
@click.argument("ours", metavar="OURS")
@click.argument("theirs", metavar="THEIRS")
@click.argument("marker_size", metavar="[MARKER-SIZE]", default="7")
@click.argument("path", metavar="[PATH]", default="")
@options.words
@click.pass_obj
def merge_driver(ui: UI, /, base: str, ours: str, theirs: str, marker_size: str, path: str) -> None:
    """Merge THEIRS into OURS, key by key; conflicts only where both changed a key. Git calls this.

    The rest of the file is merged as text. Exit 1 leaves conflict markers, as git expects.
    """
    from sealer.changes.threeway import unify
    from sealer.files.atomic import write_atomic
    from sealer.files.text import Encoding, read_text
    from sealer.git import program

    unified: Unified | None = None
    encoding = Encoding()
    try:
        read = [read_text(name) for name in (base, ours, theirs)]
        encoding = read[1][1]
        if any("SealedSecret" in text for text, _ in read):
            if {one for _, one in read} != {encoding}:
                raise ManifestError("the sides differ in their encoding")
            unified = unify(*(text for text, _ in read))
    except SealerError as error:
        ui.warn(f"{path or ours}: merged as plain text: {error.message}")
    merged, clean = b"", False
    if unified:
        merged, clean = _merged(unified, encoding, marker_size)
        if clean and not unified.holds(_decoded(merged, encoding)):
            unified = None
            ui.warn(f"{path or ours}: merged as plain text: keys would be lost otherwise")
    if unified is None:
        merged, clean = program.merge_file(ours, base, theirs, marker_size)
    write_atomic(ours, [merged])
    for conflict in unified.conflicts if unified else ():
        ui.note(f"{path or ours}: both sides changed {conflict}")
    if not clean:
        raise _ui.Failed("conflict")


def _decoded(data: bytes, encoding: Encoding) -> str:
    return data[len(encoding.bom) :].decode(encoding.name, errors="replace")


def _merged(unified: Unified, encoding: Encoding, marker_size: str) -> tuple[bytes, bool]:
    import tempfile
    from pathlib import Path

    from sealer.git import program

    with tempfile.TemporaryDirectory(prefix="seal-merge-") as name:
        texts = {"ours": unified.ours, "base": unified.base, "theirs": unified.theirs}
        for word, text in texts.items():
            (Path(name) / word).write_bytes(encoding.encode(text))
        ours, base, theirs = (f"{name}/{word}" for word in texts)
        return program.merge_file(ours, base, theirs, marker_size)
