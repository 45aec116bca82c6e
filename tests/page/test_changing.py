"""A pasted SealedSecret or Secret on the page, the forms of types, and links to repositories."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.page.conftest import Origin
from tests.page.using import (
    add,
    name_it,
    opened,
    refused,
    seal,
    sealed,
    without_ciphertext,
)
from tests.testbed import binaries
from tests.testbed.chromium import Tab
from tests.testbed.fixtures import need

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: database
  namespace: shop
  creationTimestamp: null
  labels:
    app: shop
    "10": "yes"
  annotations:
    note: |
      two
      lines
    kubectl.kubernetes.io/last-applied-configuration: |
      {"stringData":{"password":"leaked"}}
    sealedsecrets.bitnami.com/namespace-wide: "true"
type: Opaque
immutable: true
data:
  user: YXBw
  password: cGFzcw==
stringData:
  password: "hunter2"
  text: |
    one
    two
"""


@pytest.fixture
def existing(from_file: Origin, tmp_path: Path) -> Path:
    """A SealedSecret that seal made, with comments of somebody's."""
    (tmp_path / "secret.yaml").write_text(SECRET)
    text = seal(tmp_path, "secret.yaml", "--cert", str(from_file.cert))
    commented = re.sub(r"(  encryptedData:\n)", r"\1    # who: shop\n", f"# ours\n{text}")
    (tmp_path / "sealed.yaml").write_text(commented)
    return tmp_path / "sealed.yaml"


def test_a_pasted_secret_is_sealed_as_seal_does(
    tab: Tab, from_file: Origin, existing: Path
) -> None:
    tab.fill("Existing SealedSecret", SECRET)
    assert tab.value("Existing SealedSecret") == ""
    assert tab.value("Name") == "database"
    assert tab.value("Scope", "combobox") == "namespace-wide"
    wanted = seal(existing.parent, "secret.yaml", "--cert", str(from_file.cert))
    text = sealed(tab)
    assert without_ciphertext(text) == without_ciphertext(wanted)
    assert opened(text, from_file.key) == opened(wanted, from_file.key)


def test_adding_is_seal_set_and_every_other_line_stays(
    tab: Tab, from_file: Origin, existing: Path
) -> None:
    before = existing.read_text()
    tab.fill("Existing SealedSecret", before)
    add(tab, "new.key", "v")
    add(tab, "user", "other")
    text = sealed(tab)
    for key, value in (("new.key", "v"), ("user", "other")):
        arguments = ["set", str(existing), key, "--cert", str(from_file.cert)]
        seal(existing.parent, *arguments, given=value)
    assert without_ciphertext(text) == without_ciphertext(existing.read_text())
    assert opened(text, from_file.key) == opened(existing.read_text(), from_file.key)
    changed = set(before.splitlines()) - set(text.splitlines())
    assert [line.partition(":")[0].strip() for line in changed] == ["user"]


def test_for_another_cluster_the_note_of_its_certificate_is_kept_true(
    tab: Tab, from_file: Origin, existing: Path
) -> None:
    tab.fill("Existing SealedSecret", existing.read_text())
    tab.choose("Cluster", "dev")
    add(tab, "user", "other")
    text = sealed(tab)
    cert = str(from_file.folder / "dev.pem")
    seal(existing.parent, "set", str(existing), "user", "--cert", cert, given="other")
    assert without_ciphertext(text) == without_ciphertext(existing.read_text())


def test_keys_of_an_existing_one_are_renamed_and_removed_without_a_value(
    tab: Tab, from_file: Origin, existing: Path
) -> None:
    before = existing.read_text()
    tab.fill("Existing SealedSecret", before)
    tab.click("Rename", of="user")
    tab.fill("New key", "username")
    tab.press("Enter")
    tab.settle()
    tab.click("Remove", of="text")
    text = sealed(tab)
    lines = [line for line in before.splitlines() if not line.startswith("    text:")]
    assert text.splitlines() == [re.sub(r"^    user:", "    username:", one) for one in lines]
    assert opened(text, from_file.key) == [{"username": b"app", "password": b"hunter2"}]


def test_a_file_keeps_its_line_ends_and_its_mark(
    tab: Tab, from_file: Origin, existing: Path, tmp_path: Path
) -> None:
    before = b"\xef\xbb\xbf" + existing.read_bytes().replace(b"\n", b"\r\n")
    existing.write_bytes(before)
    tab.choose_files("open", [existing])
    add(tab, "new", "v")
    tab.click("Seal")
    downloads = tmp_path / "downloads"
    tab.download_to(downloads)
    tab.click("Download")
    assert tab.downloaded() == "completed"
    after = (downloads / "sealed.yaml").read_bytes()
    added = [
        line for line in after.splitlines(keepends=True) if line not in before.splitlines(True)
    ]
    assert len(added) == 1
    assert added[0].endswith(b"\r\n")
    assert after.replace(added[0], b"") == before


