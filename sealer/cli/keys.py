"""``seal keys``: the sealing keys of a cluster, for those who may read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.encoding import counted
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cluster.keysecrets import StoredKey
    from sealer.cluster.location import Location

EPILOG = """\b
Examples:
  seal keys list
  seal keys backup keys.age --to age1...
  seal keys restore keys.age --identity key.txt
  seal keys trust 3f5c01d2
  seal keys usage apps clusters
  seal keys retire 3f5c01d2 apps clusters
  seal keys retire --unused apps clusters --dry-run
"""
_F = TypeVar("_F", bound=Callable[..., Any])


@click.group(name="keys", epilog=EPILOG)
def command() -> None:
    """List, back up, restore and retire the sealing keys of a cluster, and tell who needs them.

    These commands read key Secrets through the Kubernetes API with your own rights. Keys are
    found in the namespace of --controller-namespace.
    """


def _as_json(function: _F) -> _F:
    kinds = click.Choice(("text", "json"))
    return click.option("-o", "--format", "form", type=kinds, default="text", show_default=True)(
        function
    )


@command.command(name="list")
@_as_json
@options.controller
@options.words
@click.pass_obj
def list_keys(ui: UI, /, form: str, location: Location) -> None:
    """Print every key: name, state, validity, size, fingerprint; the newest first.

    States: current (seals, and unseals), active (unseals), unseals (and is handed out only after
    `seal keys trust`: it was restored, or came from outside), retired (neither, until it is put
    back), expired (unseals all the same), damaged, refused (a SealedSecret or KeyVaultSecret
    fills it, so that the controller does not take it, and neither does a backup).
    """
    from sealer.cli._key_source import store_of
    from sealer.cluster.keysecrets import newest

    keys = store_of(location).read()
    current = newest(keys)
    rows = [_row(key, key is current, datetime.now(UTC)) for key in keys]
    if form == "json":
        _ui.emit(json.dumps(rows, indent=2) + "\n")
        return
    for row in rows:
        _ui.emit_fields(*row.values())
    if not rows:
        ui.note(f"there is no sealing key in {location.namespace}")


def _row(key: StoredKey, current: bool, now: datetime) -> dict[str, Any]:
    from sealer.keys.custody import ACTIVE

    certificate = key.pair.certificate if key.pair else None
    state = key.state
    if key.pair is None:
        state = "refused" if key.refused else "damaged"
    elif current:
        state = "current"
    elif key.only_unseals and state == ACTIVE:
        state = "unseals"
    elif certificate and certificate.not_after < now and state == ACTIVE:
        state = "expired"
    return {
        "name": key.name,
        "state": state,
        "notBefore": f"{certificate.not_before:%Y-%m-%d}" if certificate else "-",
        "notAfter": f"{certificate.not_after:%Y-%m-%d}" if certificate else "-",
        "days": (now - certificate.not_before).days if certificate else -1,
        "bits": certificate.bits if certificate else 0,
        "fingerprint": key.fingerprint or "-",
    }


@command.command()
@click.argument("file", type=options.FILE, metavar="FILE")
@options.backup_recipients
@options.sign_with
@click.option("--force", is_flag=True, help="Overwrite FILE if it is there.")
@options.controller
@options.words
@click.pass_obj
def backup(
    ui: UI,
    /,
    file: str,
    to: tuple[str, ...],
    passphrase_file: str | None,
    sign_with: str | None,
    force: bool,
    location: Location,
) -> None:
    """Write every key, retired ones too, to FILE, encrypted for --to or with a passphrase.

    A backup for age or with a passphrase is an age file. One for a certificate holds the keys
    as SealedSecrets: `seal unseal --key` and kubeseal's recovery open it, too. It cannot be one of
    the certificates that are backed up, whose only key would lie inside.

    Anybody can encrypt a file for you. --sign-with says who did, as `ssh-keygen -Y sign` would.
    """
    from sealer.cli._backups import refuse_older_backup, write_backup
    from sealer.cli._key_source import recipients, signer_of, store_of

    if sign_with and file == "-":
        raise UsageError("--sign-with needs a FILE, beside which the signature is written")
    if not force:
        refuse_older_backup(file)
    signer = signer_of(sign_with)
    wanted = recipients(to, passphrase_file, ask=_ui.stdin_is_terminal())
    wanted.check()
    store = store_of(location)
    keys = store.read()
    for key in keys:
        if key.refused:
            ui.warn(f"{key.name} is left out: {key.problem}")
    count = write_backup(file, keys, wanted, store.namespace, signer)
    ui.note(f"{file}: {counted(count, 'key')}")


@command.command()
@click.argument("file", type=options.FILE, metavar="FILE")
@options.keys(required=False)
@click.option("--identity", "identities", multiple=True, metavar="FILE", help="age identity.")
@click.option("--passphrase-file", metavar="FILE", help="The backup's passphrase.")
@click.option(
    "--signed-by",
    "signed_by",
    multiple=True,
    metavar="KEY",
    help="SSH public key, or a file of such, that must have signed FILE; repeatable.",
)
@click.option(
    "--seal-with",
    "seal_with",
    metavar="FINGERPRINT",
    help="The one restored key that may be handed out to seal for.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be made, and make nothing.")
@options.controller
@options.words
@click.pass_obj
def restore(
    ui: UI,
    /,
    file: str,
    keys: tuple[str, ...],
    identities: tuple[str, ...],
    passphrase_file: str | None,
    signed_by: tuple[str, ...],
    seal_with: str | None,
    dry_run: bool,
    location: Location,
) -> None:
    """Make the key Secrets of the backup FILE in the cluster; those that are there are left alone.

    Restored keys unseal, and our controller hands none of them out to seal for: whoever can write
    where backups are kept could have put his own among them. --seal-with names the one that may,
    and so does `seal keys trust` later. With --signed-by nothing is made unless FILE.sig is a
    signature of FILE by that key. Our controller takes the keys at once; Bitnami's must be
    restarted, and seals with the newest of all.
    """
    from sealer.cli._backups import chosen_of
    from sealer.cli._key_source import check_signature, openers, store_of
    from sealer.files.text import read_bytes
    from sealer.keys.keyfile import key_pair_of
    from sealer.rotation.backup import decrypt, needs_passphrase, restored

    data = read_bytes(file)
    if signed_by:
        ui.note(f"{file}: signed by {check_signature(file, data, signed_by)}")
    else:
        ui.warn(f"{file}: not checked who made it; see --signed-by, and compare the fingerprints")
    ask = needs_passphrase(data) and _ui.stdin_is_terminal()
    secrets = decrypt(data, openers(keys, identities, passphrase_file, ask=ask), file)
    pairs = [key_pair_of(secret) for secret in secrets]
    chosen = chosen_of(pairs, seal_with)
    store = store_of(location)
    there = {key.fingerprint for key in store.read() if key.fingerprint}
    if chosen and not dry_run:
        store.let_seal(chosen)
    for secret, pair in zip(secrets, pairs, strict=True):
        if pair.fingerprint and pair.fingerprint in there:
            ui.note(f"{secret.name}: {pair.fingerprint} is there already")
            continue
        name = secret.name
        if not dry_run:
            seals = bool(chosen) and pair.fingerprint == chosen
            name = store.create(restored(secret, store.namespace, seals=seals).to_dict())
        _ui.emit_fields(name, pair.fingerprint or "-")


@command.command()
@click.argument("key", metavar="KEY")
@options.controller
@options.words
@click.pass_obj
def trust(ui: UI, /, key: str, location: Location) -> None:
    """Let our controller hand out KEY (a name, or the beginning of a fingerprint) to seal for.

    Keys that were restored only unseal, and with --adopted-keys=unseal so does each key that the
    controller did not make. It is handed out while it is the newest of those that may seal.
    """
    from datetime import UTC, datetime

    from sealer.cli._key_source import store_of
    from sealer.cluster.keysecrets import find
    from sealer.errors import KeyFileError
    from sealer.keys.record import ONLY_UNSEALS, TRUSTED

    store = store_of(location)
    chosen = find(store.read(), key)
    if not chosen.fingerprint:
        raise KeyFileError(f"{chosen.name} cannot seal: {chosen.problem or 'no certificate'}")
    store.let_seal(chosen.fingerprint)
    # The controller looks at the keys that change.
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    store.annotate(chosen.name, {ONLY_UNSEALS: None, TRUSTED: moment})
    _ui.emit_fields(chosen.name, chosen.fingerprint, "trusted")


@command.command(cls=FileCommand)
@click.argument("paths", nargs=-1, type=options.FILE, metavar="[PATH]...")
@click.option("--cluster", is_flag=True, help="Look at the cluster's SealedSecrets as well.")
@options.keys(required=False)
@options.namespace
@_as_json
@options.controller
@options.words
@click.pass_obj
def usage(
    ui: UI,
    /,
    paths: tuple[str, ...],
    cluster: bool,
    keys: tuple[str, ...],
    namespace: str,
    form: str,
    location: Location,
) -> None:
    """Print which key each SealedSecret needs: those of PATHs, or without any the cluster's.

    Proven by opening them, with the private keys of --key or of the cluster. A line is
    fingerprint, place, name, and the items that need that key.
    """
    from sealer.cli._key_source import store_of
    from sealer.cluster.keysecrets import ring_of
    from sealer.rotation.found import needs_in

    ring = options.load_ring(keys) if keys else ring_of(store_of(location).read())
    server = location if cluster or not paths else None
    found, errors = needs_in(ui, paths, server, ring, namespace=namespace)
    if form == "json":
        rows = [
            {
                "fingerprint": need.fingerprint,
                "key": need.key_name,
                "where": need.where,
                "name": need.title,
                "items": list(need.items),
            }
            for need in found
        ]
        _ui.emit(json.dumps(rows, indent=2) + "\n")
    else:
        for need in found:
            key = need.fingerprint or need.key_name
            _ui.emit_fields(key, need.where, need.title, ",".join(need.items))
    ui.finish(errors)


@command.command(cls=FileCommand)
@click.argument("key", metavar="[KEY]", default="")
@click.argument("paths", nargs=-1, type=options.FILE, metavar="[PATH]...")
@click.option("--unused", is_flag=True, help="Every key that nothing needs; there is no KEY then.")
@click.option("--dry-run", is_flag=True, help="Only show which it would be.")
@click.option("--force", is_flag=True, help="Retire it although it is needed.")
@click.option("--delete", is_flag=True, help="Delete the key Secret for good.")
@click.option("--undo", is_flag=True, help="Put a retired key back.")
@options.namespace
@options.controller
@options.words
@click.pass_obj
def retire(
    ui: UI,
    /,
    key: str,
    paths: tuple[str, ...],
    unused: bool,
    dry_run: bool,
    force: bool,
    delete: bool,
    undo: bool,
    namespace: str,
    location: Location,
) -> None:
    """Take KEY (a name, or the beginning of a fingerprint) away from the controllers.

    Refused while a SealedSecret in the cluster or in PATHs needs it, and for the key that seals
    now. The key Secret stays, with the label's value "retired": --undo puts it back, and backups
    hold it. Give every tree of the cluster as PATH: what is not looked at is not known.
    Bitnami's controller goes on using it until it is restarted.
    With --unused it is every key but the one that seals now that none of them needs.
    """
    from sealer.cli._key_source import store_of
    from sealer.cluster.keysecrets import RETIRED, find, ring_of
    from sealer.keys.custody import ACTIVE
    from sealer.rotation.found import needs_in

    if undo and (delete or force or paths or unused):
        raise UsageError("--undo cannot be combined with --delete, --force, --unused or PATHs")
    store = store_of(location)
    if unused:
        from sealer.cli._retiring import check_paths, retire_unused

        paths = (key, *paths) if key else paths
        check_paths(paths, force=force)
        ring = ring_of(store.read())
        found, errors = needs_in(ui, paths, location, ring, namespace=namespace)
        retire_unused(ui, location, found, errors, delete=delete, dry_run=dry_run)
        return
    if not key:
        raise UsageError("which key?", hint="name one, as seal keys list shows them, or --unused")
    keys = store.read()
    chosen = find(keys, key)
    if undo:
        store.label(chosen.name, ACTIVE)
        ui.note(f"{chosen.name}: active again")
        return
    reasons = _reasons_against(ui, chosen, keys, paths, location, namespace)
    if reasons and not force:
        ui.finish(reasons)
    for reason in reasons:
        ui.warn(reason.message)
    if delete and not dry_run:
        store.delete(chosen.name)
    elif not dry_run:
        store.label(chosen.name, RETIRED)
    state = "unused" if dry_run else "deleted" if delete else RETIRED
    _ui.emit_fields(chosen.name, chosen.fingerprint or "-", state)


def _reasons_against(
    ui: UI,
    chosen: StoredKey,
    keys: list[StoredKey],
    paths: tuple[str, ...],
    location: Location,
    namespace: str,
) -> list[SealerError]:
    from sealer.cluster.keysecrets import newest, ring_of
    from sealer.keys.custody import ACTIVE
    from sealer.rotation.found import needs_in
    from sealer.rotation.usage import UnopenedError

    hint = "re-encrypt it first (seal reencrypt, seal rotate --reseal), or use --force"
    if chosen is newest(keys):
        return [SealerError(f"{chosen.name} is the key that seals now", hint="seal rotate first")]
    others = {key.fingerprint for key in keys if key is not chosen and key.state == ACTIVE}
    if chosen.fingerprint and chosen.fingerprint in others:
        return []
    found, errors = needs_in(ui, paths, location, ring_of(keys), namespace=namespace)
    reasons: list[SealerError] = [
        SealerError(f"{need.where}: {need.title} needs it: {', '.join(need.items)}", hint=hint)
        for need in found
        if chosen.pair and need.fingerprint == chosen.pair.fingerprint
        if need.fingerprint or need.key_name == chosen.name
    ]
    # What no key opens needs none of these; what could not even be read may need any.
    return reasons + [error for error in errors if not isinstance(error, UnopenedError)]
