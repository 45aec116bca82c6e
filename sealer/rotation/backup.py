"""Sealing keys in a file that only its recipient can read; there is no form in clear.

Two forms. For an age or SSH recipient, or a passphrase: an age file (armored) around the key
Secrets as YAML. For an RSA certificate: the key Secrets sealed as SealedSecrets, so that
`seal unseal` and kubeseal's recovery open them, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sealer.errors import KeyFileError, ManyErrors, SealerError, UsageError
from sealer.keys.certificate import Certificate
from sealer.keys.record import ONLY_UNSEALS, TRUSTED
from sealer.keys.ring import KeyRing
from sealer.manifest import read_documents, to_yaml
from sealer.sealed import KIND, SealedSecret
from sealer.sealing import seal
from sealer.secret import Secret
from sealer.unsealing import unseal

_AGE_HEADS = (b"-----BEGIN AGE ENCRYPTED FILE-----", b"age-encryption.org/")
_NOT_OPENED = "the backup does not open with this"


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who can read a backup: exactly one of the three."""

    age: tuple[str, ...] = ()
    """``age1...`` and ``ssh-...`` lines."""
    certificate: Certificate | None = None
    passphrase: str = field(default="", repr=False)

    def check(self) -> None:
        """Raise UsageError unless exactly one kind is asked for."""
        kinds = sum(map(bool, (self.age, self.certificate, self.passphrase)))
        if kinds != 1:
            raise UsageError(
                "a backup is for one kind of recipient, and never in clear",
                hint="give --to age1..., --to CERTIFICATE.pem, or a passphrase",
            )


@dataclass(frozen=True, slots=True)
class Openers:
    """What may open a backup."""

    ring: KeyRing = field(default_factory=lambda: KeyRing(()))
    age: tuple[str, ...] = field(default=(), repr=False)
    """Identities: ``AGE-SECRET-KEY-...`` lines, or an SSH private key as PEM."""
    passphrase: str = field(default="", repr=False)


def encrypt(secrets: Sequence[Secret], recipients: Recipients) -> bytes:
    """Return the backup file of these key Secrets.

    Raises UsageError for recipients that exclude each other, KeyFileError for one that is none.
    """
    recipients.check()
    if recipients.certificate is not None:
        sealed = [seal(one, recipients.certificate).to_dict() for one in secrets]
        return to_yaml(_list_of(sealed)).encode()
    clear = to_yaml(_list_of([one.to_dict() for one in secrets])).encode()
    pyrage = _pyrage()
    if recipients.passphrase:
        encrypted: bytes = pyrage.passphrase.encrypt(clear, recipients.passphrase, armored=True)
        return encrypted
    parsed = [_recipient(pyrage, line) for line in recipients.age]
    for_them: bytes = pyrage.encrypt(clear, parsed, armored=True)
    return for_them


def needs_passphrase(backup: bytes) -> bool:
    """Whether it is an age file whose recipient is a passphrase (scrypt)."""
    import base64
    import binascii

    head = backup.lstrip()
    if head.startswith(_AGE_HEADS[0]):
        try:
            head = base64.b64decode(b"".join(head.split(b"-----")[2].split())[:400])
        except (binascii.Error, IndexError):
            return False
    return head.startswith(_AGE_HEADS[1]) and b"\n-> scrypt " in head[:400]


def decrypt(backup: bytes, openers: Openers, source: str) -> list[Secret]:
    """Return the key Secrets of a backup file; key Secrets as kubectl prints them are taken too.

    Raises KeyFileError where nothing opens it, ManyErrors for what is wrong inside.
    """
    if backup.lstrip().startswith(_AGE_HEADS):
        backup = _open_age(backup, openers)
    secrets: list[Secret] = []
    errors: list[SealerError] = []
    try:
        text = backup.decode()
    except UnicodeDecodeError:
        raise KeyFileError(f"{source}: no backup that this program makes") from None
    for document in read_documents(text, source):
        if document.is_empty:
            continue
        for resource in document.resources():
            try:
                if resource.kind == KIND:
                    sealed = SealedSecret.from_dict(resource.value)
                    secrets.append(unseal(sealed, openers.ring))
                else:
                    secrets.append(Secret.from_dict(resource.value))
            except SealerError as error:
                errors.append(resource.locate(error))
    if errors:
        raise ManyErrors(errors)
    if not secrets:
        raise KeyFileError(f"{source}: there is no key in it")
    return secrets


def portable(secret: Secret, namespace: str) -> Secret:
    """A key Secret for another cluster: in this namespace, without what the old one put there."""
    metadata = {key: value for key, value in secret.metadata.items() if key != "generateName"}
    return replace(secret, namespace=namespace, metadata=metadata)


def restored(secret: Secret, namespace: str, *, seals: bool) -> Secret:
    """A key Secret out of a backup: unless it ``seals``, a controller only unseals with it."""
    made = portable(secret, namespace)
    annotations = {
        name: value
        for name, value in made.annotations.items()
        if name not in (ONLY_UNSEALS, TRUSTED)
    }
    if not seals:
        annotations[ONLY_UNSEALS] = "true"
    metadata = {name: value for name, value in made.metadata.items() if name != "annotations"}
    return replace(
        made, metadata={**metadata, **({"annotations": annotations} if annotations else {})}
    )


def _list_of(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _open_age(backup: bytes, openers: Openers) -> bytes:
    pyrage = _pyrage()
    try:
        if needs_passphrase(backup):
            if not openers.passphrase:
                raise KeyFileError("the backup is protected by a passphrase")
            clear: bytes = pyrage.passphrase.decrypt(backup, openers.passphrase)
            return clear
        identities = [_identity(pyrage, text) for text in openers.age]
        if not identities:
            raise KeyFileError("the backup is for an age recipient", hint="give --identity FILE")
        clear = pyrage.decrypt(backup, identities)
    except pyrage.DecryptError:
        raise KeyFileError(_NOT_OPENED + " identity or passphrase") from None
    return clear


def _recipient(pyrage: Any, line: str) -> Any:
    kind = pyrage.ssh if line.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(line)
    except (pyrage.RecipientError, ValueError):
        raise KeyFileError(
            "this is no age recipient", hint="it begins with age1, ssh-ed25519 or ssh-rsa"
        ) from None


def _identity(pyrage: Any, text: str) -> Any:
    try:
        if "PRIVATE KEY-----" in text:
            return pyrage.ssh.Identity.from_buffer(text.encode())
        return pyrage.x25519.Identity.from_str(text)
    except (pyrage.IdentityError, ValueError):
        raise KeyFileError("this is no age identity") from None


def _pyrage() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped]
    except ImportError:
        raise KeyFileError(
            "age recipients and passphrases need the extra package pyrage",
            hint="pip install 'sealer[age]', or back up to a PEM certificate",
        ) from None
    return pyrage
