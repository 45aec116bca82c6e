"""`seal set`, `seal remove` and `seal edit` as people and their editors use them."""

from __future__ import annotations

import difflib
import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.rotation import corpus
from tests.testbed.cluster import wait_for
from tests.testbed.inotify import watching
from tests.tree import CANARY, SEAL, Tree, sealed_yaml

COMMENTED = """\
# The shop's database.
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db   # strict
  namespace: prod
spec:
  encryptedData:
    # who
    username: {username}
    password: "{password}" # rotate in May
  template:
    type: Opaque
---
kind: ConfigMap
apiVersion: v1
metadata: {{name: other}}
"""


def commented() -> str:
    """A file with comments, quotes and a second document."""
    import yaml

    data = yaml.safe_load(sealed_yaml({"username": "shop", "password": "old"}))["spec"]
    return COMMENTED.format(**data["encryptedData"])


def changed_lines(before: str, after: str) -> list[str]:
    """The lines that a diff shows, without the context."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line[0] + line[1:].split(":")[0] for line in list(lines)[2:] if line[0] in "+-"]


def editor(tree: Tree, body: str) -> dict[str, str]:
    """An $EDITOR that runs Python on the text; ``text`` and ``path`` are its names."""
    script = tree.home / "editor.py"
    script.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n"
        f"text = path.read_text()\n{body}\npath.write_text(text)\n"
    )
    script.chmod(0o755)
    return {"EDITOR": str(script)}


def test_set_replaces_one_value_with_one_line_of_diff(tree: Tree) -> None:
    before = commented()
    path = tree.write("db.yaml", before)
    done = tree.seal("set", "db.yaml", "password", "--cert", "one.pem", text="new")
    assert changed_lines(before, path.read_text()) == ["-    password", "+    password"]
    assert "# rotate in May" in path.read_text()
    assert tree.values("db.yaml") == {"username": "shop", "password": "new"}
    assert done.stderr == "seal: note: db.yaml: prod/db: replaced password\n"


def test_parallel_sets_of_one_file_keep_every_key(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    keys = [f"key-{number}" for number in range(8)]

    def add(key: str) -> None:
        tree.seal("set", "db.yaml", key, "--cert", "one.pem", text=key)

    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(add, keys))
    assert tree.values("db.yaml") == {"username": "shop", "password": "old"} | {k: k for k in keys}


def test_parallel_sets_that_make_one_file_keep_every_key(tree: Tree) -> None:
    keys = [f"key-{number}" for number in range(4)]

    def add(key: str) -> None:
        which = ("--name", "db", "-n", "prod", "--cert", "one.pem")
        tree.seal("set", "new.yaml", key, *which, text=key)

    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(add, keys))
    assert tree.values("new.yaml") == {k: k for k in keys}


def test_a_layout_that_cannot_be_edited_is_told_once_with_its_cure(tree: Tree) -> None:
    text = commented().replace("    username: ", "    ? username\n    : ")
    path = tree.write("db.yaml", text)
    done = tree.seal("set", "db.yaml", "url", "--cert", "one.pem", text="x", status=1)
    assert done.stderr == (
        "seal: error: db.yaml:8: spec.encryptedData.url: cannot be edited in place in this layout\n"
        "seal: hint: write its mapping as plain lines, key: value\n"
    )
    assert path.read_text() == text


def test_set_fills_a_mapping_that_stands_empty(tree: Tree) -> None:
    head = (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\n"
    )
    tree.write("db.yaml", head + "spec:\n  encryptedData: # none yet\n")
    tree.seal("set", "db.yaml", "url", "--cert", "one.pem", text="x")
    assert tree.values("db.yaml") == {"url": "x"}


def other_set(key: str, value: str) -> str:
    """Python for an editor: another run sets a key of db.yaml while the text is open."""
    command = [SEAL, "set", "db.yaml", key, "--cert", "one.pem"]
    return f"import subprocess; subprocess.run({command}, input={value!r}, text=True, check=True)\n"


def test_edit_keeps_what_others_set_meanwhile(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    mine = other_set("url", "theirs") + "text = text.replace('<sealed password, 3 bytes>', 'mine')"
    done = tree.seal("edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, mine))
    assert tree.values("db.yaml") == {"username": "shop", "password": "mine", "url": "theirs"}
    assert "replaced password" in done.stderr


def test_edit_fails_where_others_changed_the_same_key_meanwhile(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    mine = other_set("password", "theirs") + "text = text.replace('password: ', 'pass: ')"
    done = tree.seal(
        "edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, mine), status=1
    )
    assert tree.values("db.yaml") == {"username": "shop", "password": "theirs"}
    assert "prod/db: was changed meanwhile" in done.stderr


def test_parallel_merges_and_removals_keep_each_others_keys(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({f"old-{number}": "x" for number in range(4)}))
    for number in range(4):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}
        tree.write(f"{number}.json", json.dumps({**secret, "stringData": {f"new-{number}": "y"}}))

    def change(number: int) -> None:
        tree.seal("merge", "-i", "db.yaml", f"{number}.json", "--cert", "one.pem")
        tree.seal("remove", "db.yaml", f"old-{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(4)))
    assert tree.values("db.yaml") == {f"new-{number}": "y" for number in range(4)}


def test_set_adds_a_key_with_one_line_of_diff(tree: Tree) -> None:
    before = commented()
    path = tree.write("db.yaml", before)
    tree.seal("set", "db.yaml", "url", "--cert", "one.pem", text="postgres://")
    assert changed_lines(before, path.read_text()) == ["+    url"]
    assert tree.values("db.yaml")["url"] == "postgres://"


def test_set_makes_a_file_that_is_not_there(tree: Tree) -> None:
    tree.write("value.txt", "from a file\n")
    arguments = ("--name", "db", "-n", "prod", "--type", "example.com/db", "--cert", "one.pem")
    tree.seal("set", "new.json", "k", "@value.txt", *arguments)
    manifest = json.loads((tree.root / "new.json").read_text())
    assert manifest["spec"]["template"]["type"] == "example.com/db"
    assert tree.values("new.json") == {"k": "from a file\n"}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param(("db.yaml", "k", CANARY), 2, "history", id="a value as an argument"),
        pytest.param(("db.yaml", "a/b"), 2, "no key for a Secret", id="a key Kubernetes refuses"),
        pytest.param(("none.yaml", "k"), 2, "--name", id="a new file without a name"),
        pytest.param(("db.yaml", "k", "--type", "Opaque"), 2, "new file", id="type of an old file"),
        pytest.param(("db.yaml", "k", "--name", "x"), 1, "no such", id="another name"),
        pytest.param(("-", "k"), 2, "standard input", id="standard input as the file"),
    ],
)
def test_set_refuses(tree: Tree, arguments: tuple[str, ...], status: int, words: str) -> None:
    path = tree.write("db.yaml", commented())
    before = path.read_text()
    done = tree.seal("set", *arguments, "--cert", "one.pem", text=CANARY, status=status)
    assert words in done.stderr
    assert CANARY not in done.stderr + done.stdout
    assert path.read_text() == before
    assert not (tree.root / "none.yaml").exists()


def test_set_chooses_one_of_several_by_name(tree: Tree) -> None:
    two = sealed_yaml({"a": "1"}) + "---\n" + sealed_yaml({"b": "2"}, name="other")
    tree.write("two.yaml", two)
    refused = tree.seal("set", "two.yaml", "c", "--cert", "one.pem", text="3", status=1)
    assert "several SealedSecrets: prod/db, prod/other" in refused.stderr
    tree.seal("set", "two.yaml", "c", "--name", "other", "--cert", "one.pem", text="3")
    assert tree.values("two.yaml") == {"a": "1", "b": "2", "c": "3"}


def test_set_refuses_more_than_kubernetes_takes(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    big = b"x" * (1024 * 1024)
    done = tree.seal("set", "db.yaml", "big", "--cert", "one.pem", text=big, status=1)
    assert "Kubernetes takes 1048576" in done.stderr


def test_set_and_edit_take_the_certificate_of_the_rule_for_the_path(tree: Tree) -> None:
    tree.write(".seal.toml", '[[rule]]\npath = "prod/**"\ncert = "two.pem"\n')
    tree.git("init", "-q")
    tree.write("prod/db.yaml", commented())
    tree.seal("set", "prod/db.yaml", "a", text="1")
    tree.seal("edit", "prod/db.yaml", environment=editor(tree, "text += 'b: two\\n'"))
    values = tree.values("prod/db.yaml", "one.key", "two.key")
    assert (values["a"], values["b"]) == ("1", "two")
    tree.seal("remove", "prod/db.yaml", "username", "password")
    assert tree.values("prod/db.yaml", "two.key") == {"a": "1", "b": "two"}


def test_remove_takes_out_one_line(tree: Tree) -> None:
    before = commented()
    path = tree.write("db.yaml", before)
    tree.seal("remove", "db.yaml", "password")
    assert changed_lines(before, path.read_text()) == ["-    password"]
    assert tree.values("db.yaml") == {"username": "shop"}


def test_remove_of_a_key_that_is_not_there_changes_nothing(tree: Tree) -> None:
    path = tree.write("db.yaml", commented())
    before = path.read_text()
    done = tree.seal("remove", "db.yaml", "username", "nope", status=1)
    assert "has no key nope" in done.stderr
    assert path.read_text() == before


def test_edit_shows_sealed_values_with_their_size_and_needs_no_private_key(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    tree.run("rm", "one.key", "two.key")
    seen = tree.home / "seen"
    tree.seal(
        "edit",
        "db.yaml",
        "--cert",
        "one.pem",
        environment=editor(tree, f"pathlib.Path({str(seen)!r}).write_text(text)"),
    )
    shown = [line for line in seen.read_text().splitlines() if not line.startswith("# ")]
    assert shown == ["username: <sealed username, 4 bytes>", "password: <sealed password, 3 bytes>"]


def test_edit_adds_replaces_renames_and_removes_and_leaves_the_rest_alone(tree: Tree) -> None:
    text = sealed_yaml({"keep": "1", "replace": "2", "rename": "3", "remove": "4"})
    path = tree.write("db.yaml", "# comment\n" + text)
    body = """
