"""What the page seals is opened by the real kubeseal and by seal, and reads as seal's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.page.conftest import Origin
from tests.page.using import (
    add,
    add_file,
    name_it,
    opened,
    opened_by_kubeseal,
    refused,
    seal,
    sealed,
    without_ciphertext,
)
from tests.testbed.chromium import Tab
from tests.testbed.fixtures import need

OpenPage = Callable[[str], Tab]
SCOPES = ("strict", "namespace-wide", "cluster-wide")
TEXTS = {
    "password": "hunter2",
    "lines": "first\nsecond\n",
    "umlauts": "Grüße, 日本, 😀",
    "empty": "",
    "__proto__": "polluted",
    "10": "ten",
    "2": "two",
    "y": "yes",
    "constructor": "c",
    "-._A": "odd",
    "k" * 200: "long",
}


@pytest.mark.parametrize("scope", SCOPES)
def test_kubeseal_and_seal_open_what_the_page_sealed(
    open_page: OpenPage, origin: Origin, tmp_path: Path, scope: str
) -> None:
    need("kubeseal")
    tab = open_page(origin.url)
    name_it(tab, "1e3", "0123")
    tab.choose("Scope", scope)
    for key, value in TEXTS.items():
        add(tab, key, value)
    binary = tmp_path / "blob.bin"
    binary.write_bytes(bytes(range(256)))
    add_file(tab, "binary", binary)
    text = sealed(tab)
    wanted = {key: value.encode() for key, value in TEXTS.items()} | {"binary": binary.read_bytes()}
    assert opened_by_kubeseal(text, origin.key) == wanted
    assert opened(text, origin.key) == [wanted]
    assert tab.text("#done") == f"Sealed for {origin.cluster}."
    assert tab.requests() == [origin.url]


@pytest.mark.parametrize("scope", SCOPES)
def test_the_page_writes_what_seal_writes_but_for_the_ciphertext(
    tab: Tab, from_file: Origin, tmp_path: Path, scope: str
) -> None:
    name_it(tab, "database.v1", "true")
    tab.choose("Scope", scope)
    lines = ["apiVersion: v1", "kind: Secret", "metadata:", "  name: database.v1"]
    lines += ['  namespace: "true"', "type: Opaque", "stringData:"]
    for key, value in TEXTS.items():
        add(tab, key, value)
        lines.append(f'  "{key}": {value!a}' if value.isascii() else f'  "{key}": "{value}"')
    manifest = "\n".join(lines).replace("'first\\nsecond\\n'", '"first\\nsecond\\n"')
    (tmp_path / "secret.yaml").write_text(f"{manifest}\n", encoding="utf-8")
    cert = str(from_file.cert)
    wanted = seal(tmp_path, "secret.yaml", "--cert", cert, "--scope", scope)
    assert without_ciphertext(sealed(tab)) == without_ciphertext(wanted)


def test_several_namespaces_make_a_sealed_secret_each(tab: Tab, from_file: Origin) -> None:
    name_it(tab, " database ", " shop-dev , shop shop-dev ")
    add(tab, "a", "b")
    text = sealed(tab)
    assert text.count("---\n") == 1
    assert opened(text, from_file.key) == [{"a": b"b"}, {"a": b"b"}]
    assert [line for line in text.splitlines() if line.startswith("  namespace:")] == [
        "  namespace: shop-dev",
        "  namespace: shop",
    ]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_whole_mebibyte_is_sealed_and_a_byte_more_is_refused(
    tab: Tab, from_file: Origin, tmp_path: Path, scope: str
) -> None:
    need("kubeseal")
    name_it(tab)
    tab.choose("Scope", scope)
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 4096)
    add_file(tab, "large", large)
    text = sealed(tab)
    assert opened_by_kubeseal(text, from_file.key) == {"large": large.read_bytes()}
    assert opened(text, from_file.key) == [{"large": large.read_bytes()}]
    assert "kubectl apply --server-side" in tab.text("#result-warning")
    add(tab, "more", "x")
    assert "1048577 bytes together" in tab.text("#message")


def test_the_other_cluster_is_sealed_for_its_own_key(tab: Tab, from_file: Origin) -> None:
    tab.choose("Cluster", "dev")
    name_it(tab)
    add(tab, "a", "b")
    text = sealed(tab)
    assert opened(text, from_file.folder / "dev.key") == [{"a": b"b"}]


def test_the_form_stays_for_the_next_one(tab: Tab, from_file: Origin) -> None:
    name_it(tab)
    add(tab, "a", "b")
    first = sealed(tab)
    tab.choose("Cluster", "dev")
    second = sealed(tab)
    assert opened(first, from_file.key) == opened(second, from_file.folder / "dev.key")


def test_a_typed_pair_that_was_not_added_is_taken(tab: Tab, from_file: Origin) -> None:
    name_it(tab)
    tab.fill("Key", " a ")
    tab.fill("Value", " b ")
    assert opened(sealed(tab), from_file.key) == [{"a": b" b "}]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"Value": "x"}, "give it a key", id="no-key"),
        pytest.param({"Key": "k"}, "k has no value", id="no-value"),
        pytest.param({"Key": "a/b", "Value": "x"}, "“a/b” is not a key", id="bad-key"),
        pytest.param({"Key": "..", "Value": "x"}, "is not a key", id="dots"),
        pytest.param({"Name": "Data_Base"}, "is not a name", id="bad-name"),
        pytest.param({"Name": ""}, "A name is needed", id="no-name"),
        pytest.param({"Namespace": "a.b"}, "is not a namespace", id="bad-namespace"),
        pytest.param({"Namespace": ""}, "A namespace is needed", id="no-namespace"),
        pytest.param(
            {"Key": "s", "Value": "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]"},
            "encrypted by another tool",
            id="sops",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_words(tab: Tab, fields: dict[str, str], words: str) -> None:
    name_it(tab)
    add(tab, "there", "x")
    for name, text in fields.items():
        tab.fill(name, text)
    assert words in refused(tab)


def test_a_key_twice_is_refused(tab: Tab) -> None:
    name_it(tab)
    add(tab, "a", "b")
    add(tab, "a", "c")
    assert "The key a is there already" in tab.text("#message")


def test_nothing_to_seal_is_said(tab: Tab) -> None:
    name_it(tab)
    assert "nothing to seal" in refused(tab)


def test_a_generated_value_is_random_and_sealed(tab: Tab, from_file: Origin) -> None:
    name_it(tab)
    values = set()
    for key in ("one", "two"):
        tab.fill("Key", key)
        tab.click("Generate")
        values.add(tab.value("Value"))
        tab.click("Add")
    assert len(values) == 2
    assert all(len(value) == 32 and value.isalnum() for value in values)
    [data] = opened(sealed(tab), from_file.key)
    assert {value.decode() for value in data.values()} == values


def test_keys_are_renamed_and_removed(tab: Tab, from_file: Origin) -> None:
    name_it(tab)
    for key in ("a", "b", "c"):
        add(tab, key, f"value of {key}")
    tab.click("Rename", of="b")
    tab.fill("New key", "beta")
    tab.press("Enter")
    tab.settle()
    tab.click("Remove", of="a")
    assert opened(sealed(tab), from_file.key) == [{"beta": b"value of b", "c": b"value of c"}]


def test_a_value_is_hidden_until_it_is_shown(tab: Tab) -> None:
    masked = "getComputedStyle(document.getElementById('value')).webkitTextSecurity"
    assert tab.evaluate(masked) == "disc"
    tab.click("Show")
    assert tab.evaluate(masked) == "none"
    add(tab, "a", "my-secret-value")
    assert tab.evaluate(masked) == "disc"
    assert "my-secret-value" not in tab.evaluate("document.body.innerText")
    tab.click("Show", of="a")
    assert "my-secret-value" in tab.evaluate("document.body.innerText")


@pytest.mark.parametrize(("size", "is_told"), [(190 * 1024, False), (190 * 1024 + 1, True)])
def test_what_kubectl_takes_only_server_side_is_told(
    tab: Tab, tmp_path: Path, size: int, is_told: bool
) -> None:
    # kubectl apply keeps the object in an annotation: base64 of 190 KiB is near its 256 KiB.
    name_it(tab)
    large = tmp_path / "large"
    large.write_bytes(b"x" * size)
    add_file(tab, "large", large)
    sealed(tab)
    assert ("--server-side" in tab.text("#result-warning")) is is_told


def test_copy_and_download_give_the_result(tab: Tab, tmp_path: Path) -> None:
    tab.download_to(tmp_path)
    name_it(tab)
    add(tab, "a", "b")
    copied = sealed(tab)
    tab.click("Copy")
    assert tab.text("#done") == "Copied."
    text = sealed(tab)
    assert text != copied
    tab.click("Download")
    assert tab.downloaded() == "completed"
    assert (tmp_path / "database.yaml").read_text() == text
    tab.browser.call(
        "Browser.grantPermissions",
        permissions=["clipboardReadWrite"],
        browserContextId=tab.context,
    )
    # Nothing but the button puts anything there.
    assert tab.evaluate("navigator.clipboard.readText()") == copied


def test_every_control_has_the_name_that_its_label_shows(tab: Tab) -> None:
    name_it(tab)
    add(tab, "a", "b")
    sealed(tab)
    fields = {"Cluster", "Scope", "Type", "Language"}
    texts = {"Name", "Namespace", "Key", "Value", "Existing SealedSecret", "SealedSecret"}
    buttons = {"File", "Open a file", "Add", "Rename", "Remove", "Show", "Generate", "Seal"}
    assert set(tab.names("combobox")) == fields
    assert set(tab.names("textbox")) == {*texts, "Repository"}
    assert set(tab.names("button")) == {*buttons, "Clear", "Copy", "Download"}


def test_nothing_is_wider_than_a_narrow_screen(tab: Tab) -> None:
    name_it(tab)
    add(tab, "k" * 253, "b")
    sealed(tab)
    heights = "[...document.querySelectorAll('td button')].map((one) => one.offsetHeight)"
    assert len(set(tab.evaluate(heights))) == 1
    tab.show(width=320)
    for language in ("en", "de", "fr", "es", "ja"):
        tab.evaluate(
            f"(() => {{ const list = document.getElementById('language');"
            f"list.value = '{language}'; list.dispatchEvent(new Event('change')); }})()"
        )
        wide = tab.evaluate(
            "[document.documentElement, ...document.querySelectorAll('main *')]"
            ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1"
            " && !one.closest('.quiet')).map((one) => one.id || one.className || one.tagName)"
        )
        assert (language, wide) == (language, [])
    tab.show()
