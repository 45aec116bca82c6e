"""Sealing, unsealing and resealing: what is bound, what is told, what stays as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sealer import encoding
from sealer.errors import ManifestError, ManyErrors, NoKeyError, SealerError, UnsealError
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from sealer.resealing import keys_in_use, reseal, reseal_legacy
from sealer.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION, Scope
from sealer.sealed import (
    FINGERPRINT_ANNOTATION,
    SKIP_OWNER_ANNOTATION,
    SealedSecret,
    SecretTemplate,
)
from sealer.sealing import seal, seal_into, seal_value
from sealer.secret import SERVER_FIELDS, Secret
from sealer.unsealing import open_item, open_sealed, unseal
from tests.sealing_keys import pair, private_pem, ring

DATA = {"password": b"pw", "empty": b""}


def secret(**changes: Any) -> Secret:
    fields: dict[str, Any] = {"name": "db", "namespace": "prod", "data": DATA, **changes}
    return Secret(**fields)


def sealed(name: str = "one", **changes: Any) -> SealedSecret:
    return seal(secret(**changes), pair(name).certificate)


def failures(caught: pytest.ExceptionInfo[ManyErrors]) -> list[tuple[type, str | None]]:
    return [(type(error), getattr(error, "key", None)) for error in caught.value.errors]


@pytest.mark.parametrize("scope", list(Scope))
def test_what_is_sealed_unseals_as_it_was(scope: Scope) -> None:
    before = secret(type="Opaque", immutable=True, metadata={"labels": {"a": "b"}})
    after = unseal(seal(before, pair().certificate, scope=scope), ring())
    assert after.data == before.data
    assert (after.name, after.namespace, after.type, after.immutable) == (
        "db",
        "prod",
        "Opaque",
        True,
    )
    annotations = {"annotations": scope.annotations} if scope.annotations else {}
    assert after.metadata == {"labels": {"a": "b"}, **annotations}


def test_the_sealed_form_holds_what_bitnami_puts_there_and_the_fingerprint() -> None:
    written = sealed(
        metadata={
            "labels": {"a": "b"},
            "annotations": {"team": "t", NAMESPACE_WIDE_ANNOTATION: "true"},
        }
    ).to_dict()
    assert written["metadata"] == {
        "name": "db",
        "namespace": "prod",
        "annotations": {
            NAMESPACE_WIDE_ANNOTATION: "true",
            FINGERPRINT_ANNOTATION: pair().certificate.fingerprint,
        },
    }
    assert written["spec"]["template"] == {
        "metadata": {
            "name": "db",
            "namespace": "prod",
            "labels": {"a": "b"},
            "annotations": {"team": "t", NAMESPACE_WIDE_ANNOTATION: "true"},
        }
    }


def test_the_fingerprint_can_be_left_out() -> None:
    assert "annotations" not in seal(secret(), pair().certificate, fingerprint=False).metadata


def test_an_explicit_scope_wins_over_the_annotations() -> None:
    wide = secret(metadata={"annotations": {CLUSTER_WIDE_ANNOTATION: "true"}})
    assert seal(wide, pair().certificate).scope is Scope.CLUSTER_WIDE
    strict = seal(wide, pair().certificate, scope=Scope.STRICT)
    assert strict.scope is Scope.STRICT
    assert "annotations" not in strict.template.metadata


@pytest.mark.parametrize(
    ("changes", "scope", "message"),
    [
        pytest.param({"name": ""}, Scope.CLUSTER_WIDE, "has no name", id="no name, wide"),
        pytest.param({"name": ""}, Scope.STRICT, "there is none", id="no name, strict"),
        pytest.param({"namespace": ""}, Scope.STRICT, "there is none", id="no namespace"),
        pytest.param({"data": {}}, Scope.STRICT, "has no data to seal", id="no data"),
        pytest.param({"data": {"k": b"x" * (2**20 + 1)}}, Scope.STRICT, "1048577 bytes", id="big"),
    ],
)
def test_what_cannot_be_sealed_is_told(changes: dict[str, Any], scope: Scope, message: str) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        seal(secret(**changes), pair().certificate, scope=scope)
    assert caught.value.hint


def test_limits_can_be_lifted() -> None:
    assert seal(secret(data={}), pair().certificate, allow_empty=True).encrypted_data == {}
    big = secret(data={"k": b"x" * (2**20 + 1)})
    assert seal(big, pair().certificate, max_bytes=None).encrypted_data
    assert seal(secret(namespace=""), pair().certificate, scope=Scope.CLUSTER_WIDE).namespace == ""


@pytest.mark.parametrize("move", [{"name": "other"}, {"namespace": "other"}])
@pytest.mark.parametrize("scope", list(Scope))
def test_a_move_out_of_the_scope_opens_nothing(scope: Scope, move: dict[str, str]) -> None:
    one = seal(secret(), pair().certificate, scope=scope)
    moved = replace(one, metadata={**one.metadata, **move})
    inside = {
        Scope.STRICT: set(),
        Scope.NAMESPACE_WIDE: {"name"},
        Scope.CLUSTER_WIDE: {"name", "namespace"},
    }
    if move.keys() <= inside[scope]:
        assert unseal(moved, ring()).data == DATA
        return
    with pytest.raises(ManyErrors) as caught:
        unseal(moved, ring())
    assert failures(caught) == [(NoKeyError, "password"), (NoKeyError, "empty")]


def test_every_item_that_fails_is_told_and_none_of_its_bytes() -> None:
    one = sealed()
    item = one.encrypted_data["password"]
    whole = encoding.decode(item)
    damaged = encoding.encode(whole[:-1] + bytes([whole[-1] ^ 1]))
    bad = replace(
        one, encrypted_data={"ok": item, "b64": "%%", "cut": item[:40], "damaged": damaged}
    )
    with pytest.raises(ManyErrors) as caught:
        unseal(bad, ring())
    assert failures(caught) == [
        (UnsealError, "b64"),
        (UnsealError, "cut"),
        (UnsealError, "damaged"),
    ]


def test_patience_ends_the_trying_of_items_that_fail() -> None:
    many = replace(sealed(), encrypted_data={f"k{number}": "AA==" for number in range(9)})
    with pytest.raises(ManyErrors) as caught:
        open_sealed(many, ring(), patience=3)
    assert failures(caught) == [(UnsealError, f"k{number}") for number in range(3)]


def test_the_key_that_opened_one_item_is_tried_first_for_the_next() -> None:
    # Without certificates nothing but the last success tells which key to begin with.
    keys = [KeyPair.from_pem(private_pem(pair(name).private_key)) for name in ("two", "one")]
    bad = replace(sealed(), encrypted_data={"a": sealed().encrypted_data["password"], "b": "AA=="})
    with pytest.raises(ManyErrors):
        unseal(bad, KeyRing(tuple(keys)))
    assert unseal(sealed(), KeyRing(tuple(keys))).data == DATA


def test_merging_seals_for_the_file_merged_into() -> None:
    target = seal(secret(), pair().certificate, scope=Scope.NAMESPACE_WIDE)
    items = seal_into(target, Secret(name="", namespace="", data={"new": b"x"}), pair().certificate)
    opened = unseal(replace(target, encrypted_data=items), ring())
    assert opened.data == {"new": b"x"}


@pytest.mark.parametrize(
    ("changes", "scope", "message"),
    [
        ({"name": "x"}, None, "its name is x, and the file merged into is for db"),
        ({"namespace": "x"}, None, "its namespace is x, and the file merged into is for prod"),
        ({}, Scope.CLUSTER_WIDE, "its scope is cluster-wide, and the file merged into is strict"),
        (
            {"metadata": {"annotations": {NAMESPACE_WIDE_ANNOTATION: "true"}}},
            None,
            "its scope is namespace-wide",
        ),
    ],
)
def test_merging_refuses_what_would_never_open(
    changes: dict[str, Any], scope: Scope | None, message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        seal_into(sealed(), secret(**changes), pair().certificate, scope=scope)


def test_merging_the_same_scope_is_fine() -> None:
    assert (
        seal_into(sealed(), secret(), pair().certificate, scope=Scope.STRICT).keys() == DATA.keys()
    )


def test_resealing_changes_what_another_key_sealed_and_nothing_else() -> None:
    one = sealed("one")
    mixed = replace(
        one,
        encrypted_data={
            **one.encrypted_data,
            "alias": one.encrypted_data["password"],
            "new": sealed("two").encrypted_data["password"],
        },
    )
    changed = reseal(mixed, ring("one", "two"), pair("two").certificate)
    assert changed.keys() == {"password", "empty", "alias"}
    assert changed["alias"] == changed["password"] != one.encrypted_data["password"]
    after = replace(mixed, encrypted_data={**mixed.encrypted_data, **changed})
    assert unseal(after, ring("two")).data["password"] == b"pw"
    assert reseal(after, ring("two"), pair("two").certificate) == {}
    with pytest.raises(ManyErrors):
        reseal(mixed, ring("three"), pair("two").certificate)


def test_which_key_opens_what() -> None:
    found = keys_in_use(sealed("two"), ring("one", "two"))
    assert {key: used.name for key, used in found.items()} == {"password": "two", "empty": "two"}


def legacy(plaintext: object) -> SealedSecret:
    item = seal_value(json.dumps(plaintext).encode(), pair().certificate, b"prod/db")
    metadata = {"name": "db", "namespace": "prod"}
    template = SecretTemplate(metadata={"labels": {"ignored": "yes"}})
    return SealedSecret(metadata=metadata, encrypted_data={}, template=template, legacy_data=item)


def test_the_form_of_2018_holds_a_whole_secret() -> None:
    inner = {"metadata": {"name": "x", "labels": {"a": "b"}}, "data": {"k": "dg=="}, "type": "T"}
    opened = unseal(legacy(inner), ring())
    assert (opened.name, opened.namespace, opened.type) == ("db", "prod", "T")
    assert dict(opened.data) == {"k": b"v"}
    assert opened.metadata == {"labels": {"a": "b"}}
    assert keys_in_use(legacy(inner), ring())["data"].name == "one"


def test_of_the_form_of_2018_the_template_says_only_whether_there_is_an_owner() -> None:
    inner = {"metadata": {"annotations": {"a": "b"}}, "data": {}}
    annotations = {SKIP_OWNER_ANNOTATION: "true", "ignored": "yes"}
    template = SecretTemplate(metadata={"annotations": annotations})
    opened = unseal(replace(legacy(inner), template=template), ring())
    assert opened.metadata == {"annotations": {"a": "b", SKIP_OWNER_ANNOTATION: "true"}}


def test_what_only_the_api_server_says_is_not_taken_from_a_template() -> None:
    server = dict.fromkeys(sorted(SERVER_FIELDS), "x")
    template = SecretTemplate(metadata={**server, "labels": {"a": "b"}, "finalizers": ["c"]})
    opened = unseal(replace(sealed(), template=template), ring())
    assert opened.metadata == {"labels": {"a": "b"}, "finalizers": ["c"]}


@pytest.mark.parametrize("inner", [["canary"], {"data": {"k": "canary%"}}, "canary"])
def test_a_form_of_2018_that_holds_something_else_is_told_without_its_words(inner: object) -> None:
    with pytest.raises(UnsealError, match=r"^does not hold a Secret in JSON$") as caught:
        unseal(legacy(inner), ring())
    assert caught.value.__context__ is None


def test_the_form_of_2018_is_resealed_too() -> None:
    old = legacy({"data": {"k": "dg=="}})
    assert reseal_legacy(sealed(), ring(), pair().certificate) is None
    assert reseal_legacy(old, ring(), pair().certificate) is None
    new = reseal_legacy(old, ring(), pair("two").certificate)
    assert new is not None
    assert unseal(replace(old, legacy_data=new), ring("two")).data == {"k": b"v"}


def test_an_item_without_a_place_is_no_item() -> None:
    with pytest.raises(ManifestError):
        unseal(replace(sealed(), metadata={"name": "db"}), ring())
    with pytest.raises(SealerError, match="not valid base64"):
        open_item("%", ring(), b"", key="k")