text = text.replace("<sealed replace, 1 byte>", "new").replace("rename:", "renamed:")
text = "".join(line + "\\n" for line in text.splitlines() if not line.startswith("remove"))
text += "added: |\\n  two\\n  lines\\n"
"""
    done = tree.seal("edit", "db.yaml", "--cert", "two.pem", environment=editor(tree, body))
    assert tree.values("db.yaml", "one.key", "two.key") == {
        "keep": "1",
        "replace": "new",
        "renamed": "3",
        "added": "two\nlines\n",
    }
    assert changed_lines("# comment\n" + text, path.read_text()) == [
        "-    sealer.dev/certificate-fingerprint",
        "+    sealer.dev/certificate-fingerprint",
        "-    replace",
        "-    rename",
        "-    remove",
        "+    replace",
        "+    renamed",
        "+    added",
    ]
    words = ("replaced replace", "added added", "renamed rename to renamed", "removed remove")
    assert all(word in done.stderr for word in words)


def test_edit_with_a_key_shows_values_and_keeps_ciphertext_that_was_not_touched(
    tree: Tree,
) -> None:
    before = commented()
    path = tree.write("db.yaml", before)
    change = editor(tree, 'assert "password: old" in text\ntext = text.replace(" old", " new")')
    tree.seal("edit", "db.yaml", "--cert", "one.pem", "--key", "one.key", environment=change)
    assert changed_lines(before, path.read_text()) == ["-    password", "+    password"]
    assert tree.values("db.yaml")["password"] == "new"


def test_edit_that_changes_nothing_writes_nothing(tree: Tree) -> None:
    path = tree.write("db.yaml", commented())
    before = path.stat().st_mtime_ns
    done = tree.seal("edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, ""))
    assert path.stat().st_mtime_ns == before
    assert "nothing is changed" in done.stderr


def test_edit_opens_the_editor_again_until_the_text_can_be_read(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    body = """
if text.startswith("#! <editor>"):
    text = text.replace("port: 5432", "port: '5432'")
