"""Values that would be lost, or left in clear, by sealing what was not meant to be sealed."""

from __future__ import annotations

import base64

import pytest
import yaml

from tests.tree import Tree, sealed_yaml

SOPS = "ENC[AES256_GCM,data:Tr7o=,iv:1vLx2ZZ=,tag:kQm8dQ==,type:str]"
MISSPELT = """\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
data: {user: Ym9i}
stringdata: {password: hunter2}
"""
ENCRYPTED = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: db, namespace: shop}}
stringData: {{password: "{SOPS}"}}
sops: {{mac: "{SOPS}", version: 3.9.0, age: [{{recipient: age1x, enc: wrapped}}]}}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
stringData: {password: "%s"}
"""


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        pytest.param("stringdata: {password: hunter2}", "did you mean stringData?", id="case"),
        pytest.param("stringDatas: {password: hunter2}", "did you mean stringData?", id="plural"),
        pytest.param("Data: {password: aHVudGVyMg==}", "did you mean data?", id="capital"),
        pytest.param("string_data: {password: hunter2}", "did you mean stringData?", id="snake"),
        pytest.param("password: hunter2", "the cluster drops it", id="a value at the top"),
        pytest.param("pin: 12345", "the cluster drops it", id="a number at the top"),
        pytest.param("values: [hunter2]", "the cluster drops it", id="a list"),
    ],
)
def test_a_field_that_no_secret_has_is_an_error_and_the_file_stays(
    tree: Tree, field: str, hint: str
) -> None:
    text = MISSPELT.replace("stringdata: {password: hunter2}", field)
    path = tree.write("s.yaml", text)
    told = tree.seal("-i", "-q", "s.yaml", "--cert", "one.pem", status=1).stderr
    assert "s.yaml:5: Secret shop/db: " in told
    assert "is no field of a Secret" in told
    assert hint in told
    assert "hunter2" not in told
    assert path.read_text() == text


def test_a_misspelt_field_alone_is_the_cause_and_not_missing_data(tree: Tree) -> None:
    tree.write("s.yaml", MISSPELT.replace("data: {user: Ym9i}\n", ""))
    told = tree.seal("s.yaml", "--cert", "one.pem", status=1).stderr
    assert "did you mean stringData?" in told
    assert "has no data" not in told


def test_values_below_metadata_do_not_go_into_the_template_in_clear(tree: Tree) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\n"
    text += "  stringData: {password: hunter2}\ndata: {user: Ym9i}\n"
    tree.write("s.yaml", text)
    done = tree.seal("s.yaml", "--cert", "one.pem", status=1)
    assert "mind the indentation" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_an_unknown_field_that_holds_nothing_is_left_out_and_nothing_is_lost(tree: Tree) -> None:
    text = MISSPELT.replace("stringdata: {password: hunter2}", "status: {}\nextra: null\nmore: {}")
    tree.write("s.yaml", text)
    done = tree.seal("s.yaml", "--cert", "one.pem")
    assert done.stderr == ""
    assert not {"status", "extra", "more"} & set(yaml.safe_load(done.stdout))


def test_merge_refuses_a_misspelt_field(tree: Tree) -> None:
    path = tree.write("db.yaml", sealed_yaml({"user": "bob"}, namespace="shop"))
    before = path.read_text()
    tree.write("s.yaml", MISSPELT)
    told = tree.seal("merge", "-i", "db.yaml", "s.yaml", "--cert", "one.pem", status=1).stderr
    assert "did you mean stringData?" in told
    assert path.read_text() == before


@pytest.mark.parametrize("nested", [False, True], ids=["a file", "in a list"])
def test_check_finds_values_under_a_misspelt_field(tree: Tree, nested: bool) -> None:
    tree.git("init", "-q")
    text = MISSPELT.replace("data: {user: Ym9i}\n", "")
    if nested:
        text = "apiVersion: v1\nkind: List\nitems:\n- " + text.replace("\n", "\n  ").rstrip() + "\n"
    tree.write("s.yaml", text)
    told = tree.seal("check", "--raw-only", status=1).stdout
    assert "stringdata is no field of a Secret" in told
    assert "[raw-secret]" in told
    assert "hunter2" not in told


def test_check_says_nothing_of_a_misspelt_field_with_a_placeholder(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write("s.yaml", MISSPELT.replace("hunter2", "<fill in>").replace("data: {user: Ym9i}", ""))
    tree.write("t.yaml", ENCRYPTED)
    tree.write(".gitignore", "*.key\n")
    tree.seal("check", "--raw-only")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ENCRYPTED, id="with its block"),
        pytest.param(SECRET % SOPS, id="a value alone"),
        pytest.param(
            (SECRET % base64.b64encode(SOPS.encode()).decode()).replace("stringData", "data"),
            id="in base64",
        ),
        pytest.param(
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\n"
            f"stringData: {{password: x}}\nsops: {{mac: '{SOPS}'}}\n",
            id="a block and values that it left alone",
        ),
    ],
)
def test_what_sops_encrypted_is_not_sealed(tree: Tree, text: str) -> None:
    path = tree.write("s.yaml", text)
    done = tree.seal("-i", "s.yaml", "--cert", "one.pem", status=1)
    assert "encrypted with SOPS" in done.stderr
    assert "decrypt it first" in done.stderr
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("value", "tool"),
    [
        pytest.param(SOPS.encode(), "SOPS", id="sops"),
        pytest.param(b"\0GITCRYPT\0" + bytes(range(40)), "git-crypt", id="git-crypt"),
        pytest.param(b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "Ansible Vault", id="ansible-vault"),
    ],
)
def test_no_command_seals_another_tools_ciphertext(tree: Tree, value: bytes, tool: str) -> None:
    tree.write("v", value)
    path = tree.write("db.yaml", sealed_yaml({"user": "bob"}, namespace="shop"))
    before = path.read_text()
    encoded = base64.b64encode(value).decode()
    tree.write("s.yaml", (SECRET % encoded).replace("stringData", "data"))
    for words in (
        ("set", "db.yaml", "password", "@v"),
        ("raw", "v", "--name", "db", "-n", "shop"),
        ("merge", "db.yaml", "s.yaml"),
        ("s.yaml",),
        ("set", "new.yaml", "password", "@v", "--name", "db", "-n", "shop"),
    ):
        done = tree.seal(*words, "--cert", "one.pem", status=1)
        assert f"is encrypted with {tool}" in done.stderr, words
        assert done.stdout == ""
    assert path.read_text() == before
    assert not (tree.root / "new.yaml").exists()


@pytest.mark.parametrize(
    "value",
    [
        "${DB_PASSWORD}",
        "${DB_PASSWORD:-x}",
        "{{ .Values.password }}",
        "<path:secret/data/db#password>",
        "ref+vault://secret/db#/password",
        "vault:secret/data/db#password",
        "op://vault/db/password",
    ],
)
def test_a_reference_is_sealed_as_it_stands_and_not_without_a_word(tree: Tree, value: str) -> None:
    tree.write("s.yaml", SECRET % value)
    told = tree.seal("s.yaml", "--cert", "one.pem").stderr
    assert "is sealed as it stands" in told
    assert value not in told
    quiet = tree.seal("set", "new.yaml", "k", "--name", "db", "-n", "shop", "--cert", "one.pem",
                      text=value)  # fmt: skip
    assert "is sealed as it stands" in quiet.stderr


def test_a_password_with_such_characters_is_no_reference(tree: Tree) -> None:
    tree.write("s.yaml", SECRET % "pa${ss}word {{ }} x")
    assert tree.seal("s.yaml", "--cert", "one.pem").stderr == ""


def test_a_key_of_a_manifest_that_merge_reads_is_doubted_as_seal_does(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"user": "bob"}, namespace="shop"))
    tree.write("s.yaml", SECRET % "${DB_PASSWORD}")
    assert (
        "is sealed as it stands"
        in tree.seal("merge", "db.yaml", "s.yaml", "--cert", "one.pem").stderr
    )


EMPTY = [
    pytest.param(("set", "db.yaml", "password"), id="set"),
    pytest.param(("set", "db.yaml", "password", "@empty"), id="set from a file"),
    pytest.param(("set", "new.yaml", "k", "--name", "db", "-n", "shop"), id="a new file"),
    pytest.param(("raw", "--name", "db", "-n", "shop"), id="raw"),
    pytest.param(("raw", "empty", "--name", "db", "-n", "shop"), id="raw from a file"),
    pytest.param(("merge", "-i", "db.yaml", "s.yaml"), id="merge"),
]


@pytest.mark.parametrize("words", EMPTY)
def test_an_empty_value_is_an_error_unless_it_is_allowed(
    tree: Tree, words: tuple[str, ...]
) -> None:
    path = tree.write("db.yaml", sealed_yaml({"user": "bob"}, namespace="shop"))
    before = path.read_text()
    tree.write("empty", "")
    tree.write("s.yaml", SECRET % "")
    done = tree.seal(*words, "--cert", "one.pem", status=1)
    assert "the value is empty" in done.stderr
    assert "--allow-empty" in done.stderr
    assert done.stdout == ""
    assert path.read_text() == before
    assert not (tree.root / "new.yaml").exists()
    tree.seal(*words, "--cert", "one.pem", "--allow-empty")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("set", "db.yaml", "password=hunter2"), id="set key=value"),
        pytest.param(("set", "db.yaml", "hunter2 !"), id="set without a key"),
        pytest.param(("set", "db.yaml", "password", "hunter2"), id="set key value"),
        pytest.param(("set", "db.yaml", "password", "=", "hunter2"), id="set key = value"),
        pytest.param(("set", "db.yaml", "password", "my", "hunter2"), id="set two words"),
        pytest.param(("raw", "hunter2", "--name", "db", "-n", "shop"), id="raw"),
        pytest.param(("raw", "my", "hunter2", "--name", "db", "-n", "shop"), id="raw two words"),
    ],
)
def test_what_may_be_a_value_on_the_command_line_is_not_repeated(
    tree: Tree, words: tuple[str, ...]
) -> None:
    tree.write("db.yaml", sealed_yaml({"user": "bob"}, namespace="shop"))
    done = tree.seal(*words, "--cert", "one.pem", status=2)
    assert "hunter2" not in done.stdout + done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize("entry", ["no: v", "1.5: v", "null: v", "? [a]\n  : v", "true: v"])
def test_a_key_that_is_no_string_is_the_cause_and_not_missing_data(tree: Tree, entry: str) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData:\n"
    tree.write("s.yaml", f"{text}  {entry}\n")
    done = tree.seal("s.yaml", "--cert", "one.pem", status=1)
    assert "has no data" not in done.stderr
    assert "--allow-empty-data" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("kubernetes.io/dockerconfigjson", "a: b", "needs .dockerconfigjson"),
        ("kubernetes.io/dockercfg", "a: b", "needs .dockercfg"),
        ("kubernetes.io/tls", "tls.crt: b", "needs tls.key"),
        ("kubernetes.io/ssh-auth", "a: b", "needs ssh-privatekey"),
        ("kubernetes.io/basic-auth", "a: b", "needs username or password"),
        ("kubernetes.io/service-account-token", "token: b", "hands out rights"),
        ("bootstrap.kubernetes.io/token", "token: b", "hands out rights"),
    ],
)
def test_what_the_cluster_will_refuse_is_told_when_it_is_sealed(
    tree: Tree, kind: str, data: str, words: str
) -> None:
    tree.write("s.yaml", (SECRET % "x").replace('password: "x"', data) + f"type: {kind}\n")
    assert words in tree.seal("s.yaml", "--cert", "one.pem").stderr


@pytest.mark.parametrize("kind", ["Opaque", "kubernetes.io/basic-auth", "example.com/db"])
def test_a_type_that_has_what_it_needs_is_not_doubted(tree: Tree, kind: str) -> None:
    tree.write("s.yaml", (SECRET % "x") + f"type: {kind}\n")
    assert tree.seal("s.yaml", "--cert", "one.pem").stderr == ""


def test_verify_tells_of_keys_that_the_cluster_will_refuse(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"a b": "1"}))
    done = tree.seal("verify", "db.yaml", "--key", "one.key")
    assert "no key for a Secret" in done.stderr


def test_sealing_again_in_place_leaves_sealed_files_and_is_no_failure(tree: Tree) -> None:
    path = tree.write("db.yaml", sealed_yaml({"user": "bob"}))
    before = path.read_bytes()
    tree.write("s.yaml", SECRET % "x")
    done = tree.seal("-i", "db.yaml", "s.yaml", "--cert", "one.pem")
    assert "db.yaml: is already sealed" in done.stderr
    assert path.read_bytes() == before
    assert "kind: SealedSecret" in (tree.root / "s.yaml").read_text()
    tree.write("c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
    assert "there is no Secret" in tree.seal("-i", "c.yaml", "--cert", "one.pem", status=1).stderr


def test_kubeseals_flags_take_a_directive_before_the_first_document(tree: Tree) -> None:
    tree.write("s.yaml", "%YAML 1.1\n---\n" + SECRET % "x")
    done = tree.seal("kubeseal", "--cert", "one.pem", "-f", "s.yaml")
    assert "SealedSecret" in done.stdout


def test_check_takes_no_reference_to_a_secret_for_one(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write(".gitignore", "*.key\n")
    text = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n"
    reference = "{apiVersion: v1, kind: Secret, name: db, valuesKey: x, optional: true}"
    tree.write("r.yaml", f"{text}  valuesFrom: [{reference}]\n")
    tree.seal("check", "--raw-only")
