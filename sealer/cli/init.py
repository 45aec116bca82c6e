"""``seal init``: the first files of a repository that keeps sealed Secrets."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI

EPILOG = """\b
Examples:
  seal init
  seal init --dry-run
  seal init --ci azure
"""


@click.command(name="init", epilog=EPILOG)
@click.option(
    "--ci",
    type=click.Choice(("github", "azure", "gitlab", "none")),
    help="CI service to write a job for; the default is what the repository has.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@options.words
@click.pass_obj
def command(ui: UI, /, ci: str | None, dry_run: bool) -> None:
    """Write .seal.toml, pre-commit hooks, a CI job and a .gitignore line for this repository.

    Looks at the tree first: a folder below clusters/ or overlays/ gets a rule of its own, and the
    CI service is the one that has files here. A file that exists is left alone. Says at the end
    which commands fetch the certificates.
    """
    from pathlib import Path

    from sealer import __version__
    from sealer.files.atomic import make_directory, write_atomic
    from sealer.git import program
    from sealer.scaffold.plan import plan, steps
    from sealer.scaffold.tree import look

    root = program.here("init").root
    tree = look(root)
    for file in plan(tree, version=__version__, service=ci or ""):
        path = root / file.path
        before = path.read_bytes() if path.exists() else b""
        if before and not file.append:
            ui.note(f"{file.path}: exists, and is left alone")
        elif dry_run:
            _ui.emit(f"# {file.path}\n{file.text}")
        else:
            if before and not before.endswith(b"\n"):
                before += b"\n"
            make_directory(str(Path(path).parent))
            write_atomic(str(path), [before + file.text.encode()])
            ui.note(f"{file.path}: {'a line added' if before else 'written'}")
    if not dry_run:
        for step in steps(tree):
            ui.note(f"next: {step}")