def test_files_are_dropped_anywhere_and_never_take_the_pages_place(
    tab: Tab, from_file: Origin, existing: Path, tmp_path: Path
) -> None:
    blob = tmp_path / "blob.bin"
    blob.write_bytes(bytes(range(256)))
    tab.drop("footer", [blob])
    tab.drop("#existing", [existing])
    assert tab.value("Name") == "database"
    before = opened(existing.read_text(), from_file.key)[0]
    assert opened(sealed(tab), from_file.key) == [{**before, "blob.bin": blob.read_bytes()}]
    tab.drop("#existing", [blob])
    assert "not text in UTF-8" in tab.text("#existing-status")
    assert "not text in UTF-8" in refused(tab)


def test_it_is_used_by_the_keyboard_alone(tab: Tab, from_file: Origin) -> None:
    name_it(tab)
    tab.evaluate("document.getElementById('key').focus()")
    tab.call("Input.insertText", text="a")
    tab.press("Tab")
    tab.call("Input.insertText", text="b")
    reached = []
    while "seal" not in reached:
        tab.press("Tab")
        reached.append(tab.evaluate("document.activeElement.id"))
        assert len(reached) < 20
    tab.press("Enter")
    tab.settle()
    assert reached == ["show", "generate", "file", "add", "seal"]
    assert opened(tab.value("SealedSecret"), from_file.key) == [{"a": b"b"}]


def test_what_cannot_be_changed_says_so_and_nothing_is_sealed_into_it(tab: Tab) -> None:
    tab.fill("Existing SealedSecret", '{"kind": "SealedSecret"}')
    assert "seal set" in tab.text("#existing-status")
    name_it(tab)
    add(tab, "a", "b")
    assert "seal set" in refused(tab)
    tab.fill("Existing SealedSecret", "")
    sealed(tab)


def test_what_stands_around_a_pasted_one_goes_into_no_address(tab: Tab, existing: Path) -> None:
    tab.fill("Existing SealedSecret", f"# password: hunter2\n{existing.read_text()}")
    tab.fill("Repository", "https://github.com/o/r/tree/main")
    add(tab, "new", "x")
    assert "# password: hunter2" in sealed(tab)
    href = tab.evaluate("document.querySelector('#link a').href")
    assert href == "https://github.com/o/r/new/main?filename=database.yaml"
    tab.fill("Existing SealedSecret", f"{existing.read_text()}---\n{SECRET}")
    assert "There are several" in tab.text("#existing-status")


def test_what_may_be_a_secret_in_clear_is_refused_beside_a_sealed_one(
    tab: Tab, existing: Path
) -> None:
    tab.fill("Existing SealedSecret", f"{existing.read_text()}---\n{{kind: Secret}}\n")
    assert "may be a Secret in clear" in tab.text("#existing-status")
    name_it(tab)
    add(tab, "a", "b")
    assert "may be a Secret in clear" in refused(tab)


def test_a_key_pasted_in_clear_that_kubernetes_would_not_read_is_refused(tab: Tab) -> None:
    tab.fill("Existing SealedSecret", SECRET.replace('"hunter2"', "yes"))
    assert "stringData.password must be a string" in tab.text("#existing-status")
    tab.fill("Existing SealedSecret", SECRET.replace("cGFzcw==", "not base64!"))
    assert "data.password is not valid base64" in tab.text("#existing-status")
    tab.fill("Existing SealedSecret", SECRET.replace("stringData:", "stringdata:"))
    assert "stringdata cannot be taken over" in tab.text("#existing-status")


def test_the_registry_form_makes_what_kubectl_makes(tab: Tab, from_file: Origin) -> None:
    need("kubectl")
    tab.choose("Type", "kubernetes.io/dockerconfigjson")
    name_it(tab)
    fields = {"Server": "registry.example", "Username": "me", "Password": 'p<&>"ü', "Email": "a@b"}
    for name, text in fields.items():
        tab.fill(name, text)
    [data] = opened(sealed(tab), from_file.key)
    command = [str(binaries.path("kubectl")), "create", "secret", "docker-registry", "x"]
    options = [f"--docker-{name.lower()}={text}" for name, text in fields.items()]
    made = subprocess.run(
        [*command, *options, "--dry-run=client", "-o", "jsonpath={.data.\\.dockerconfigjson}"],
        capture_output=True,
        check=True,
    )
    import base64

    assert data == {".dockerconfigjson": base64.b64decode(made.stdout)}


@pytest.mark.parametrize(
    ("kind", "fields", "data"),
    [
        pytest.param(
            "kubernetes.io/basic-auth",
            {"Username": "me", "Password": " p "},
            {"username": b"me", "password": b" p "},
            id="basic-auth",
        ),
        pytest.param(
            "kubernetes.io/ssh-auth",
            {"Private key": "-----\nkey\n"},
            {"ssh-privatekey": b"-----\nkey\n"},
            id="ssh",
        ),
        pytest.param(
            "kubernetes.io/tls",
            {"Certificate": "c\n", "Private key": "k\n"},
            {"tls.crt": b"c\n", "tls.key": b"k\n"},
            id="tls",
        ),
    ],
)
def test_types_have_fields_of_their_own(
    tab: Tab, from_file: Origin, kind: str, fields: dict[str, str], data: dict[str, bytes]
) -> None:
    tab.choose("Type", kind)
    name_it(tab)
    add(tab, "other", "x")
    if kind != "kubernetes.io/basic-auth":
        assert f"{kind} needs" in refused(tab)
    for name, text in fields.items():
        tab.fill(name, text)
    text = sealed(tab)
    assert opened(text, from_file.key) == [{**data, "other": b"x"}]
    assert f"type: {kind}\n" in text


