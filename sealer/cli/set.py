"""``seal set``: one value of a SealedSecret file, sealed before anything touches the disk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import Unquoted
from sealer.cli._ui import UI
from sealer.cli._values import allow_empty, check_value
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.cli._certificates import Wanted
    from sealer.cluster.location import Location
    from sealer.keys.certificate import Certificate
    from sealer.scope import Scope

EPILOG = """\b
Examples:
  seal set apps/prod/db.yaml password
  pwgen 32 1 | tr -d '\\n' | seal set apps/prod/db.yaml password --cert prod.pem
  seal set sealed.yaml tls.crt @server.pem
  seal set new.yaml password --name db --namespace prod --type Opaque
"""


@click.command(name="set", cls=Unquoted, epilog=EPILOG)
@click.argument("file", type=options.FILE, metavar="FILE")
@click.argument("key", metavar="KEY")
@click.argument("source", metavar="[@FILE]", required=False)
@options.cert
@options.controller
@click.option("--name", default="", help="Name of a new SealedSecret, or which one of several.")
@click.option("-n", "--namespace", default="", help="Its namespace; the default is its rule's.")
@click.option("--type", "kind", default="", help="Type of the Secret that a new file makes.")
@options.scope
@allow_empty
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    file: str,
    key: str,
    source: str | None,
    wanted: Wanted,
    location: Location,
    name: str,
    namespace: str,
    kind: str,
    scope: str | None,
    allow_empty: bool,
) -> None:
    """Set KEY of the SealedSecret in FILE: one value changes, one line of the diff.

    The value comes from a hidden prompt, from standard input, or from @FILE, byte for byte, and
    never from the command line, where others could see it. A FILE that is not there is made;
    that takes --name and, unless the scope is cluster-wide, --namespace.
    """
    from sealer.cli._certificates import Certificates
    from sealer.files.lock import exclusive
    from sealer.files.text import exists
    from sealer.scope import Scope

    _check_key(key)
    if source and source != "-" and not source.startswith("@"):
        raise UsageError(
            "a value on the command line can be seen by others and stays in the history",
            hint="leave it out to be asked for it, pipe it in, or give @FILE",
        )
    chosen = Scope.parse(scope) if scope else None
    if file == "-" or exists(file):
        if kind or chosen:
            raise UsageError(f"{file} is there already: --type and --scope are for a new file")
        ask = partial(_value, ui, key, source, allow_empty=allow_empty)
        _set_in_place(ui, file, key, ask, (wanted, location), (name, namespace))
        return
    if not name:
        raise UsageError(
            f"{file} is not there yet", hint="give --name (and --namespace) to make it"
        )
    certificate = Certificates(wanted, location, ui).for_path(file)
    value = _value(ui, key, source, allow_empty=allow_empty)
    with exclusive(file):
        made = not exists(file)
        if made:
            names = (name, namespace or _rules_namespace(file), kind)
            _make(file, {key: value}, certificate, names, chosen)
    if made:
        ui.note(f"{file}: made, with {key}")
    else:
        # Another run has made it since.
        _set_in_place(ui, file, key, lambda: value, (wanted, location), (name, namespace))


def _rules_namespace(file: str) -> str:
    from sealer.config.rulefile import find_rule

    found = find_rule(file)
    return found[0].namespace if found else ""


def _set_in_place(
    ui: UI,
    file: str,
    key: str,
    ask: Callable[[], bytes],
    target: tuple[Wanted, Location],
    which: tuple[str, str],
) -> None:
    from sealer.changes.edit import Changes, check
    from sealer.cli._certificates import Certificates
    from sealer.files.lock import exclusive
    from sealer.inputs.sealed_file import SealedFile
    from sealer.notices import SILENT

    sealed_file = SealedFile.read(file, which[1])
    place = sealed_file.choose(ui, *which)
    try:
        # What is wrong with the file is told before a value is asked for.
        check(place.sealed, Changes())
        place.sealed.label()
    except SealerError as error:
        raise place.resource.locate(error) from None
    certificate = Certificates(*target, ui).for_path(file)
    change = Changes(values={key: ask()})
    with exclusive(file):
        # The value may have taken its time: what others wrote since stays.
        now = sealed_file.now()
        if now is not sealed_file:
            place = now.choose(SILENT, *which)
        now.apply(place, change, certificate)
        now.write(ui)
    word = "replaced" if key in place.sealed.encrypted_data else "added"
    ui.note(f"{file}: {place.title}: {word} {key}")


def _check_key(key: str) -> None:
    """As ``editing.check_key``, but for a word of the command line, which may be a value."""
    from sealer.changes.edit import check_key

    try:
        check_key(key)
    except SealerError as error:
        hint = error.hint
        if "=" in key:
            hint = "the value is asked for, piped in, or read from @FILE: never on the command line"
        raise UsageError("KEY is no key for a Secret", hint=hint) from None


def _value(ui: UI, key: str, source: str | None, *, allow_empty: bool) -> bytes:
    from sealer.files.text import read_bytes

    piped = False
    if source and source != "-":
        value = read_bytes(source.removeprefix("@"))
    elif source is None and _ui.stdin_is_terminal():
        value = _ui.ask_hidden(f"value of {key}", twice=True).encode()
    else:
        value, piped = read_bytes("-"), True
    check_value(ui, value, allow_empty=allow_empty, piped=piped)
    return value


def _make(
    file: str,
    data: dict[str, bytes],
    certificate: Certificate,
    names: tuple[str, str, str],
    scope: Scope | None,
) -> None:
    from sealer.files.atomic import write_atomic
    from sealer.manifest import to_json, to_yaml
    from sealer.sealing import seal
    from sealer.secret import Secret

    name, namespace, kind = names
    secret = Secret(name=name, namespace=namespace, data=data, type=kind or None)
    sealed = seal(secret, certificate, scope=scope or options.default_scope())
    text = (to_json if file.endswith(".json") else to_yaml)(sealed.to_dict())
    write_atomic(file, [text.encode()])
