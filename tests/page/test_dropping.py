"""What is dropped on the page: files all or none, and links that nothing opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.conftest import Origin
from tests.page.using import add, name_it, opened, refused, sealed
from tests.testbed.chromium import Tab

ADDRESS = "https://me:hunter2@database.invalid/shop"


@pytest.mark.parametrize("place", ["footer", "#result", "#file", "#open", "#type", "#add"])
def test_a_link_that_is_dropped_is_not_opened(tab: Tab, place: str) -> None:
    asked = len(tab.requests())
    tab.drop_link(place, ADDRESS)
    # It would be opened in a tab of its own.
    assert tab.heard("Page.frameRequestedNavigation", "Page.frameScheduledNavigation") == []
    assert len(tab.requests()) == asked
    assert "hunter2" not in tab.evaluate("location.href + document.body.innerText")


def test_a_link_that_is_dropped_on_a_field_is_its_text(tab: Tab, from_file: Origin) -> None:
    name_it(tab)
    tab.fill("Key", "address")
    tab.drop_link("#value", ADDRESS)
    assert opened(sealed(tab), from_file.key) == [{"address": ADDRESS.encode()}]


@pytest.mark.parametrize("other", ["not a key!.txt", "folder", "there"])
def test_of_files_that_cannot_all_be_taken_none_is(
    tab: Tab, from_file: Origin, tmp_path: Path, other: str
) -> None:
    words = {
        "not a key!.txt": "is not a key",
        "folder": "folder cannot be read",
        "there": "The key there is there already",
    }
    name_it(tab)
    add(tab, "there", "x")
    (tmp_path / "good.txt").write_text("unseen")
    if other == "folder":
        (tmp_path / other).mkdir()
    else:
        (tmp_path / other).write_text("x")
    tab.drop("footer", [tmp_path / "good.txt", tmp_path / other])
    assert words[other] in tab.text("#message")
    assert opened(sealed(tab), from_file.key) == [{"there": b"x"}]


@pytest.mark.parametrize(
    ("refused_file", "words"), [("folder", "folder cannot be read"), ("bin", "not text in UTF-8")]
)
def test_a_file_that_is_no_manifest_is_taken_out_again_and_the_form_stays(
    tab: Tab, from_file: Origin, tmp_path: Path, refused_file: str, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bin").write_bytes(b"\xff\xfe\x00")
    name_it(tab)
    add(tab, "a", "b")
    sealed(tab)
    tab.drop("#existing", [tmp_path / refused_file])
    assert words in tab.text("#existing-status")
    assert tab.value("SealedSecret") == ""
    assert words in refused(tab)
    tab.fill("Existing SealedSecret", "")
    assert opened(sealed(tab), from_file.key) == [{"a": b"b"}]


def test_what_goes_with_a_secret_unseen_is_told(
    tab: Tab, from_file: Origin, tmp_path: Path
) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  namespace: shop\n"
    text = f"{head}stringData:\n  a: b\n"
    for more, told in (("", False), ("immutable: true\n", True)):
        (tmp_path / "secret.yaml").write_text(f"{text}{more}")
        tab.drop("#existing", [tmp_path / "secret.yaml"])
        assert "taken into the form below" in tab.text("#existing-status")
        assert ("until you press Clear" in tab.text("#existing-status")) is told
        assert opened(sealed(tab), from_file.key) == [{"a": b"b"}]
