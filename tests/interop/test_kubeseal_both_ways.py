"""What `seal` seals, the real kubeseal opens, and what kubeseal seals, `seal unseal` opens."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from tests import sealing_keys
from tests.interop import peers
from tests.testbed.fixtures import need

VALUES = {
    "text": {"password": "correct horse ü€😀\n".encode(), "user": b"app"},
    "binary": {"all": bytes(range(256)), "zeros": bytes(64), "newlines": b"\r\n\r\n"},
    "empty": {"nothing": b"", "space": b" "},
    "a mebibyte": {"big": bytes(range(256)) * 4096},
    "awkward names": {".dot": b"1", "under_score": b"2", "0755": b"3", "true": b"4", "a.b-c": b"5"},
}
NAMES = {"awkward names": ("true", "0755")}
SCOPES = ("strict", "namespace-wide", "cluster-wide")
EVERYTHING = [
    pytest.param(values, scope, id=f"{values}, {scope}") for values in VALUES for scope in SCOPES
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``c.pem`` and ``k.pem``, made by ``seal keygen``."""
    need("kubeseal")
    folder = tmp_path_factory.mktemp("keys")
    call("seal", "keygen", "--bits", "2048", "--cert-out", "c.pem", "--key-out", "k.pem", at=folder)
    return folder


def call(*command: str, at: Path, text: str | bytes = b"") -> bytes:
    """Run ``seal`` or ``kubeseal``, which must succeed, and return what it prints."""
    program = {"seal": [peers.SEAL], "kubeseal": peers.kubeseal()}[command[0]]
    done = subprocess.run(
        [*program, *command[1:]],
        cwd=at,
        env={"HOME": str(at), "PATH": "/usr/bin:/bin"},
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def secret(values: str) -> dict[str, Any]:
    """A Secret of these values as JSON."""
    namespace, name = NAMES.get(values, ("prod", "db"))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": "on"}},
        "type": "Opaque",
        "immutable": True,
        "data": {key: b64encode(value).decode() for key, value in VALUES[values].items()},
    }


def essence(manifest: dict[str, Any]) -> dict[str, Any]:
    """What both programs must agree on: kubeseal adds an owner that does not exist."""
    metadata = {**manifest["metadata"], "ownerReferences": None, "annotations": None}
    # kubeseal writes an empty value as null.
    data = {key: b64decode(value or "") for key, value in manifest["data"].items()}
    return {**manifest, "metadata": metadata, "data": data}


@pytest.mark.parametrize(("values", "scope"), EVERYTHING)
def test_kubeseal_opens_what_seal_seals(values: str, scope: str, keys: Path) -> None:
    manifest = secret(values)
    sealed = call("seal", "--cert", "c.pem", "--scope", scope, at=keys, text=json.dumps(manifest))
    opened = call(
        "kubeseal", "--recovery-unseal", "--recovery-private-key", "k.pem", at=keys, text=sealed
    )
    assert essence(json.loads(opened)) == essence(manifest)


@pytest.mark.parametrize(("values", "scope"), EVERYTHING)
def test_seal_opens_what_kubeseal_seals(values: str, scope: str, keys: Path) -> None:
    manifest = secret(values)
    sealed = call(
        "kubeseal", "--cert", "c.pem", "--scope", scope, at=keys, text=json.dumps(manifest)
    )
    opened = call("seal", "unseal", "--key", "k.pem", "-", at=keys, text=sealed)
    assert essence(json.loads(opened)) == essence(manifest)


@pytest.mark.parametrize("program", [pytest.param(name, id=name) for name in ("seal", "kubeseal")])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_raw_item_of_either_opens_with_the_other(program: str, scope: str, keys: Path) -> None:
    raw = ["raw"] if program == "seal" else ["--raw"]
    place = ["--name", "db", "--namespace", "prod", "--scope", scope]
    item = call(program, *raw, "--cert", "c.pem", *place, at=keys, text="hunter2").decode()
    annotations = {f"sealedsecrets.bitnami.com/{scope}": "true"}
    sealed = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": "prod", "annotations": annotations},
        "spec": {"encryptedData": {"k": item}},
    }
    if program == "seal":
        way = ["kubeseal", "--recovery-unseal", "--recovery-private-key", "k.pem"]
    else:
        way = ["seal", "unseal", "--key", "k.pem", "-"]
    opened = json.loads(call(*way, at=keys, text=json.dumps(sealed)))
    assert b64decode(opened["data"]["k"]) == b"hunter2"


@pytest.mark.parametrize("bits", ["2048", "3072", "4096"])
@pytest.mark.parametrize("common_name", ["", "sealing ü"])
def test_kubeseal_takes_the_certificates_of_keygen(
    bits: str, common_name: str, keys: Path, tmp_path: Path
) -> None:
    call(
        *("seal", "keygen", "--bits", bits, "--common-name", common_name),
        *("--cert-out", "c.pem", "--key-out", "k.pem"),
        at=tmp_path,
    )
    manifest = secret("text")
    sealed = call("kubeseal", "--cert", "c.pem", at=tmp_path, text=json.dumps(manifest))
    ways = (
        ("kubeseal", "--recovery-unseal", "--recovery-private-key", "k.pem"),
        ("seal", "unseal", "--key", "k.pem", "-"),
    )
    for way in ways:
        assert essence(json.loads(call(*way, at=tmp_path, text=sealed))) == essence(manifest)


def test_kubeseal_opens_what_was_merged_and_reencrypted(keys: Path, tmp_path: Path) -> None:
    old, new = sealing_keys.pair("one"), sealing_keys.pair("two")
    for name, content in (
        ("old.pem", old.certificate.pem),
        ("old.key", old.private_pem()),
        ("new.pem", new.certificate.pem),
        ("new.key", new.private_pem()),
        (
            "more.yaml",
            b"kind: Secret\napiVersion: v1\nmetadata: {name: db}\nstringData: {b: two}\n",
        ),
    ):
        (tmp_path / name).write_bytes(content)
    manifest = {**secret("text"), "data": {"a": b64encode(b"one").decode()}}
    (tmp_path / "s.yaml").write_bytes(
        call("kubeseal", "--cert", "old.pem", "-o", "yaml", at=tmp_path, text=json.dumps(manifest))
    )
    call("seal", "merge", "--cert", "old.pem", "-i", "s.yaml", "more.yaml", at=tmp_path)
    call("seal", "reencrypt", "s.yaml", "--key", "old.key", "--cert", "new.pem", "-i", at=tmp_path)
    opened = call(
        *("kubeseal", "--recovery-unseal", "--recovery-private-key", "new.key", "-f", "s.yaml"),
        at=tmp_path,
    )
    data = json.loads(opened)["data"]
    assert {key: b64decode(value) for key, value in data.items()} == {"a": b"one", "b": b"two"}
