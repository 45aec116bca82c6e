"""Where ``seal kubeseal`` does better than kubeseal: each row of docs/kubeseal.md, on both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import sealing_keys
from tests.interop import peers
from tests.testbed.fixtures import need

PAGE = Path(__file__).parents[2] / "docs" / "kubeseal.md"
# Tested in tests/e2e/test_kubeseal_command.py and test_kubeseal_surroundings.py, and in
# tests/cli/test_certificate_sources.py.
ELSEWHERE = {
    "https-to-http",
    "full-disk",
    "validate-nothing",
    "re-encrypt-nothing",
    "re-encrypt-fields",
}
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {a: b}\n"
LABELLED = SECRET.replace("namespace: prod", "namespace: prod, labels: {app: shop}")
TWO = SECRET + "---\n" + SECRET.replace("a: b", "c: d")
FILE = (
    "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret # mine\n"
    "metadata: {name: db, namespace: prod}\nspec:\n  encryptedData:\n    old: QUJD\n"
)
WIDE = FILE.replace(
    "{name: db,", "{name: db, annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'},"
).replace("spec:\n", "spec:\n  template: {metadata: {annotations: {note: x}}}\n")
MERGE = "--cert c.pem --merge-into file.yaml"


@dataclass(frozen=True)
class Difference:
    """A command line, and what tells the programs apart: patterns over all that a run leaves."""

    arguments: str
    stdin: str
    theirs: str
    ours: str
    files: dict[str, str] = field(default_factory=dict)
    hangs: bool = False


MERGED = r"code 0.*# mine.*old: QUJD\n    a: <b'b' for b'prod/db'>"
ROWS = {
    "merge-labels": Difference(
        MERGE,
        LABELLED,
        "code 2.*assignment to entry in nil map",
        MERGED + ".*labels:\n        app: shop",
        {"file.yaml": FILE},
    ),
    "merge-no-items": Difference(
        MERGE,
        SECRET,
        "code 2.*assignment to entry in nil map",
        "code 0.*encryptedData:\n    a: <b'b' for b'prod/db'>",
        {"file.yaml": FILE.partition("spec:")[0]},
    ),
    "merge-several-documents": Difference(
        MERGE,
        SECRET,
        r"code 0.*\}\n\Z",
        MERGED + "\n---\nother: 1",
        {"file.yaml": f"{FILE}---\nother: 1\n"},
    ),
    "merge-several-secrets": Difference(
        f"{MERGE} -o yaml",
        TWO,
        r"code 0(?!.*b'd')",
        MERGED + "\n    c: <b'd' for b'prod/db'>",
        {"file.yaml": FILE},
    ),
    "merge-yaml": Difference(
        MERGE, SECRET, r"code 0.*\"old\"(?!.*# mine)", MERGED, {"file.yaml": FILE}
    ),
    "merge-scope": Difference(
        f"{MERGE} --scope cluster-wide",
        SECRET,
        "code 0.*<b'b' for b''>",
        "code 1.*error: scope mismatch: input secret is cluster-wide, "
        "and the file merged into is namespace-wide",
        {"file.yaml": WIDE},
    ),
    "merge-wide-file": Difference(
        MERGE,
        SECRET,
        "code 0.*<b'b' for b'prod/db'>",
        "code 0.*<b'b' for b'prod'>",
        {"file.yaml": WIDE},
    ),
    "merge-output-file": Difference(
        f"{MERGE} -w precious",
        SECRET,
        r"code 0.*precious 600\n\Z",
        r"code 0(?!.*precious)",
        {"file.yaml": FILE, "precious": "data\n"},
    ),
    "broken-document": Difference(
        "--cert c.pem",
        SECRET + "---\na: b: c\n",
        "code 0.*<b'b' for",
        r"code 1\nerror: <stdin>:6: not valid YAML: mapping values are not allowed",
    ),
    "duplicate-key": Difference(
        "--cert c.pem",
        SECRET + "stringData: {c: d}\n",
        "code 0(?!.*<b'b')",
        r"code 1\nerror: <stdin>:5: the key stringData is there twice",
    ),
    "number-digits": Difference(
        "--cert c.pem",
        SECRET.replace("a: b", "a: 3.14159265"),
        r"code 0.*<b'3\.1415927'",
        r"code 1\nerror: <stdin>:4: is a number that would lose digits as a string",
    ),
    "json-hang": Difference(
        "--cert c.pem",
        '{"metadata":{"name":"a","namespace":"b"},"stringData":{"p":"x"}}' * 2 + "{bad",
        "",
        r"code 1\nerror: ",
        hangs=True,
    ),
    "output-directory": Difference(
        "--cert c.pem -w .", SECRET, r"code 0\n\Z", r"code 1\nerror: open \.: is a directory"
    ),
    "unseal-several": Difference(
        "--recovery-unseal --recovery-private-key k.pem",
        FILE.replace("old: QUJD", "") + "---\n" + FILE.replace("old: QUJD", "").replace("db", "b"),
        'code 0.*"name": "db"(?!.*"name": "b")',
        'code 0.*"name": "db".*"name": "b"',
    ),
    "server-without-login": Difference(
        "--fetch-cert --server https://127.0.0.1:1",
        "",
        "code 1\nPlease enter Username: error: read /dev/stdout: bad file descriptor",
        "code 1\nerror: cannot get sealed secret service: .*connection refused",
    ),
}


def listed() -> dict[str, str]:
    """Return the rows of the page by their case."""
    table = re.findall(r"^\| ([a-z][a-z-]+) \| (.+)\|$", PAGE.read_text(), re.MULTILINE)
    return {case: words for case, words in table if case != "case"}


def seen(program: list[str], row: Difference, folder: Path) -> str:
    """Run it; return code, output, errors and changed files as one text."""
    need("kubeseal")
    mine = sealing_keys.pair("one")
    files: dict[str, str | bytes] = {
        "c.pem": mine.certificate.pem,
        "k.pem": mine.private_pem(),
        **row.files,
    }
    done = peers.run(
        program,
        row.arguments.split(),
        folder,
        files=files,
        stdin=row.stdin,
        seconds=2 if row.hangs else 30,
    )
    changed = "".join(f"{name} {mode:o}\n{text}" for name, (mode, text) in done.files.items())
    text = f"code {done.code}\n{done.stdout}{done.stderr}{changed}"
    return peers.opened(text, sealing_keys.ring("one"))


def test_the_page_lists_what_is_tested() -> None:
    assert listed().keys() == ROWS.keys() | ELSEWHERE


@pytest.mark.parametrize("row", [pytest.param(row, id=case) for case, row in ROWS.items()])
def test_kubeseal_does_what_the_page_says(row: Difference, tmp_path: Path) -> None:
    if row.hangs:
        with pytest.raises(TimeoutError):
            seen(peers.kubeseal(), row, tmp_path / "run")
        return
    text = seen(peers.kubeseal(), row, tmp_path / "run")
    assert re.match(row.theirs, text, re.DOTALL), text


@pytest.mark.parametrize("row", [pytest.param(row, id=case) for case, row in ROWS.items()])
def test_seal_kubeseal_does_better(row: Difference, tmp_path: Path) -> None:
    text = seen(peers.ours(), row, tmp_path / "run")
    assert re.match(row.ours, text, re.DOTALL), text
