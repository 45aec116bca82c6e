"""Signatures of backups, with the real ssh-keygen as the witness in both directions."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sealer.errors import KeyFileError
from sealer.rotation.signature import (
    NAMESPACE,
    fingerprint,
    read_public_keys,
    read_signer,
    sign,
    verify,
)
from tests.testbed.fixtures import need_program

BACKUP = b"-----BEGIN AGE ENCRYPTED FILE-----\nwhatever\n"


@pytest.fixture(params=["ed25519", "rsa"])
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A key of ssh-keygen's, its public half beside it."""
    need_program("ssh-keygen")
    path = tmp_path / "id"
    keygen("-t", request.param, "-N", "", "-C", "alice", "-f", str(path))
    return path


def keygen(*arguments: str, data: bytes = b"") -> bytes:
    command = (shutil.which("ssh-keygen") or "ssh-keygen", *arguments)
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def test_ssh_keygen_takes_our_signature(key: Path, tmp_path: Path) -> None:
    made = tmp_path / "keys.age.sig"
    made.write_bytes(sign(BACKUP, read_signer(key.read_bytes())))
    allowed = tmp_path / "allowed"
    allowed.write_text(f"alice {key.with_suffix('.pub').read_text()}")
    who = ("-f", str(allowed), "-I", "alice", "-n", NAMESPACE, "-s", str(made))
    assert b"Good" in keygen("-Y", "verify", *who, data=BACKUP)


def test_we_take_the_signature_of_ssh_keygen_and_of_nobody_else(key: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.age"
    file.write_bytes(BACKUP)
    keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(file))
    signature = (tmp_path / "keys.age.sig").read_bytes()
    signers = read_public_keys(key.with_suffix(".pub").read_text())
    found = verify(BACKUP, signature, signers)
    assert fingerprint(found) in keygen("-l", "-f", str(key)).decode()
    with pytest.raises(KeyFileError, match="not one of this backup"):
        verify(BACKUP + b" ", signature, signers)
    other = tmp_path / "other"
    keygen("-t", "ed25519", "-N", "", "-f", str(other))
    with pytest.raises(KeyFileError, match=r"signed by another key: SHA256:"):
        verify(BACKUP, signature, read_public_keys(other.with_suffix(".pub").read_text()))


def test_a_signature_of_something_else_is_none_of_a_backup(key: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.age"
    file.write_bytes(BACKUP)
    keygen("-Y", "sign", "-n", "git", "-f", str(key), str(file))
    signers = read_public_keys(key.with_suffix(".pub").read_text())
    with pytest.raises(KeyFileError, match="not made for a backup"):
        verify(BACKUP, (tmp_path / "keys.age.sig").read_bytes(), signers)


def test_no_byte_of_a_signature_may_be_another(key: Path) -> None:
    signature = sign(BACKUP, read_signer(key.read_bytes()))
    signers = read_public_keys(key.with_suffix(".pub").read_text())
    lines = signature.splitlines(keepends=True)
    body = len(lines[0])
    for at in range(body, len(signature) - len(lines[-1]), 7):
        changed = bytearray(signature)
        changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
        with pytest.raises(KeyFileError):
            verify(BACKUP, bytes(changed), signers)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-----BEGIN SSH SIGNATURE-----", id="cut"),
        pytest.param(
            b"-----BEGIN SSH SIGNATURE-----\n?\n-----END SSH SIGNATURE-----\n", id="no-base64"
        ),
        pytest.param(
            b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8=\n-----END SSH SIGNATURE-----\n",
            id="longer-than-it-is",
        ),
        pytest.param(
            b"-----BEGIN SSH SIGNATURE-----\n" + b"A" * 100_000 + b"\n-----END SSH SIGNATURE-----",
            id="large",
        ),
    ],
)
def test_what_is_no_signature_is_refused(text: bytes) -> None:
    with pytest.raises(KeyFileError):
        verify(BACKUP, text, [])


@pytest.mark.parametrize("text", ["", "# ssh-ed25519 AAAA", "ssh-ed25519 AAAA", "ecdsa x"])
def test_what_holds_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError, match="no ssh-ed25519 or ssh-rsa"):
        read_public_keys(text)


def test_a_key_with_a_passphrase_is_left_to_ssh_keygen(tmp_path: Path) -> None:
    need_program("ssh-keygen")
    keygen("-t", "ed25519", "-N", "correct horse", "-f", str(tmp_path / "id"))
    with pytest.raises(KeyFileError, match="passphrase") as caught:
        read_signer((tmp_path / "id").read_bytes())
    assert "ssh-keygen -Y sign" in str(caught.value.hint)
