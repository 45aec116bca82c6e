"""``seal rotate``: a new sealing key in the cluster now, and everything sealed again for it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.encoding import counted
from sealer.errors import KeyFileError, SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cli._certificates import Certificates
    from sealer.cluster.controller import Controller
    from sealer.cluster.keysecrets import KeyStore, StoredKey
    from sealer.cluster.location import Location
    from sealer.keys.pair import KeyPair

EPILOG = """\b
Examples:
  seal rotate --dry-run
  seal rotate --backup keys.age --to age1... --reseal apps --reseal clusters/prod
"""
_DEFAULT_PREFIX = "sealed-secrets-key"
_MAX_SKEW = timedelta(minutes=5)
_POLL_SECONDS = 0.25


@click.command(name="rotate", epilog=EPILOG)
@click.option("--reseal", multiple=True, metavar="PATH", help="Re-encrypt this tree; repeatable.")
@click.option("--backup", "backup_file", metavar="FILE", help="Back up all keys to FILE first.")
@click.option("--force", is_flag=True, help="Overwrite the --backup FILE if it is there.")
@options.backup_recipients
@options.sign_with
@click.option("--bits", type=click.IntRange(2048, 16384), help="Key size; as the newest key's.")
@click.option("--days", type=click.IntRange(1, 36500), help="Validity; as the newest key's.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait for it.")
@click.option("--dry-run", is_flag=True, help="Tell what would happen; change nothing.")
@options.controller
@options.namespace
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    reseal: tuple[str, ...],
    backup_file: str | None,
    force: bool,
    to: tuple[str, ...],
    passphrase_file: str | None,
    sign_with: str | None,
    bits: int | None,
    days: int | None,
    timeout: float,
    dry_run: bool,
    location: Location,
    namespace: str,
) -> None:
    """Make a new sealing key in the cluster and wait until the controller serves it.

    The key Secret is made through the Kubernetes API with your own rights, as the controller
    would make it. Old keys stay, and go on unsealing. Prints the old and the new fingerprint.
    With --reseal the controller then seals every SealedSecret of a tree again; no private key
    leaves the cluster for that.
    """
    from sealer.cli._backups import refuse_older_backup, write_backup
    from sealer.cli._certificates import CLUSTER, Certificates, Wanted, judged, source_of
    from sealer.cli._key_source import recipients, signer_of, store_of
    from sealer.cluster.controller import Controller, NoCertificateError
    from sealer.cluster.keysecrets import newest

    if (to or passphrase_file or sign_with) and not backup_file:
        raise UsageError("--to, --passphrase-file and --sign-with are about the --backup FILE")
    wanted = None
    if backup_file:
        if not force:
            refuse_older_backup(backup_file)
        wanted = recipients(to, passphrase_file, ask=_ui.stdin_is_terminal() and not dry_run)
        wanted.check()
    signer = signer_of(sign_with)
    store = store_of(location)
    keys = store.read()
    # Before a key is made that nobody might serve: is there a controller to serve it?
    controller = Controller.at(location)
    with suppress(NoCertificateError):
        controller.certificate()
    old = newest(keys)
    old_name = old.fingerprint if old else "-"
    if dry_run:
        _tell(ui, store, old, len(keys), backup_file, reseal)
        return
    if backup_file and keys:
        write_backup(backup_file, keys, wanted, store.namespace, signer)
    pair = _new_pair(old, bits, days, datetime.now(UTC))
    # Our controller tells of keys that it does not know of.
    store.let_seal(pair.fingerprint)
    name = store.create(_manifest(pair, old, store))
    ui.note(f"made Secret {store.namespace}/{name}; waiting until the controller serves it")
    if backup_file:
        # The new key is in it, too, before anything is sealed for it.
        count = write_backup(backup_file, store.read(), wanted, store.namespace, signer)
        ui.note(f"{backup_file}: {counted(count, 'key')}")
    _wait(controller, pair, f"{location.namespace}/{name}", timeout)
    _ui.emit_fields("old", old_name)
    _ui.emit_fields("new", pair.fingerprint)
    # Whoever made the key need not be asked whether it is the right one.
    made = Wanted(fingerprints=(pair.fingerprint,))
    judged(source_of(CLUSTER, location), made, ui)
    if reseal:
        own = frozenset(key.fingerprint for key in keys if key.fingerprint)
        _reseal(ui, reseal, Certificates(made, location, ui), own, namespace)


def _reseal(
    ui: UI,
    paths: tuple[str, ...],
    certificates: Certificates,
    own: frozenset[str],
    namespace: str,
) -> None:
    from sealer.rotation.renewal import ByController
    from sealer.rotation.reseal_files import reseal_files

    renewals = ByController(certificates, own)
    outcome = reseal_files(ui, paths, renewals, namespace=namespace)
    ui.note(f"{counted(outcome.changed, 'file')} changed, {outcome.unchanged} left as they are")
    ui.finish(outcome.errors)


def _tell(
    ui: UI,
    store: KeyStore,
    old: StoredKey | None,
    count: int,
    backup_file: str | None,
    reseal: tuple[str, ...],
) -> None:
    from sealer.rotation.found import found_in_files

    if backup_file:
        ui.note(f"would back up {counted(count, 'key')} to {backup_file}")
    replaced = f" in place of {old.name}" if old else ""
    ui.note(f"would make a key Secret in {store.namespace}{replaced}")
    errors: list[SealerError] = []
    if reseal:
        found = sum(1 for _ in found_in_files(ui, reseal, errors))
        ui.note(f"would re-encrypt {counted(found, 'SealedSecret')} below {', '.join(reseal)}")
    _ui.emit(f"old\t{old.fingerprint if old else '-'}\n")
    ui.finish(errors)


def _new_pair(old: StoredKey | None, bits: int | None, days: int | None, now: datetime) -> KeyPair:
    """A key like the newest one, and newer than that to the second: the order is by NotBefore."""
    from sealer.keys.pair import generate

    known = old.pair.certificate if old and old.pair else None
    start, validity = now, timedelta(days=3650)
    if known:
        validity = known.not_after - known.not_before
        start = max(now, known.not_before + timedelta(seconds=1))
        bits = bits or known.bits
        if start - now > _MAX_SKEW:
            raise KeyFileError(
                f"the newest key is dated {known.not_before:%Y-%m-%d %H:%M} UTC, after now",
                hint="check this machine's clock and the controller's",
            )
    if days:
        validity = timedelta(days=days)
    common_name = known.subject.removeprefix("CN=") if known else ""
    return generate(now=start, validity=validity, common_name=common_name, bits=bits or 4096)


def _manifest(pair: KeyPair, old: StoredKey | None, store: KeyStore) -> dict[str, Any]:
    from sealer.keys.keyfile import key_secret

    metadata = old.manifest["metadata"] if old else {}
    prefix = metadata.get("generateName") or _DEFAULT_PREFIX
    return key_secret(pair, prefix=prefix, namespace=store.namespace)


def _wait(controller: Controller, pair: KeyPair, name: str, timeout: float) -> None:
    from sealer.cluster.answer import ClusterError
    from sealer.keys.certificate import Certificate

    deadline = time.monotonic() + timeout
    problem = "it serves another key"
    while True:
        try:
            served = Certificate.from_pem(controller.certificate())
            if served.fingerprint == pair.fingerprint:
                return
        except (ClusterError, KeyFileError) as error:
            problem = error.message
        if time.monotonic() > deadline:
            raise ClusterError(
                f"Secret {name} is made, and after {timeout:.0f} s the controller does not serve "
                f"it: {problem}",
                hint="Bitnami's controller reads its keys when it starts: restart it; to take the "
                f"key away again: seal keys retire {name.partition('/')[2]} --force --delete",
            )
        time.sleep(_POLL_SECONDS)
