"""Key files: PEM and key Secrets, one bad key never hiding the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sealer.encoding import encode
from sealer.errors import KeyFileError, ManifestError, ManyErrors, SealerError
from sealer.keys.keyfile import key_secret, read_keys
from sealer.manifest import to_yaml
from tests.sealing_keys import pair, private_pem, rsa_key


def stored(name: str, **changes: Any) -> dict[str, Any]:
    data = {
        "tls.crt": encode(pair(name).certificate.pem),
        "tls.key": encode(private_pem(pair(name).private_key)),
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
    return {**secret, "metadata": {"name": name}, "data": {**data, **changes}}


def listed(*secrets: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(secrets), "metadata": {}}


def names(text: str) -> list[str]:
    return [key.name for key in read_keys(text, "keys")]


def test_a_pem_with_its_certificate_is_a_pair() -> None:
    text = private_pem(pair().private_key).decode() + pair().certificate.pem.decode()
    [key] = read_keys(text, "tls.pem")
    assert (key.name, key.fingerprint) == ("tls.pem", pair().fingerprint)


def test_a_pem_may_hold_several_keys() -> None:
    text = b"".join(private_pem(pair(name).private_key) for name in ("one", "two")).decode()
    assert names("Bag Attributes\n" + text) == ["keys (key 1)", "keys (key 2)"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(to_yaml(listed(stored("one"), stored("two"))), id="List in YAML"),
        pytest.param(json.dumps(listed(stored("one"), stored("two"))), id="List in JSON"),
        pytest.param(
            f"# a backup\n---\n{to_yaml(stored('one'))}---\n{to_yaml(stored('two'))}---\n",
            id="documents after a comment",
        ),
        pytest.param(
            to_yaml(listed(stored("one"), stored("two"))).replace("\n", "\r\n"), id="CRLF"
        ),
    ],
)
def test_key_secrets_are_read_as_kubectl_prints_them(text: str) -> None:
    assert names(text) == ["one", "two"]


def test_pem_in_string_data_is_not_taken_for_a_pem_file() -> None:
    secret = stored("one")
    del secret["data"]
    secret["stringData"] = {"tls.key": private_pem(pair().private_key).decode()}
    assert names("# by hand\n" + to_yaml(secret)) == ["one"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "keys: there is no private key in it", id="empty"),
        pytest.param(
            pair().certificate.pem.decode(), "keys: there is no PEM private key", id="certificate"
        ),
        pytest.param("just words", "a Kubernetes manifest is a mapping", id="words"),
        pytest.param("a: [", "keys:1: not valid YAML", id="no YAML"),
        pytest.param(
            to_yaml(listed(stored("one", **{"tls.key": "!"}))),
            r"keys:\d+: Secret one: data\[\"tls.key\"\]: is not valid base64",
            id="bad base64",
        ),
        pytest.param(
            to_yaml(stored("one", **{"tls.key": encode(b"x")})),
            "keys:1: Secret one: there is no PEM private key in it",
            id="no PEM inside",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {}\n",
            "keys:1: Secret db: has no tls.key",
            id="another Secret",
        ),
    ],
)
def test_what_is_no_key_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises((KeyFileError, ManifestError, ManyErrors), match=message) as caught:
        read_keys(text, "keys")
    assert isinstance(caught.value, SealerError)


def test_every_bad_key_of_a_file_is_reported() -> None:
    text = to_yaml(
        listed(
            stored("one", **{"tls.key": "!"}),
            stored("two"),
            stored("three", **{"tls.crt": encode(pair("two").certificate.pem)}),
        )
    )
    with pytest.raises(ManyErrors) as caught:
        read_keys(text, "keys")
    assert [
        "one" in error.message or "three" in error.message for error in caught.value.errors
    ] == [
        True,
        True,
    ]


def test_every_bad_block_of_a_pem_is_reported() -> None:
    bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    with pytest.raises(ManyErrors, match=r"keys \(key 2\): .*\nkeys \(key 3\): "):
        read_keys(private_pem(rsa_key(1024)).decode() + bad + bad, "keys")


def test_a_new_key_secret_is_as_bitnami_writes_it_and_reads_back() -> None:
    written = key_secret(pair(), prefix="sealed-secrets-key", namespace="sealing")
    assert written["type"] == "kubernetes.io/tls"
    assert written["metadata"] == {
        "generateName": "sealed-secrets-key",
        "namespace": "sealing",
        "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
    }
    [key] = read_keys(to_yaml(written), "keys")
    assert key.fingerprint == pair().fingerprint


def test_a_key_without_a_certificate_makes_no_key_secret() -> None:
    [bare] = read_keys(private_pem(rsa_key(1024)).decode(), "keys")
    with pytest.raises(KeyFileError, match="needs the certificate, too"):
        key_secret(bare, prefix="k", namespace="n")
