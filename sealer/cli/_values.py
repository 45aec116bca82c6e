"""A value that was handed over on its own: what is wrong with it, and what is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from sealer.cli._ui import UI
from sealer.errors import ManifestError

_F = TypeVar("_F", bound=Callable[..., Any])


def allow_empty(function: _F) -> _F:
    """--allow-empty."""
    return click.option(
        "--allow-empty", is_flag=True, help="Take an empty value; else it is an error."
    )(function)


def check_value(ui: UI, value: bytes, *, allow_empty: bool, piped: bool = False) -> None:
    """Raise for an empty value and for another tool's ciphertext; warn of what is likely a slip.

    ``piped`` is for standard input, where a program's newline comes along.
    """
    from sealer.values import foreign

    if not value and not allow_empty:
        raise ManifestError(
            "the value is empty", hint="is the variable set? if it is right, use --allow-empty"
        )
    tool = foreign.encrypted_with(value)
    if tool:
        raise ManifestError(
            f"the value is encrypted with {tool[0]}", hint=f"decrypt it first: {tool[1]}"
        )
    if piped and value.endswith(b"\n"):
        ui.warn("the value ends in a newline, which is sealed too; printf %s writes none")
    if what := foreign.reference_in(value):
        ui.warn(f"the value is {what}, and is sealed as it stands")