@pytest.mark.parametrize(
    ("address", "link"),
    [
        pytest.param(
            "https://github.com/o/r/tree/main/apps/x",
            "https://github.com/o/r/new/main/apps/x?filename=database.yaml&value=",
            id="github-folder",
        ),
        pytest.param(
            "https://git.corp.example/o/r/blob/main/a.yaml",
            "https://git.corp.example/o/r/edit/main/a.yaml",
            id="github-file",
        ),
        pytest.param(
            "https://gitlab.example/g/s/p/-/tree/main/apps",
            "https://gitlab.example/g/s/p/-/new/main/apps?file_name=database.yaml&content=",
            id="gitlab-folder",
        ),
        pytest.param(
            "https://gitlab.example/g/p/-/blob/main/a.yaml?ref=1",
            "https://gitlab.example/g/p/-/edit/main/a.yaml",
            id="gitlab-file",
        ),
        pytest.param(
            "https://dev.azure.com/o/p/_git/r?path=/a.yaml&version=GBmain",
            "https://dev.azure.com/o/p/_git/r?path=/a.yaml&version=GBmain",
            id="azure",
        ),
        pytest.param(
            "https://github.com/o/r.git", "https://github.com/o/r/new/HEAD?filename=", id="bare"
        ),
        pytest.param("http://github.com/o/r/tree/main", None, id="http"),
        pytest.param("javascript:alert(1)", None, id="javascript"),
        pytest.param("https://me:password@github.com/o/r/tree/main", None, id="password"),
        pytest.param("https://github.com", None, id="host"),
    ],
)
def test_links_open_the_editor_of_the_repository(tab: Tab, address: str, link: str | None) -> None:
    name_it(tab)
    add(tab, "a", "the-value")
    sealed(tab)
    tab.fill("Repository", address)
    found = tab.evaluate("[...document.querySelectorAll('#link a')].map((a) => [a.href, a.rel])")
    if link is None:
        assert found == []
        assert tab.text("#link").startswith(("The repository's address", "This address is not"))
    else:
        [[href, rel]] = found
        assert href.startswith(link)
        assert rel == "noopener noreferrer"
        assert "the-value" not in href


def test_no_ciphertext_is_in_a_link_above_eight_kilobytes(tab: Tab) -> None:
    name_it(tab)
    tab.fill("Repository", "https://github.com/o/r/tree/main")
    add(tab, "a", "b")
    sealed(tab)
    href = "document.querySelector('#link a').href"
    assert "SealedSecret" in tab.evaluate(href)
    add(tab, "large", "x" * 6000)
    sealed(tab)
    assert tab.evaluate(href) == "https://github.com/o/r/new/main?filename=database.yaml"
    assert "Copy the SealedSecret first" in tab.text("#link")


def test_the_languages_have_the_same_words_and_a_switch(tab: Tab) -> None:
    english = tab.names("button")
    for code, title in (
        ("de", "Ein Secret versiegeln"),
        ("fr", "Sceller un Secret"),
        ("es", "Sellar un Secret"),
        ("ja", "Secret を封印する"),
    ):
        tab.evaluate("document.getElementById('language').focus()")
        tab.choose({"de": "Language", "fr": "Sprache", "es": "Langue", "ja": "Idioma"}[code], code)
        assert tab.text("h1") == title
        assert tab.evaluate("document.documentElement.lang") == code
        assert tab.names("button")[1:3] != english[1:3]
        assert tab.evaluate(
            "[...document.querySelectorAll('[data-word]')].every((one) => one.textContent)"
        )


def test_every_table_of_words_has_the_same_keys_and_facts(folder: Path) -> None:
    from sealer.page.document import sources

    tables = {
        name: dict(re.findall(r'^  "([^"]+)": "(.*)",$', text, re.MULTILINE))
        for name, text in sources().items()
        if name.startswith("words-")
    }
    english = tables["words-en.js"]
    for name, table in tables.items():
        assert table.keys() == english.keys(), name
        for word, text in table.items():
            facts = sorted(re.findall(r"\{[a-z]+\}", text))
            assert facts == sorted(re.findall(r"\{[a-z]+\}", english[word])), (name, word)
    code = "".join(text for name, text in sources().items() if not name.startswith("words-"))
    asked = re.findall(
        r'(?:told|say|Refusal|fault|refuse|done|existingStatus)\(\s*"([\w.-]+)"', code
    )
    asked += re.findall(r'data-word="([\w.-]+)"', code)
    assert set(asked) <= english.keys()
    assert len(asked) > 80
    begun = ("scope.", "items.")
    assert {one for one in english if f'"{one}"' not in code and not one.startswith(begun)} == set()
