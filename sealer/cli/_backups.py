"""What commands on sealing keys share about backups: whether, what and where they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sealer.cli import _ui
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.cluster.keysecrets import StoredKey
    from sealer.keys.pair import KeyPair
    from sealer.rotation.signature import PrivateKey


def refuse_older_backup(file: str) -> None:
    """UsageError where something is there: perhaps the only backup of keys that are gone."""
    from sealer.files.text import exists

    if file != "-" and exists(file):
        raise UsageError(f"{file} is there already", hint="another name, or --force")


def write_backup(
    file: str, keys: list[StoredKey], wanted: Any, namespace: str, signer: PrivateKey | None = None
) -> int:
    """Write the backup file, readable by its owner only; return how many keys are in it."""
    from sealer.errors import KeyFileError
    from sealer.files.atomic import write_atomic
    from sealer.rotation.backup import encrypt, portable
    from sealer.secret import Secret

    # A backup has no owner references: restored, such a key would be taken.
    keys = [key for key in keys if not key.refused]
    if not keys:
        raise KeyFileError(f"there is no sealing key in {namespace} to back up")
    certificate = wanted.certificate
    if certificate and any(key.pair and key.pair.fits(certificate) for key in keys):
        raise KeyFileError(
            "the backup would open with a key that is only inside of it",
            hint="make a key that is kept elsewhere (seal keygen), and name its certificate",
        )
    secrets = [
        portable(
            Secret.from_dict({**key.manifest, "apiVersion": "v1", "kind": "Secret"}), namespace
        )
        for key in keys
    ]
    data = encrypt(secrets, wanted)
    if file == "-":
        _ui.emit(data)
    else:
        write_atomic(file, [data], private=True)
    if signer is not None:
        from sealer.rotation.signature import SUFFIX, sign

        write_atomic(file + SUFFIX, [sign(data, signer)])
    return len(secrets)


def chosen_of(pairs: list[KeyPair], beginning: str | None) -> str:
    """The whole fingerprint of the one key that --seal-with names; empty without the option."""
    from sealer.errors import KeyFileError

    if beginning is None:
        return ""
    found = {pair.fingerprint for pair in pairs if pair.fingerprint.startswith(beginning.lower())}
    if len(beginning) < 6 or len(found) != 1:
        raise KeyFileError(
            f"--seal-with {beginning}: not the fingerprint of one key in the backup",
            hint="--dry-run prints them",
        )
    return found.pop()
