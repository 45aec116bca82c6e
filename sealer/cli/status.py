"""``seal status``: what the cluster says of a SealedSecret or KeyVaultSecret, and the cure."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cluster.apiserver import ApiServer
    from sealer.cluster.location import Location
    from sealer.diagnosis.objects import ObjectStatus, Ref, Said

EPILOG = """\b
Examples:
  seal status -n shop
  seal status database -n shop
  seal status keyvaultsecret/orders -n shop
  seal status apps/db.yaml
  seal status -A -o json
"""


@click.command(name="status", cls=FileCommand, epilog=EPILOG)
@click.argument("objects", nargs=-1, type=options.FILE, metavar="[NAME|KIND/NAME|FILE]...")
@click.option("-n", "--namespace", default="", help="Namespace; the default is the kubeconfig's.")
@click.option("-A", "--all-namespaces", is_flag=True, help="All of them.")
@options.text_or_json
@options.controller
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    objects: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    form: str,
    location: Location,
) -> None:
    """Show what the cluster says of SealedSecrets and KeyVaultSecrets, and what cures it.

    Without an argument a line for each object of the namespace: state, reason, name. States:
    ready, failed (a person must act), retried, waiting (no controller has looked at it). For
    objects that are named, or that a FILE holds, also the message, the cure, which certificate
    sealed it, and the events. Exit code 1 if any of them is not ready.
    """
    from sealer.cluster.apiserver import ApiServer
    from sealer.diagnosis import asking
    from sealer.diagnosis.objects import READY

    if all_namespaces and (namespace or objects):
        raise UsageError("--all-namespaces cannot be combined with names or a namespace")
    ui.breakdown = _ui.UNCHECKED
    server = ApiServer(location)
    if objects:
        found, errors = _named(server, objects, namespace)
        shown = [(one, _events(ui, server, one.ref)) for one in found]
        current = asking.current_fingerprint(location)
        if form == "text":
            _ui.emit_lines(line for one, events in shown for line in _text(one, events, current))
    else:
        wanted = "" if all_namespaces else namespace or server.namespace
        shown, errors = [(one, []) for one in asking.find_all(server, wanted)], []
        if form == "text":
            _ui.emit_table(("STATE", "REASON", "OBJECT"), (_row(one) for one, _ in shown))
        if not shown:
            ui.note(f"there is no SealedSecret in {wanted or 'the cluster'}")
    if form == "json":
        _ui.emit(json.dumps([one.to_dict(events) for one, events in shown], indent=2) + "\n")
    ui.finish(errors)
    if any(one.state != READY for one, _ in shown):
        raise _ui.Failed("not ready")


def _named(
    server: ApiServer, words: tuple[str, ...], namespace: str
) -> tuple[list[ObjectStatus], list[SealerError]]:
    """The objects that these words mean, and an error for each word that means none."""
    from sealer.cluster.answer import ClusterError
    from sealer.diagnosis import asking

    found: list[ObjectStatus] = []
    errors: list[SealerError] = []
    for word in words:
        if os.path.isfile(word):  # noqa: PTH113 pathlib costs 5 ms at start
            wanted = [[ref] for ref in _in_file(word, namespace or server.namespace)]
        else:
            wanted = [asking.refs_of(word, namespace or server.namespace)]
        for refs in wanted:
            some = asking.find(server, refs)
            found += some
            if not some:
                ref = refs[0]
                errors.append(
                    ClusterError(
                        f"{ref.name} does not exist in namespace {ref.namespace}",
                        hint="has Flux or Argo CD applied it? kubectl get sealedsecrets -A",
                    )
                )
    return found, errors


def _in_file(path: str, namespace: str) -> list[Ref]:
    from sealer.cluster.resources import KINDS
    from sealer.diagnosis.objects import Ref
    from sealer.errors import ManifestError
    from sealer.files.text import display, open_text
    from sealer.manifest import read_documents

    refs: list[Ref] = []
    with open_text(path) as (lines, _):
        for document in read_documents(lines, display(path)):
            for resource in () if document.is_empty else document.resources():
                metadata = resource.value.get("metadata") or {}
                if resource.kind in KINDS and metadata.get("name"):
                    place = metadata.get("namespace") or namespace
                    refs.append(Ref(resource.kind, str(place), str(metadata["name"])))
    if not refs:
        raise ManifestError(f"{path}: there is no SealedSecret and no KeyVaultSecret in it")
    return refs


def _events(ui: UI, server: ApiServer, ref: Ref) -> list[Said]:
    from sealer.cluster.answer import ClusterError
    from sealer.diagnosis import asking

    try:
        return asking.events_of(server, ref)
    except ClusterError as error:
        ui.note(f"the events of {ref} are not shown: {error.message}")
        return []


def _row(one: ObjectStatus) -> tuple[str, str, str]:
    return one.state, one.reason or "-", str(one.ref)


def _text(one: ObjectStatus, events: list[Said], current: str) -> list[str]:
    """The block for one object."""
    from sealer.diagnosis.objects import about_key

    key, key_cure = about_key(one, current)
    facts = {
        "state": " ".join(word for word in (one.state, f"({one.reason})" * bool(one.reason))),
        "since": one.since,
        "message": one.message,
        "cure": one.cure,
        "key": key,
        "key cure": key_cure if key_cure != one.cure else "",
    }
    lines = [str(one.ref), *(f"  {key + ':':<10}{value}" for key, value in facts.items() if value)]
    for event in events:
        times = f" ({event.count} times)" if event.count > 1 else ""
        lines.append(f"  event:    {event.at} {event.reason}{times}: {event.message}")
    return lines
