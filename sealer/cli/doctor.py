"""``seal doctor``: everything that sealing stands on, looked at, with the cure of what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui

if TYPE_CHECKING:
    from sealer.cluster.location import Location

EPILOG = """\b
Examples:
  seal doctor
  seal doctor --context prod
  seal doctor --offline -o json
"""


@click.command(name="doctor", epilog=EPILOG)
@click.option("--offline", is_flag=True, help="Look at this machine and repository only.")
@options.text_or_json
@options.controller
@options.words
def command(offline: bool, form: str, location: Location) -> None:
    """Look at configuration, kubeconfig, rights, controller, versions, certificates, git and hooks.

    Changes nothing. A line for each thing: ok, note, warning or error, what it is, what was seen;
    below it what cures it. Exit code 1 if there is an error.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from sealer import __version__
    from sealer.diagnosis import setup
    from sealer.diagnosis.finding import failed

    now, here = datetime.now(UTC), Path.cwd()
    findings = [*setup.packages(), *setup.rules(here, now), *setup.git(here)]
    if not offline:
        from sealer.diagnosis import connection

        findings += connection.look(location, version=__version__, now=now)
    if form == "json":
        _ui.emit(json.dumps([one.to_dict() for one in findings], indent=2) + "\n")
    else:
        _ui.emit_findings((one.level, one.subject, one.says, one.cure) for one in findings)
    if failed(findings):
        raise _ui.Failed("problems found")
