"""Where a command's sealing keys come from, and who may read a backup: files, or the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cluster.apiserver import ApiServer
from sealer.cluster.keysecrets import KeyStore
from sealer.cluster.location import Location
from sealer.errors import KeyFileError
from sealer.files.text import read_bytes, read_text
from sealer.keys.certificate import Certificate
from sealer.keys.ring import KeyRing
from sealer.rotation.backup import Openers, Recipients

if TYPE_CHECKING:
    from sealer.rotation.signature import PrivateKey


def store_of(location: Location) -> KeyStore:
    """The key Secrets of the controller's namespace, by the Kubernetes API."""
    return KeyStore(ApiServer(location), location.namespace)


def recipients(to: Sequence[str], passphrase_file: str | None, *, ask: bool) -> Recipients:
    """Read --to and the passphrase: age recipients, files of them, or a certificate."""
    lines: list[str] = []
    certificate: Certificate | None = None
    for word in to:
        if word.startswith(("age1", "ssh-")):
            lines.append(word)
            continue
        text, _ = read_text(word)
        if "-----BEGIN" in text:
            if certificate is not None:
                raise KeyFileError("a backup is for one certificate", hint="make two backups")
            try:
                certificate = Certificate.from_pem(text.encode())
            except KeyFileError as error:
                raise KeyFileError(f"{word}: {error.message}", hint=error.hint) from None
        else:
            lines += [
                line.strip() for line in text.splitlines() if line.strip()[:1] not in ("", "#")
            ]
    passphrase = _passphrase(passphrase_file)
    if not (lines or certificate or passphrase) and ask:
        passphrase = _ui.ask_hidden("passphrase for the backup", twice=True)
    return Recipients(tuple(lines), certificate, passphrase)


def openers(
    keys: tuple[str, ...], identities: Sequence[str], passphrase_file: str | None, *, ask: bool
) -> Openers:
    """Read what may open a backup."""
    texts: list[str] = []
    for path in identities:
        text, _ = read_text(path)
        if "PRIVATE KEY-----" in text:
            texts.append(text)
        else:
            texts += [line.strip() for line in text.splitlines() if line.startswith("AGE-SECRET")]
    passphrase = _passphrase(passphrase_file)
    if ask and not passphrase:
        passphrase = _ui.ask_hidden("passphrase of the backup")
    ring = options.load_ring(keys) if keys else KeyRing(())
    return Openers(ring, tuple(texts), passphrase)


def signer_of(path: str | None) -> PrivateKey | None:
    """Read --sign-with."""
    from sealer.rotation.signature import read_signer

    if path is None:
        return None
    try:
        return read_signer(read_bytes(path))
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error.message}", hint=error.hint) from None


def check_signature(file: str, backup: bytes, signed_by: Sequence[str]) -> str:
    """Return the fingerprint of the one of --signed-by who signed this backup; KeyFileError."""
    from sealer.rotation.signature import SUFFIX, fingerprint, read_public_keys, verify

    keys = []
    for word in signed_by:
        text = word if word.startswith("ssh-") else read_text(word)[0]
        try:
            keys += read_public_keys(text)
        except KeyFileError as error:
            raise KeyFileError(f"--signed-by {word}: {error.message}") from None
    try:
        return fingerprint(verify(backup, read_bytes(file + SUFFIX), keys))
    except KeyFileError as error:
        raise KeyFileError(f"{file}{SUFFIX}: {error.message}", hint=error.hint) from None


def _passphrase(path: str | None) -> str:
    return read_bytes(path).decode(errors="replace").rstrip("\r\n") if path else ""
