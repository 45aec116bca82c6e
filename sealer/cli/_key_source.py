"""Where a command's sealing keys come from, and who may read a backup: files, or the cluster."""

from __future__ import annotations

from collections.abc import Sequence

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


def _passphrase(path: str | None) -> str:
    return read_bytes(path).decode(errors="replace").rstrip("\r\n") if path else ""
