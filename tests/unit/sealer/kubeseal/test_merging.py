"""``--merge-into``: the new items are there, and no other byte has changed."""

from __future__ import annotations

import re

import pytest

from sealer.errors import ManifestError
from sealer.kubeseal.merging import merge, target_of
from sealer.kubeseal.reading import read_secrets
from sealer.kubeseal.sealing import Place, Request
from sealer.manifest import read_documents
from sealer.scope import Scope
from sealer.sealed import SealedSecret
from sealer.unsealing import unseal
from tests import sealing_keys

HEAD = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
FILE = HEAD + "metadata: {name: db, namespace: prod}\nspec:\n  encryptedData: {}  # none yet\n"
SECRET = "metadata: {name: other, namespace: other}\nstringData: {a: b}\n"
LABELLED = "metadata: {labels: {app: shop}, annotations: {x: z}}\nstringData: {a: b}\n"


def merged(file: str, secrets: str, *, scope: Scope = Scope.STRICT, output_format: str = "") -> str:
    """Merge and return the file's new text."""
    request = Request(sealing_keys.pair().certificate, scope, Place())
    return merge(file, "file.yaml", read_secrets(secrets, "<stdin>"), request, output_format)


def opened(text: str) -> dict[str, bytes]:
    """The values of the first document."""
    document = next(iter(read_documents(text, "file.yaml")))
    sealed = SealedSecret.from_dict(document.value)
    return dict(unseal(sealed, sealing_keys.ring()).data)


def test_an_item_is_sealed_for_the_files_name_and_namespace() -> None:
    text = merged(FILE, SECRET)
    assert opened(text) == {"a": b"b"}
    assert re.sub(r"\{\"?a.*\}", "{}", text) == FILE


@pytest.mark.parametrize("word", ["namespace-wide", "cluster-wide"])
def test_an_item_is_sealed_for_the_files_scope(word: str) -> None:
    annotation = f"annotations: {{sealedsecrets.bitnami.com/{word}: 'true'}}"
    file = FILE.replace("namespace: prod", f"namespace: prod, {annotation}")
    assert opened(merged(file, SECRET)) == {"a": b"b"}


def test_labels_and_annotations_go_to_a_template_that_had_none() -> None:
    template = next(iter(read_documents(merged(FILE, LABELLED), "f"))).value["spec"]["template"]
    assert template == {"metadata": {"labels": {"app": "shop"}, "annotations": {"x": "z"}}}


def test_a_label_that_is_there_is_replaced_in_its_place() -> None:
    file = FILE + "  template:\n    metadata:\n      labels: {app: shop} # ours\n"
    text = merged(file, LABELLED.replace("shop", "web"))
    assert "labels: {app: web} # ours\n" in text


def test_every_secret_of_the_input_is_merged_and_the_last_wins() -> None:
    more = SECRET + "---\n" + SECRET.replace("a: b", "c: d, a: e")
    assert opened(merged(FILE, more)) == {"a": b"e", "c": b"d"}


def test_the_documents_behind_stay() -> None:
    assert merged(FILE + "---\nother: 1 # kept\n", SECRET).endswith("---\nother: 1 # kept\n")


def test_another_scope_is_an_error() -> None:
    with pytest.raises(ManifestError, match=r"input secret is cluster-wide.* is strict"):
        merged(FILE, SECRET, scope=Scope.CLUSTER_WIDE)


def test_a_file_with_one_value_for_all_keys_is_an_error() -> None:
    with pytest.raises(ManifestError, match="one value for all keys"):
        merged(FILE.replace("encryptedData: {}", "data: QUJD"), SECRET)


def test_a_file_without_documents_is_an_error() -> None:
    with pytest.raises(ManifestError, match="there is no SealedSecret"):
        merged("# nothing\n", SECRET)
    assert target_of("# nothing\n", "f") == {}


@pytest.mark.parametrize("output_format", ["json", "yaml"])
def test_the_format_changes_only_when_it_is_asked_for(output_format: str) -> None:
    text = merged(FILE, SECRET, output_format=output_format)
    assert text.startswith("{" if output_format == "json" else "apiVersion")
    assert opened(text) == {"a": b"b"}
    again = merged(text, LABELLED, output_format="yaml")
    assert opened(again) == {"a": b"b"}
