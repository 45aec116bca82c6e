"""``seal kubeseal``: to come from its own branch."""

from __future__ import annotations

import click


@click.command(name="kubeseal")
def command() -> None:
    """Behave as kubeseal."""
