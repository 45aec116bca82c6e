"""Rule ``private-key``: keys in files of any name, and not every text that speaks of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import PrivateFormat

from tests.sealing_keys import pair
from tests.tree import Tree, make_tree

RULE = "private-key"
_PLAIN = serialization.NoEncryption()


def pem(key: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, _PLAIN).decode()


RSA = pem(pair("one").private_key)
AGE = "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" + "QPZRY9X8GF2TVDW0S3JN54KHCE"
KEYS = {
    "cluster.key": RSA,
    "old.pem": pem(pair("one").private_key, PrivateFormat.TraditionalOpenSSL),
    "ec": pem(ec.generate_private_key(ec.SECP256R1())),
    "id_ed25519": pem(ed25519.Ed25519PrivateKey.generate(), PrivateFormat.OpenSSH),
    "small.txt": pem(ed25519.Ed25519PrivateKey.generate()),
    "notes/README.md": f"# Keys\n\n{RSA}",
    "crlf.key": RSA.replace("\n", "\r\n"),
    "both.pem": pair("one").certificate.pem.decode() + RSA,
    "age.txt": f"# created: today\n{AGE}\n",
    "config.json": json.dumps({"key": RSA}),
    "code.py": 'KEY = """' + RSA + '"""\n',
    "map.yaml": "kind: ConfigMap\ndata:\n  k: |\n    " + RSA.replace("\n", "\n    ") + "\n",
    "legacy.pem": RSA.replace(
        "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128,0A\n\n", 1
    ),
}
CLEAN = {
    "docs.md": "A key begins with -----BEGIN PRIVATE KEY----- and then comes base64.\n",
    "cut.md": "-----BEGIN PRIVATE KEY-----\nMIIEvQ...\n-----END PRIVATE KEY-----\n",
    "pattern.py": 'HEAD = re.compile("-----BEGIN (?:RSA )?PRIVATE KEY-----")\n',
    "age.md": "An identity is AGE-SECRET-KEY-1...\n",
    "cluster.pem": pair("one").certificate.pem.decode(),
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = make_tree(tmp_path)
    for name in ("one", "two"):
        (made.root / f"{name}.key").unlink()
    made.git("init", "-q")
    return made


def found(tree: Tree, *words: str, status: int) -> list[tuple[str, str]]:
    done = tree.seal("check", "--format", "json", *words, status=status)
    assert "MII" not in done.stdout
    assert AGE not in done.stdout
    return [(one["path"], one["rule"]) for one in json.loads(done.stdout)["findings"]]


@pytest.mark.parametrize("words", [(), ("--raw-only",), ("--strict",)], ids=str)
def test_a_private_key_is_found_whatever_its_file_is_called(
    tree: Tree, words: tuple[str, ...]
) -> None:
    for name, text in KEYS.items():
        tree.write(name, text)
    assert found(tree, *words, status=1) == [(name, "private-key") for name in sorted(KEYS)]


def test_a_text_that_speaks_of_keys_is_no_finding(tree: Tree) -> None:
    for name, text in CLEAN.items():
        tree.write(name, text)
    assert found(tree, status=0) == []


def test_a_staged_key_is_found_and_one_that_git_ignores_is_not(tree: Tree) -> None:
    tree.write(".gitignore", "mine.key\n")
    tree.write("mine.key", RSA)
    tree.write("cluster.key", RSA)
    tree.git("add", "cluster.key")
    tree.write("cluster.key", "something else by now")
    assert found(tree, "--staged", "--raw-only", status=1) == [("cluster.key", RULE)]
    assert found(tree, status=0) == []


def test_only_what_is_asked_for_is_looked_at(tree: Tree) -> None:
    tree.write("a/x.key", RSA)
    tree.write("b/y.key", RSA)
    assert found(tree, "a", status=1) == [("a/x.key", RULE)]


def test_a_key_in_a_raw_secret_is_told_once(tree: Tree) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  k: |\n    "
    tree.write("s.yaml", text + RSA.replace("\n", "\n    ") + "\n")
    assert found(tree, status=1) == [("s.yaml", "raw-secret")]


def test_a_key_can_be_accepted_with_a_reason(tree: Tree) -> None:
    tree.write("tests/dummy.key", RSA)
    tree.write(".seal.toml", f'[[allow]]\nrule = "{RULE}"\npath = "tests/**"\nreason = "dummy"\n')
    assert found(tree, status=0) == []