else:
    text += "port: 5432\\n"
"""
    tree.seal("edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, body))
    assert tree.values("db.yaml")["port"] == "5432"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("text += 'port: 5432\\n'", "quote it", id="number"),
        pytest.param("text = ''", "0 documents", id="everything gone"),
        pytest.param("text += 'x: <sealed y, 3 bytes>\\n'", "stands for no value", id="invented"),
        pytest.param(f"text += 'a b: {CANARY}\\n'", "no key for a Secret", id="bad key"),
        pytest.param(f"text += 'x: [{CANARY}\\n'", "not valid YAML", id="bad syntax"),
        pytest.param(f"text += 'x: {{base64: {CANARY}}}\\n'", "not valid base64", id="bad base64"),
        pytest.param(f"text += 'x: {CANARY}\\n'; sys.exit(1)", "status 1", id="editor fails"),
    ],
)
def test_edit_gives_up_when_the_editor_does_and_tells_no_value(
    tree: Tree, body: str, words: str
) -> None:
    path = tree.write("db.yaml", commented())
    before = path.read_text()
    # It changes the text the first time only: nobody is there to cure it.
    once = f"if '#! ' not in text:\n    {body}"
    done = tree.seal(
        "edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, once), status=1
    )
    assert words in done.stderr
    assert CANARY not in done.stderr + done.stdout
    assert path.read_text() == before


AUDITED = """
import os, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def audit(event, arguments):
    if event == "open" and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR) and isinstance(arguments[0], str):
            os.write(log, os.path.realpath(arguments[0]).encode() + b"\\n")
