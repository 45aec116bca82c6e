"""A Secret in clear: read as Kubernetes reads it, never shown, and rid of what does not belong."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.errors import ManifestError, ManyErrors
from sealer.secret import Secret


def manifest(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, **fields}


def test_string_data_wins_over_data() -> None:
    secret = Secret.from_dict(
        manifest(data={"a": "b2xk", "b": "Yg=="}, stringData={"a": "new", "c": "é"})
    )
    assert secret.data == {"a": b"new", "b": b"b", "c": "é".encode()}


def test_null_and_absent_values_are_empty() -> None:
    secret = Secret.from_dict(manifest(data={"a": None}, stringData=None, type="", immutable=None))
    assert (dict(secret.data), secret.type, secret.immutable) == ({"a": b""}, None, None)
    assert Secret.from_dict({"apiVersion": "v1", "kind": "Secret"}).name == ""


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"kind": "secret"}, ("kind",), "must be Secret"),
        ({"apiVersion": "v2"}, ("apiVersion",), "must be v1"),
        ({"data": {"k": "%%"}}, ("data", "k"), "is not valid base64"),
        ({"data": {"k": True}}, ("data", "k"), "Kubernetes reads the boolean true"),
        ({"data": ["k"]}, ("data",), "must be a mapping, not a list"),
        ({"metadata": {"namespace": False}}, ("metadata", "namespace"), "the boolean false"),
        ({"metadata": {"labels": {"a": 1}}}, ("metadata", "labels", "a"), "a number"),
        ({"type": 1}, ("type",), "a number"),
        ({"immutable": "yes"}, ("immutable",), "must be true or false"),
    ],
)
def test_a_bad_field_is_named_and_its_value_is_not(
    fields: dict[str, Any], path: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        Secret.from_dict(manifest(**fields))
    assert caught.value.path == path
    assert "%%" not in caught.value.message


@pytest.mark.parametrize(
    ("fields", "path", "hint"),
    [
        ({"stringdata": {"k": "v"}}, ("stringdata",), "did you mean stringData?"),
        ({"frobnicate": {"k": "v"}}, ("frobnicate",), "take it out"),
        ({"sops": {"mac": "x"}}, ("sops",), "sops -d"),
        ({"metadata": {"data": {"k": "v"}}}, ("metadata", "data"), "mind the indentation"),
    ],
)
def test_a_field_that_holds_something_and_is_none_of_a_secrets_is_an_error(
    fields: dict[str, Any], path: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        Secret.from_dict(manifest(**fields))
    assert caught.value.path == path
    assert hint in (caught.value.hint or "")


def test_all_bad_fields_are_named() -> None:
    with pytest.raises(ManyErrors) as caught:
        Secret.from_dict(manifest(data={"a": "%", "b": "%", "c": "Yw=="}, type=1))
    assert len(caught.value.errors) == 3


def test_what_a_server_or_a_tool_left_is_dropped_and_told() -> None:
    last_applied = "kubectl.kubernetes.io/last-applied-configuration"
    secret = Secret.from_dict(
        manifest(
            metadata={
                "name": "db",
                "namespace": "prod",
                "uid": "u",
                "resourceVersion": "1",
                "managedFields": [{}],
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [{}],
                "labels": {"app": "a"},
                "finalizers": None,
                "annotations": {last_applied: '{"data": "canary"}', "team": "t"},
            },
            status={"x": 1},
        )
    )
    assert secret.metadata == {"labels": {"app": "a"}, "annotations": {"team": "t"}}
    assert secret.annotations == {"team": "t"}
    assert set(secret.dropped) == {
        "metadata.uid",
        "metadata.resourceVersion",
        "metadata.managedFields",
        "metadata.creationTimestamp",
        "metadata.ownerReferences",
        f"metadata.annotations.{last_applied}",
        "status",
    }


def test_what_kubectl_writes_of_a_dry_run_is_no_loss() -> None:
    metadata = {"name": "db", "creationTimestamp": None}
    assert Secret.from_dict(manifest(metadata=metadata, status={})).dropped == ()


def test_annotations_that_held_nothing_else_vanish() -> None:
    annotations = {"kubecfg.ksonnet.io/last-applied-configuration": "{}"}
    secret = Secret.from_dict(manifest(metadata={"name": "db", "annotations": annotations}))
    assert secret.metadata == {}
    assert secret.annotations == {}


def test_it_writes_what_it_read() -> None:
    written = manifest(
        metadata={"name": "db", "namespace": "prod", "labels": {"a": "b"}},
        type="Opaque",
        immutable=True,
        data={"k": "dg=="},
    )
    assert Secret.from_dict(written).to_dict() == written
    assert Secret(name="", namespace="", data={}).to_dict() == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {},
        "data": {},
    }


def test_its_repr_shows_no_value() -> None:
    secret = Secret(name="db", namespace="", data={"k": b"canary"}, metadata={"x": "canary"})
    assert "canary" not in repr(secret) + str(secret)
