"""What the vectors are made with: keys, the real kubeseal, and changes to what it sealed."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import sealing_keys
from tests.testbed import binaries
from tests.vectors.vector import HERE, Vector

SIZES = (1024, 2048, 3072, 4096)
DATA: dict[str, bytes] = {"password": b"correct horse", "user": b"app"}
STRICT: dict[str, Any] = {"name": "db", "namespace": "prod"}
Change = Callable[[dict[str, Any]], None]


class Workshop:
    """Keys in files, and the real kubeseal to seal and to judge with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeseal = str(binaries.path("kubeseal"))
        keys = {str(bits): sealing_keys.rsa_key(bits) for bits in SIZES}
        keys["other"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # sealing_keys keeps one key a size; the newest of a ring is to be another one.
        for name, key in keys.items():
            self._write_key(name, key)
        self._write_rings(keys)

    def _write_key(self, name: str, key: rsa.RSAPrivateKey) -> None:
        certificate = sealing_keys.certificate_pem(
            key,
            start=datetime(2026, 1, 1, tzinfo=UTC),
            end=datetime.now(UTC) + timedelta(days=36500),
        )
        (self.folder / f"{name}.crt").write_bytes(certificate)
        (HERE / "keys" / f"{name}.pem").write_bytes(pem_of(key, "TraditionalOpenSSL"))
        if name == "2048":
            (HERE / "keys" / "2048-pkcs8.pem").write_bytes(pem_of(key, "PKCS8"))

    def _write_rings(self, keys: dict[str, rsa.RSAPrivateKey]) -> None:
        secrets = [self._key_secret(name, keys[name]) for name in ("other", "4096", "2048")]
        listed = {"apiVersion": "v1", "kind": "List", "items": secrets}
        for name, value in (("ring.json", listed), ("secret.json", secrets[2])):
            (HERE / "keys" / name).write_text(json.dumps(value, indent=1) + "\n")

    def _key_secret(self, name: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
        data = {
            "tls.crt": (self.folder / f"{name}.crt").read_bytes(),
            "tls.key": pem_of(key, "TraditionalOpenSSL"),
        }
        label = {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": f"sealed-secrets-key-{name}", "labels": label},
            "data": {field: base64.b64encode(value).decode() for field, value in data.items()},
        }

    def seal(
        self,
        *flags: str,
        key: str = "2048",
        metadata: dict[str, Any] = STRICT,
        data: dict[str, bytes] = DATA,
        **fields: Any,
    ) -> str:
        """Have kubeseal seal a Secret; return what it prints."""
        secret = secret_of(metadata, data, fields)
        return self._run([self.kubeseal, "--cert", f"{key}.crt", *flags], json.dumps(secret))

    def seal_legacy(self, metadata: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Have Bitnami's library seal a Secret as one value."""
        done = subprocess.run(
            ["go", "run", "./legacyseal", self.folder / "2048.crt"],
            cwd=HERE.parent / "testbed",
            input=json.dumps(secret_of(metadata, DATA, fields)),
            capture_output=True,
            text=True,
            check=True,
        )
        sealed: dict[str, Any] = json.loads(done.stdout)
        return sealed

    def opened(self, vector: Vector) -> dict[str, Any] | None:
        """What kubeseal makes of a vector; None if it refuses."""
        keys = ",".join(str(HERE / "keys" / name) for name in vector.keys)
        command = [self.kubeseal, "--recovery-unseal", "--recovery-private-key", keys]
        done = subprocess.run(
            command, input=vector.manifest.encode(), capture_output=True, check=False
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def _run(self, command: list[str], text: str) -> str:
        return subprocess.run(
            command, cwd=self.folder, input=text, capture_output=True, text=True, check=True
        ).stdout


def pem_of(key: rsa.RSAPrivateKey, form: str) -> bytes:
    """A private key in clear."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption(),
    )


def secret_of(metadata: dict[str, Any], data: dict[str, bytes], fields: Any) -> dict[str, Any]:
    """A Secret as JSON."""
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded, **fields}


def changed(sealed: str, change: Change) -> str:
    """Apply a change to a manifest in JSON."""
    manifest = json.loads(sealed)
    change(manifest)
    return json.dumps(manifest, indent=2) + "\n"


def item_changed(sealed: str, key: str, change: Callable[[bytes], bytes]) -> str:
    """Change the bytes of one item."""

    def apply(manifest: dict[str, Any]) -> None:
        items = manifest["spec"]["encryptedData"]
        items[key] = base64.b64encode(change(base64.b64decode(items[key]))).decode()

    return changed(sealed, apply)


def flipped(at: int) -> Callable[[bytes], bytes]:
    """Flip one bit of one byte."""

    def flip(item: bytes) -> bytes:
        position = at % len(item)
        return item[:position] + bytes([item[position] ^ 1]) + item[position + 1 :]

    return flip


def metadata_set(**fields: Any) -> Change:
    """Change the SealedSecret's own metadata."""

    def apply(manifest: dict[str, Any]) -> None:
        manifest["metadata"].update(fields)

    return apply


def spec_set(**fields: Any) -> Change:
    """Change the spec."""

    def apply(manifest: dict[str, Any]) -> None:
        manifest["spec"].update(fields)

    return apply


def template_set(**fields: Any) -> Change:
    """Change the template."""

    def apply(manifest: dict[str, Any]) -> None:
        manifest["spec"]["template"].update(fields)

    return apply


def items_set(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Change the items as a whole."""

    def apply(manifest: dict[str, Any]) -> None:
        manifest["spec"]["encryptedData"] = change(manifest["spec"]["encryptedData"])

    return apply


def scope(word: str, value: str = "true") -> dict[str, str]:
    """The annotation of a scope."""
    return {f"sealedsecrets.bitnami.com/{word}": value}


def expected(
    data: dict[str, bytes] = DATA, metadata: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """The Secret of a success: name and namespace, and what differs from the plain one."""
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"metadata": {**STRICT, **(metadata or {})}, "data": encoded, **fields}


def with_user(text: str, items: dict[str, Any]) -> dict[str, Any]:
    """The items with another text for user."""
    return {**items, "user": text}


def wrapped(text: str) -> str:
    """Break a line at 76 columns."""
    return "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))


def in_block(match: re.Match[str]) -> str:
    """Write a scalar as a block of short lines."""
    lines = wrapped(match[3]).split("\r\n")
    return f"{match[1]}{match[2]}: |\n" + "\n".join(f"{match[1]}  {line}" for line in lines)