sys.addaudithook(audit)
from sealer.cli import main
sys.argv[0] = "seal"
main()
"""


def written_files(tree: Tree, *arguments: str, text: str = "", **environment: str) -> list[Path]:
    """Run seal and return every path that it opened for writing."""
    script, log = tree.write("../audited.py", AUDITED), tree.root.parent / "opened"
    log.unlink(missing_ok=True)
    tree.run(sys.executable, str(script), str(log), *arguments, text=text, environment=environment)
    return [Path(line) for line in log.read_text().splitlines() if line != "/dev/null"]


def files_with(needle: str, *folders: Path) -> list[Path]:
    """Every file below these folders that holds the text."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and needle.encode() in path.read_bytes()
    ]


def test_set_opens_no_file_but_the_sealed_one_for_writing(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write("db.yaml", commented())
    tree.git("add", "db.yaml")
    written = written_files(tree, "set", "db.yaml", "password", "--cert", "one.pem", text=CANARY)
    # The one file: a temporary one beside it, sealed already, that takes its place.
    assert len(written) == 1
    assert written[0].parent == tree.root.resolve()
    assert written[0].name.startswith(".db.yaml.")
    assert tree.values("db.yaml")["password"] == CANARY
    assert files_with(CANARY, tree.root, tree.home) == []


def test_edit_keeps_cleartext_on_a_file_system_in_memory_and_wipes_it(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write("db.yaml", commented())
    tree.git("add", "db.yaml")
    seen = tree.home / "seen"
    body = f"""
import json, os, tempfile
device = os.stat(path).st_dev
number = f"{{os.major(device)}}:{{os.minor(device)}}"
kinds = [line.split(" - ")[1].split()[0] for line in open("/proc/self/mountinfo")
         if line.split()[2] == number]
facts = dict(path=str(path), kinds=kinds, mode=os.stat(path).st_mode,
             folder=os.stat(path.parent).st_mode, temporary=tempfile.gettempdir())
pathlib.Path({str(seen)!r}).write_text(json.dumps(facts))
text += "secret: " + "-".join(["xyzzy", "canary", "51c0"]) + "\\n"
"""
    arguments = ("edit", "db.yaml", "--cert", "one.pem", "--key", "one.key")
    written = written_files(tree, *arguments, **editor(tree, body))
    facts = json.loads(seen.read_text())
    assert set(facts["kinds"]) <= {"tmpfs", "ramfs"}
    assert stat.S_IMODE(facts["mode"]) == 0o600
    assert stat.S_IMODE(facts["folder"]) == 0o700
    assert facts["temporary"] == os.path.dirname(facts["path"])  # noqa: PTH120
    assert not Path(facts["path"]).parent.exists()
    on_disk = [path for path in written if str(path) != facts["path"]]
    assert [path.parent for path in on_disk] == [tree.root.resolve()]
    assert tree.values("db.yaml")["secret"] == CANARY
    assert files_with(CANARY, tree.root, tree.home) == []


def test_the_kernel_sees_no_cleartext_in_any_folder_on_disk(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write("db.yaml", commented())
    tree.git("add", "db.yaml")
    add = 'text += "secret: " + "-".join(["xyzzy", "canary", "51c0"]) + "\\n"'
    tool = editor(tree, add)
    # The test's folder holds the home, the work tree and .git; others drop files in the second.
    with watching(CANARY, tree.root.parent, Path("/var/tmp")) as watcher:  # noqa: S108
        tree.seal("set", "db.yaml", "password", "--cert", "one.pem", text=CANARY)
        keys = ("--cert", "one.pem", "--key", "one.key")
        tree.seal("edit", "db.yaml", *keys, environment=tool)
    assert tree.values("db.yaml")["secret"] == CANARY
    assert tree.root / "db.yaml" in watcher.seen
    assert watcher.found == set()


def test_the_kernels_witness_would_see_it(tree: Tree) -> None:
    with watching(CANARY, tree.root.parent) as watcher:
        leak = tree.root / "new" / "short-lived"
        leak.parent.mkdir()
        wait_for("the new folder is watched", lambda: watcher.watches(leak.parent))
        leak.write_text(CANARY)
        wait_for("it is seen", lambda: leak in watcher.found)
        leak.unlink()
    assert watcher.found == {leak}


def test_edit_refuses_where_there_is_no_memory_to_edit_in(tmp_path: Path) -> None:
    from sealer.files import scratch

    assert scratch.in_memory(Path("/proc")) is False
    assert scratch.in_memory(tmp_path / "nowhere") is False


def test_a_term_signal_wipes_the_directory_in_memory(tree: Tree) -> None:
    tree.write("db.yaml", commented())
    seen = tree.home / "seen"
    body = f"""
import os, signal, time
pathlib.Path({str(seen)!r}).write_text(str(path.parent))
os.kill(os.getppid(), signal.SIGTERM)
"""
    tree.seal("edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, body), status=143)
    assert not Path(seen.read_text()).exists()


@pytest.mark.parametrize("style", corpus.STYLES, ids=lambda style: style.__name__)
def test_every_style_can_be_edited_in_place(tree: Tree, style: object) -> None:
    number = next(n for n, one in enumerate(corpus.STYLES) if one is style)
    text = list(corpus.files(len(corpus.STYLES)))[number][1]
    name = "x.json" if style is corpus.as_json else "x.yaml"
    path = tree.write(name, text)
    body = """
text = text.replace("username:", "user:")
text += "added: a\\nempty: ''\\n"
"""
    tree.seal("edit", name, "--cert", "one.pem", environment=editor(tree, body))
    tree.seal("set", name, "user", "--cert", "one.pem", text="new")
    tree.seal("remove", name, "empty")
    after = path.read_bytes().decode()
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert ("\r\n" in text) == ("\n" not in after.replace("\r\n", ""))
    comments = [line for line in text.split("\n") if line.strip().startswith("#")]
    assert all(line in after for line in comments)
    path.write_text(after.removeprefix("\ufeff"))
    assert tree.values(name) == {
        "user": "new",
        "password": corpus.values(number)["password"],
        "added": "a",
    }


def test_edit_takes_several_sealed_secrets_of_a_file_at_once(tree: Tree) -> None:
    tree.write("two.yaml", sealed_yaml({"a": "1"}) + "---\n" + sealed_yaml({"b": "2"}, name="x"))
    body = "text = text.replace('b: <sealed b, 1 byte>', 'c: <sealed b, 1 byte>\\nd: new')"
    tree.seal("edit", "two.yaml", "--cert", "one.pem", environment=editor(tree, body))
    assert tree.values("two.yaml") == {"a": "1", "c": "2", "d": "new"}


HOSTILE = "Opaque)\\ninjected: 'owned'\\x1b[2J\\u202e\\n# ("


@pytest.mark.parametrize("field", ["type", "name"])
def test_a_name_or_type_makes_no_line_of_what_is_edited(tree: Tree, field: str) -> None:
    text = sealed_yaml({"a": "1"}, kind="Opaque")
    if field == "type":
        text = text.replace("type: Opaque", f'type: "{HOSTILE}"')
    else:
        text = text.replace("  name: db", f'  name: "{HOSTILE}"')
    path = tree.write("db.yaml", text)
    look = 'assert not [line for line in text.splitlines() if line.startswith("injected")], text\n'
    look += 'assert all(char.isprintable() or char == "\\n" for char in text), text'
    done = tree.seal("edit", "db.yaml", "--cert", "one.pem", environment=editor(tree, look))
    assert "nothing is changed" in done.stderr
    assert path.read_text() == text
