"""SealedSecrets as data: nothing of a manifest is lost, and what the API server drops is named."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.errors import ManifestError, ManyErrors
from sealer.scope import Scope
from sealer.sealed import API_VERSION, SealedSecret


def manifest(**fields: Any) -> dict[str, Any]:
    head = {"apiVersion": API_VERSION, "kind": "SealedSecret"}
    return {**head, "metadata": {"name": "db", "namespace": "prod"}, **fields}


FULL = manifest(
    metadata={
        "name": "db",
        "namespace": "prod",
        "uid": "u",
        "annotations": {
            "sealedsecrets.bitnami.com/namespace-wide": "true",
            "sealer.dev/certificate-fingerprint": "abc",
        },
    },
    spec={
        "encryptedData": {"k": "AQ=="},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "type": "Opaque",
            "immutable": False,
            "data": {"t": "{{ .k }}", "k": None},
            "stringData": {"x": "y"},
        },
        "future": 1,
    },
    status={"conditions": []},
)


def test_unknown_fields_survive_a_round_trip() -> None:
    assert SealedSecret.from_dict(FULL).to_dict() == FULL


def test_fields_that_the_api_server_drops_are_named() -> None:
    assert SealedSecret.from_dict(FULL).pruned() == ["spec.template.stringData", "spec.future"]


def test_what_it_says_of_itself() -> None:
    sealed = SealedSecret.from_dict(FULL)
    assert (sealed.name, sealed.namespace, sealed.fingerprint) == ("db", "prod", "abc")
    assert sealed.scope is Scope.NAMESPACE_WIDE
    assert sealed.label() == b"prod"


def test_an_empty_one_is_empty() -> None:
    sealed = SealedSecret.from_dict(manifest(metadata=None))
    assert (sealed.name, sealed.namespace, sealed.fingerprint) == ("", "", "")
    assert sealed.to_dict() == manifest(metadata={}, spec={"encryptedData": {}})


def test_the_form_of_2018_is_kept() -> None:
    written = manifest(spec={"encryptedData": {}, "data": "AQ=="})
    assert SealedSecret.from_dict(written).to_dict() == written
    with pytest.raises(ManifestError, match="'encryptedData' and the deprecated"):
        SealedSecret.from_dict(manifest(spec={"encryptedData": {"k": "AQ=="}, "data": "AQ=="}))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "Secret"}, ("kind",)),
        ({"apiVersion": "bitnami.com/v2"}, ("apiVersion",)),
        ({"spec": {"encryptedData": {"k": 1}}}, ("spec", "encryptedData", "k")),
        ({"spec": {"encryptedData": {"k": None}}}, ("spec", "encryptedData", "k")),
        ({"spec": []}, ("spec",)),
        ({"spec": {"template": {"type": 1}}}, ("spec", "template", "type")),
        ({"spec": {"template": {"immutable": 1}}}, ("spec", "template", "immutable")),
        ({"spec": {"template": {"data": {"k": 1}}}}, ("spec", "template", "data", "k")),
        ({"spec": {"template": {"metadata": 1}}}, ("spec", "template", "metadata")),
        ({"metadata": {"name": 1}}, ("metadata", "name")),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(ManifestError) as caught:
        SealedSecret.from_dict(manifest(**fields))
    assert caught.value.path == path


def test_all_bad_fields_are_named() -> None:
    with pytest.raises(ManyErrors):
        SealedSecret.from_dict(manifest(metadata={"name": 1}, spec={"encryptedData": {"k": 1}}))
