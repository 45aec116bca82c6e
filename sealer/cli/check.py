"""``seal check``: what reviews miss, over the tree and over what kustomize and Flux make of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealer import __version__
from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI, UNCHECKED, Failed
from sealer.encoding import counted
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.git.worktree import WorkTree

EPILOG = """\b
Examples:
  seal check
  seal check apps/overlays/prod --key prod-backup.yaml
  seal check --format sarif > seal.sarif
  seal check --staged
"""


@click.command(name="check", cls=FileCommand, epilog=EPILOG)
@click.argument("paths", nargs=-1, type=options.FILE, metavar="[PATH]...")
@click.option(
    "--cert",
    "certs",
    multiple=True,
    metavar="FILE|URL",
    help="Certificate that seals for a cluster, beside those of .seal.toml; repeatable.",
)
@options.keys(required=False)
@options.findings
@click.option("--staged", is_flag=True, help="Look at what is staged in Git, not at the files.")
@options.vault_suffixes
@click.option(
    "--require-known", is_flag=True, help="Report references to Secrets the tree does not make."
)
@click.option("--raw-only", is_flag=True, help="Look for Secrets in clear only; render nothing.")
@click.option("--remote", is_flag=True, help="Let kustomize fetch bases from the network.")
@click.option(
    "--kustomize",
    metavar="PROGRAM",
    default="",
    help="kustomize or kubectl to render with; the default is found on PATH.  "
    "[env: SEAL_KUSTOMIZE]",
)
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    paths: tuple[str, ...],
    certs: tuple[str, ...],
    keys: tuple[str, ...],
    format_name: str,
    staged: bool,
    strict: bool,
    require_known: bool,
    raw_only: bool,
    remote: bool,
    kustomize: str,
    vault_suffixes: tuple[str, ...],
) -> None:
    """Find what would break or leak in a Git tree, before it is applied.

    Looks at the whole repository, or at PATHs (files or folders) and every kustomization that
    reads them: ciphertext that will not open after an overlay or Flux has renamed or moved it,
    dangling references, Secrets in clear, Key Vault manifests that cannot work. Without PATH,
    --staged looks at the staged changes, or at everything where nothing is staged. Findings never
    hold a value. docs/checks.md explains each rule.
    """
    from sealer.check import report
    from sealer.check.run import Request, check
    from sealer.cluster.certificate import read_certificate
    from sealer.git.worktree import WorkTree

    ui.breakdown = UNCHECKED
    work = WorkTree.open(_start(paths), staged=staged)
    request = Request(
        keys=options.load_ring(keys).keys,
        certificates=tuple(read_certificate(one) for one in certs),
        paths=_selection(work, paths),
        require_known=require_known,
        raw_only=raw_only,
        remote=remote,
        kustomize=kustomize,
        vault_suffixes=vault_suffixes,
    )
    outcome = check(work, request, read_certificate)
    _ui.emit(report.write(outcome.findings, format_name, __version__), flush=True)
    facts = f"{counted(outcome.sealed, 'SealedSecret')}, {counted(outcome.builds, 'kustomization')}"
    allowed = f", {outcome.allowed} allowed" if outcome.allowed else ""
    ui.note(f"{counted(len(outcome.findings), 'finding')}{allowed} ({facts})")
    if not outcome.looked_at:
        ui.note("nothing was looked at: there is no manifest in what was asked for")
    if report.failed(outcome.findings, strict=strict):
        raise Failed("findings")


def _start(paths: tuple[str, ...]) -> Path:
    start = Path(paths[0]) if paths else Path()
    while not start.exists() and start != start.parent:
        start = start.parent
    return start


def _selection(work: WorkTree, paths: tuple[str, ...]) -> tuple[str, ...] | None:
    if not paths:
        return _from(work, Path()) if not work.staged else work.changed()
    return tuple(path for one in paths for path in _from(work, Path(one)) or ("",))


def _from(work: WorkTree, path: Path) -> tuple[str, ...] | None:
    """A path relative to the root, by each of its names; None for the root itself."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 a symlink is a file of its own
    if not absolute.exists() and not work.staged:
        raise UsageError(f"{path}: there is no such file or folder")
    real, root = path.resolve(), work.root
    # A link to a folder is what builds read; the files behind it have a path of their own.
    places = {absolute, absolute.parent.resolve() / absolute.name, real}
    if root in places:
        return None
    inside = {place.relative_to(root).as_posix() for place in places if place.is_relative_to(root)}
    if not inside or (real.is_dir() and not real.is_relative_to(root)):
        raise UsageError(f"{path} lies outside {root}", hint="check one repository at a time")
    return tuple(sorted(inside))
