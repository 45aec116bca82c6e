"""What is shown in an editor and given back untouched asks for nothing, whatever the values."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sealer import SealedSecret, Secret, read_documents, seal, to_yaml
from sealer.changes.sheet import Sheet, parse, render
from sealer.manifest.entries import remove, rename
from tests import sealing_keys

KEYS = st.from_regex(r"[a-zA-Z0-9_-][-._a-zA-Z0-9]{0,20}", fullmatch=True)
VALUES = st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode()))
DATA = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)


def sealed(data: dict[str, bytes]) -> SealedSecret:
    """A SealedSecret with this data."""
    secret = Secret(name="db", namespace="prod", data=data)
    return seal(secret, sealing_keys.pair().certificate)


@settings(max_examples=60, deadline=None)
@given(DATA, st.booleans())
def test_an_edit_that_changes_nothing_is_no_change(data: dict[str, bytes], shown: bool) -> None:
    sheet = Sheet(sealed(data), data if shown else {})
    assert not any(parse(render([sheet, sheet]), [sheet, sheet]))


@settings(max_examples=60, deadline=None)
@given(DATA, KEYS)
def test_an_entry_removed_or_renamed_leaves_all_other_entries(
    data: dict[str, bytes], key: str
) -> None:
    manifest = sealed(data).to_dict()
    document = next(read_documents(to_yaml(manifest), "x"))
    first = next(iter(data))
    items = manifest["spec"]["encryptedData"]
    path = ("spec", "encryptedData", first)
    left = {name: item for name, item in items.items() if name != first}
    assert remove(document, path).value["spec"]["encryptedData"] == left
    if key not in data:
        renamed = rename(document, path, key).value["spec"]["encryptedData"]
        assert renamed == {**left, key: items[first]}
