"""Backups of keys and who needs which key, without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sealer import KeyRing, SealedSecret, Secret, encoding, read_documents
from sealer.cli._backups import write_backup
from sealer.cluster.keysecrets import StoredKey, find, newest, ring_of
from sealer.errors import KeyFileError, ManyErrors, UsageError
from sealer.keys.keyfile import key_pair_of, key_secret
from sealer.rotation.backup import Openers, Recipients, decrypt, encrypt, needs_passphrase
from sealer.rotation.usage import Found, Need, UnopenedError, needs
from tests import sealing_keys
from tests.testbed import binaries
from tests.testbed.fixtures import need
from tests.tree import Tree, sealed_yaml


def stored(name: str, state: str = "active") -> dict[str, Any]:
    """A key Secret as the API server lists it."""
    manifest = key_secret(sealing_keys.pair(name), prefix="k", namespace="kube-system")
    manifest["metadata"] |= {"name": f"k-{name}", "uid": "u", "resourceVersion": "7"}
    manifest["metadata"]["labels"] = {"sealedsecrets.bitnami.com/sealed-secrets-key": state}
    return manifest


def secrets(*names: str) -> list[Secret]:
    """Key Secrets to back up."""
    return [Secret.from_dict(stored(name)) for name in names]


def test_a_backup_for_age_opens_with_its_identity_only() -> None:
    import pyrage  # type: ignore[import-untyped]

    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    data = encrypt(secrets("one", "two"), Recipients(age=(str(mine.to_public()),)))
    assert data.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    assert not needs_passphrase(data)
    found = decrypt(data, Openers(age=(str(mine),)), "b")
    assert [key_pair_of(one).fingerprint for one in found] == [
        sealing_keys.pair(name).fingerprint for name in ("one", "two")
    ]
    with pytest.raises(KeyFileError, match="does not open"):
        decrypt(data, Openers(age=(str(other),)), "b")


def test_a_backup_with_a_passphrase_opens_with_it_only() -> None:
    data = encrypt(secrets("one"), Recipients(passphrase="correct horse"))
    assert needs_passphrase(data)
    assert len(decrypt(data, Openers(passphrase="correct horse"), "b")) == 1
    with pytest.raises(KeyFileError, match="does not open"):
        decrypt(data, Openers(passphrase="wrong"), "b")
    with pytest.raises(KeyFileError, match="passphrase"):
        decrypt(data, Openers(), "b")


def test_a_backup_for_a_certificate_opens_with_the_real_kubeseal(tree: Tree) -> None:
    need("kubeseal")
    recipient = sealing_keys.pair("two")
    data = encrypt(secrets("one"), Recipients(certificate=recipient.certificate))
    found = decrypt(data, Openers(KeyRing.of([recipient])), "b")
    assert key_pair_of(found[0]).fingerprint == sealing_keys.pair("one").fingerprint
    with pytest.raises(ManyErrors):
        decrypt(data, Openers(sealing_keys.ring("one")), "b")
    # kubeseal takes no List: it gets the one in it.
    from sealer import to_yaml

    item = next(next(read_documents(data.decode(), "b")).resources()).value
    tree.write("one.yaml", to_yaml(item))
    kubeseal = str(binaries.path("kubeseal"))
    command = (kubeseal, "--recovery-unseal", "--recovery-private-key", "two.key")
    out = tree.run(*command, "-f", "one.yaml", "-o", "yaml").stdout
    assert encoding.encode(sealing_keys.pair("one").private_pem()) in out


@pytest.mark.parametrize(
    "recipients",
    [
        pytest.param(Recipients(), id="none"),
        pytest.param(Recipients(age=("age1x",), passphrase="x"), id="two kinds"),
    ],
)
def test_there_is_no_backup_in_clear_nor_for_two_kinds(recipients: Recipients) -> None:
    with pytest.raises(UsageError):
        encrypt(secrets("one"), recipients)


def test_no_key_shows_in_reprs_or_errors() -> None:
    pem = sealing_keys.pair("one").private_pem().decode()
    middle = pem.splitlines()[5]
    encoded = encoding.encode(sealing_keys.pair("one").private_pem())
    key = StoredKey.of(stored("one"))
    broken = stored("one")
    broken["data"] = {"tls.key": encoding.encode(pem.replace(middle, middle[::-1]).encode())}
    for text in (repr(key), repr(StoredKey.of(broken)), StoredKey.of(broken).problem):
        assert middle not in text
        assert encoded not in text
    assert "damaged" in StoredKey.of(broken).problem


def test_a_key_that_a_manifest_filled_opens_nothing_and_is_in_no_backup(tmp_path: Path) -> None:
    filled = stored("one")
    filled["metadata"]["annotations"] = {"keyvault.sealer.dev/merged-by": "evil"}
    keys = [StoredKey.of(filled), StoredKey.of(stored("two"))]
    assert keys[0].refused
    assert [pair.name for pair in ring_of(keys).keys] == ["k-two"]
    assert newest(keys) is keys[1]
    file = tmp_path / "keys.yaml"
    mine = sealing_keys.pair("three")
    assert mine.certificate is not None
    assert write_backup(str(file), keys, Recipients(certificate=mine.certificate), "home") == 1
    opened = decrypt(file.read_bytes(), Openers(KeyRing((mine,))), "keys.yaml")
    assert [one.name for one in opened] == ["k-two"]
    with pytest.raises(KeyFileError, match="no sealing key"):
        write_backup(str(file), keys[:1], Recipients(certificate=mine.certificate), "home")


def test_a_retired_key_seals_no_more_and_is_still_found() -> None:
    keys = [StoredKey.of(stored("one", "retired")), StoredKey.of(stored("two"))]
    seals = newest(keys)
    assert seals is not None
    assert seals.name == "k-two"
    assert len(ring_of(keys).keys) == 2
    assert find(keys, sealing_keys.pair("one").fingerprint[:8]).name == "k-one"
    assert find(keys, "k-one").state == "retired"
    with pytest.raises(KeyFileError, match="no such key"):
        find(keys, "k-three")


def test_one_damaged_item_hides_no_need_of_the_others() -> None:
    value = next(read_documents(sealed_yaml({"a": "1", "b": "2"}), "x")).value
    value["spec"]["encryptedData"]["a"] = encoding.encode(bytes(300))
    found = Found("f:1", "SealedSecret prod/db", SealedSecret.from_dict(value))
    results = list(needs([found], sealing_keys.ring("two", "one")))
    assert [type(one) for one in results] == [UnopenedError, Need]
    assert isinstance(results[1], Need)
    assert results[1].items == ("b",)
    assert results[1].fingerprint == sealing_keys.pair("one").fingerprint


def test_usage_of_a_tree_names_the_key_of_each_file(tree: Tree) -> None:
    tree.write("apps/a.yaml", sealed_yaml({"x": "1"}))
    tree.write("apps/b.yaml", sealed_yaml({"y": "2"}, key="two"))
    tree.write("apps/c.yaml", sealed_yaml({"z": "3"}, key="three"))
    tree.write("apps/d: e.yaml", "\n" + sealed_yaml({"x": "1"}))
    tree.write(
        "one.both", (tree.root / "one.key").read_text() + (tree.root / "one.pem").read_text()
    )
    keys = ("--key", "one.both", "--key", "two.key")
    done = tree.seal("keys", "usage", "apps", *keys, status=1)
    one = sealing_keys.pair("one").fingerprint
    assert done.stdout.splitlines() == [
        "two.key\tapps/b.yaml:1\tSealedSecret prod/db\ty",
        f"{one}\tapps/a.yaml:1\tSealedSecret prod/db\tx",
        f"{one}\tapps/d: e.yaml:2\tSealedSecret prod/db\tx",
    ]
    assert "apps/c.yaml:1: SealedSecret prod/db: z: no key could decrypt it" in done.stderr


def test_folders_are_kept_apart(tmp_path: Path) -> None:
    from sealer.files.text import manifests_below

    for name in ("a.yaml", ".git/b.yaml", "c/d.yml", "c/e.txt", "f.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    found = manifests_below(str(tmp_path))
    assert found is not None
    assert [Path(name).name for name in found] == ["a.yaml", "f.json", "d.yml"]
    assert manifests_below(str(tmp_path / "a.yaml")) is None


@pytest.mark.parametrize("state", ["active", "retired"])
def test_a_backup_that_only_a_key_inside_of_it_opens_is_refused(tmp_path: Path, state: str) -> None:
    keys = [StoredKey.of(stored("one", state)), StoredKey.of(stored("two"))]
    file = tmp_path / "keys.yaml"
    mine = sealing_keys.pair("one").certificate
    with pytest.raises(KeyFileError, match="only inside"):
        write_backup(str(file), keys, Recipients(certificate=mine), "home")
    assert not file.exists()


@pytest.mark.parametrize(
    "command", [("keys", "backup", "keys.age"), ("rotate", "--backup", "keys.age")]
)
def test_an_older_backup_is_not_overwritten(tree: Tree, command: tuple[str, ...]) -> None:
    older = tree.write("keys.age", "the only copy of keys that are gone")
    tree.write("passphrase", "correct horse")
    done = tree.seal(*command, "--passphrase-file", "passphrase", status=2)
    assert "--force" in done.stderr
    assert older.read_text() == "the only copy of keys that are gone"
