from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sealed import desired as desires
from controller.sealed.desired import (
    MAX_ITEMS,
    PATIENCE,
    Desired,
    Policy,
    RefusedError,
    opened,
    settle,
)
from controller.sealed.plan import (
    Create,
    Nothing,
    Owner,
    Recreate,
    UnmanagedError,
    Update,
    is_owned,
    plan,
)
from sealer import ManyErrors, Secret, UnsealError, seal
from sealer.keys.custody import KEY_LABEL, Custody
from sealer.keys.ring import KeyRing
from sealer.sealed import (
    MANAGED_ANNOTATION,
    OWNER_ANNOTATION,
    PATCH_ANNOTATION,
    RENDERED_ANNOTATION,
    SKIP_OWNER_ANNOTATION,
    SealedSecret,
    SecretTemplate,
)
from sealer.templating import make
from tests.sealing_keys import pair, ring

POLICY = Policy(Custody("home"))
OWNER = Owner("db", "uid-1")
Manifest = dict[str, Any]


def wanted(**changes: Any) -> Manifest:
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "type": "Opaque",
        "data": {"a": "MQ=="},
    }
    metadata = changes.pop("metadata", {})
    return {**manifest, **changes, "metadata": {**manifest["metadata"], **metadata}}


def applied(manifest: Manifest, **metadata: Any) -> Manifest:
    """What the API server would hold after a Create of this."""
    made = plan(manifest, None, OWNER, POLICY, exact=True)
    assert isinstance(made, Create)
    actual = copy.deepcopy(dict(made.manifest))
    actual["metadata"] = {**actual["metadata"], "uid": "s", "resourceVersion": "7", **metadata}
    return actual


def test_no_secret_is_made_with_an_owner() -> None:
    made = plan(wanted(), None, OWNER, POLICY, exact=True)
    assert isinstance(made, Create)
    assert made.manifest["metadata"]["ownerReferences"] == [OWNER.reference()]


@pytest.mark.parametrize("exact", [True, False])
def test_what_is_as_it_should_be_is_left_alone(exact: bool) -> None:
    assert plan(wanted(), applied(wanted()), OWNER, POLICY, exact=exact) == Nothing()


def test_an_absent_type_is_opaque() -> None:
    actual = applied(wanted())
    del actual["type"]
    assert plan(wanted(), actual, OWNER, POLICY, exact=True) == Nothing()


@pytest.mark.parametrize(
    ("change", "names"),
    [
        pytest.param({"data": {"a": "Mg=="}}, ("data.a",), id="value"),
        pytest.param({"data": {}}, ("data.a",), id="key-gone"),
        pytest.param({"data": {"a": "MQ==", "b": "MQ=="}}, ("data.b",), id="key-more"),
        pytest.param({"data": None}, ("data.a",), id="all-gone"),
    ],
)
def test_changed_data_is_put_back_and_named_without_values(
    change: Manifest, names: tuple[str, ...]
) -> None:
    decided = plan(wanted(), {**applied(wanted()), **change}, OWNER, POLICY, exact=False)
    assert isinstance(decided, Update)
    assert decided.changes == names
    assert decided.manifest["data"] == {"a": "MQ=="}
    assert decided.manifest["metadata"]["resourceVersion"] == "7"


def test_foreign_labels_stay_until_the_sealed_secret_changes() -> None:
    mine = wanted(metadata={"labels": {"app": "x"}})
    actual = applied(mine, labels={"app": "x", "theirs": "y"})
    assert plan(mine, actual, OWNER, POLICY, exact=False) == Nothing()
    decided = plan(mine, actual, OWNER, POLICY, exact=True)
    assert isinstance(decided, Update)
    assert decided.manifest["metadata"]["labels"] == {"app": "x"}


def test_a_label_of_ours_that_changed_is_drift() -> None:
    mine = wanted(metadata={"labels": {"app": "x"}})
    decided = plan(mine, applied(mine, labels={"app": "y"}), OWNER, POLICY, exact=False)
    assert isinstance(decided, Update)
    assert decided.changes == ("metadata.labels",)


def test_a_lost_owner_of_a_managed_secret_comes_back() -> None:
    actual = applied(wanted(), annotations={MANAGED_ANNOTATION: "true"}, ownerReferences=[])
    decided = plan(wanted(), actual, OWNER, POLICY, exact=False)
    assert isinstance(decided, Update)
    assert decided.changes == ("metadata.ownerReferences",)


@pytest.mark.parametrize(
    ("owners", "owned"),
    [
        pytest.param([OWNER.reference()], True, id="ours"),
        pytest.param([{**OWNER.reference(), "uid": "dead"}], True, id="dead-uid"),
        pytest.param([{**OWNER.reference(), "apiVersion": "bitnami.com/v1"}], True, id="version"),
        pytest.param([{**OWNER.reference(), "name": "other"}], False, id="another-name"),
        pytest.param([{**OWNER.reference(), "kind": "Other"}], False, id="another-kind"),
        pytest.param([{**OWNER.reference(), "controller": False}], False, id="no-controller"),
        pytest.param([], False, id="nobody"),
    ],
)
def test_who_owns_a_secret(owners: list[Manifest], owned: bool) -> None:
    actual = applied(wanted(), ownerReferences=owners)
    assert is_owned(actual, OWNER) is owned
    if not owned:
        with pytest.raises(UnmanagedError, match="already exists and is not managed"):
            plan(wanted(), actual, OWNER, POLICY, exact=True)


def test_without_owner_references_an_annotation_tells_whose_it_is() -> None:
    mine = wanted(metadata={"annotations": {SKIP_OWNER_ANNOTATION: "true"}})
    actual = applied(mine)
    assert "ownerReferences" not in actual["metadata"]
    assert actual["metadata"]["annotations"][OWNER_ANNOTATION] == "db"
    assert plan(mine, actual, OWNER, POLICY, exact=True) == Nothing()
    with pytest.raises(UnmanagedError):
        plan(mine, actual, Owner("other", "u"), POLICY, exact=True)


def test_patching_adds_and_never_takes_away() -> None:
    actual: Manifest = {
        "metadata": {
            "name": "db",
            "namespace": "shop",
            "annotations": {PATCH_ANNOTATION: "true", "x": "1"},
            "labels": {"theirs": "1"},
            "managedFields": [],
        },
        "type": "example.com/theirs",
        "data": {"theirs": "MQ=="},
    }
    decided = plan(wanted(metadata={"labels": {"a": "b"}}), actual, OWNER, POLICY, exact=True)
    assert isinstance(decided, Update)
    assert decided.manifest["data"] == {"theirs": "MQ==", "a": "MQ=="}
    assert decided.manifest["type"] == "example.com/theirs"
    metadata = decided.manifest["metadata"]
    assert metadata["labels"] == {"theirs": "1", "a": "b"}
    assert "ownerReferences" not in metadata
    assert "managedFields" not in metadata
    assert (
        plan(wanted(metadata={"labels": {"a": "b"}}), decided.manifest, OWNER, POLICY, exact=True)
        == Nothing()
    )


def test_managed_and_patched_gets_an_owner() -> None:
    actual = {
        "metadata": {
            "name": "db",
            "annotations": {PATCH_ANNOTATION: "true", MANAGED_ANNOTATION: "true"},
        },
        "immutable": True,
        "data": {"a": "MQ=="},
    }
    decided = plan(wanted(), actual, OWNER, POLICY, exact=True)
    assert isinstance(decided, Update)
    assert decided.manifest["metadata"]["ownerReferences"] == [OWNER.reference()]


def test_an_immutable_secret_is_refused_or_made_anew() -> None:
    actual = {**applied(wanted()), "immutable": True, "data": {"a": "Mg=="}}
    with pytest.raises(RefusedError, match="the target Secret is immutable"):
        plan(wanted(), actual, OWNER, POLICY, exact=False)
    allowed = Policy(Custody("home"), recreate_immutable=True)
    decided = plan(wanted(immutable=True), actual, OWNER, allowed, exact=True)
    assert isinstance(decided, Recreate)
    assert "resourceVersion" not in decided.manifest["metadata"]


def test_metadata_of_an_immutable_secret_can_change() -> None:
    mine = wanted(immutable=True, metadata={"labels": {"a": "1"}})
    actual = applied(mine, labels={})
    decided = plan(mine, actual, OWNER, POLICY, exact=True)
    assert isinstance(decided, Update)
    assert decided.changes == ("metadata.labels",)


def test_a_secret_becomes_immutable_only_when_its_sealed_secret_changes() -> None:
    mine = wanted(immutable=True)
    actual = applied(wanted())
    assert plan(mine, actual, OWNER, POLICY, exact=False) == Nothing()
    decided = plan(mine, actual, OWNER, POLICY, exact=True)
    assert isinstance(decided, Update)
    assert decided.manifest["immutable"] is True


def test_a_type_cannot_be_changed_in_place() -> None:
    actual = applied(wanted(type="example.com/a"))
    with pytest.raises(RefusedError, match=r"it is example.com/a, not Opaque"):
        plan(wanted(), actual, OWNER, POLICY, exact=True)


KEYS = st.sampled_from(["a", "b", "c"])
ITEMS = st.sampled_from(["MQ==", "Mg==", ""])
WORDS = st.dictionaries(st.sampled_from(["l1", "l2"]), st.sampled_from(["x", "y"]), max_size=2)


@given(
    data=st.dictionaries(KEYS, ITEMS),
    labels=WORDS,
    before=st.dictionaries(KEYS, ITEMS),
    theirs=WORDS,
    skip=st.booleans(),
    patch=st.booleans(),
    exact=st.booleans(),
)
def test_after_a_plan_is_applied_nothing_is_left_to_do(
    data: dict[str, str],
    labels: dict[str, str],
    before: dict[str, str],
    theirs: dict[str, str],
    skip: bool,
    patch: bool,
    exact: bool,
) -> None:
    annotations = {SKIP_OWNER_ANNOTATION: "true"} if skip else {}
    mine = wanted(data=data, metadata={"labels": labels, "annotations": annotations})
    metadata = {"labels": theirs}
    if patch:
        metadata["annotations"] = {PATCH_ANNOTATION: "true"}
    actual = applied(wanted(data=before), **metadata)
    decided = plan(mine, actual, OWNER, POLICY, exact=exact)
    if isinstance(decided, Update):
        assert plan(mine, decided.manifest, OWNER, POLICY, exact=exact) == Nothing()


def desired(sealed: SealedSecret, ring: KeyRing, policy: Policy) -> Desired:
    """Open, render here, and say what should be."""
    found = opened(sealed, ring, policy)
    return desires.desired(sealed, found, make(sealed.template.data, found.values), policy)


def sealed(**options: Any) -> SealedSecret:
    secret = Secret(name="db", namespace="home", data={"a": b"1"}, **options)
    return seal(secret, pair("one").certificate)


def test_desired_is_the_secret_with_its_type_said() -> None:
    wanted = desired(sealed(), ring(), POLICY)
    assert (wanted.key, wanted.unstable) == (pair("one").certificate.fingerprint, frozenset())
    assert wanted.manifest == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "home"},
        "data": {"a": "MQ=="},
        "type": "Opaque",
    }


def test_what_does_not_open_raises() -> None:
    with pytest.raises(ManyErrors) as caught:
        desired(sealed(), ring("two"), POLICY)
    assert isinstance(caught.value.errors[0], UnsealError)


def test_deprecated_data_can_be_switched_off() -> None:
    old = SealedSecret(
        metadata={"name": "db", "namespace": "home"}, encrypted_data={}, legacy_data="AgAA"
    )
    with pytest.raises(RefusedError, match=r"spec\.data is switched off"):
        desired(old, ring(), Policy(Custody("home"), accept_deprecated_data=False))


@pytest.mark.parametrize(
    "kind", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"]
)
def test_token_types_are_refused_unless_allowed(kind: str) -> None:
    with pytest.raises(RefusedError, match="are refused"):
        desired(sealed(type=kind), ring(), POLICY)
    allowed = Policy(Custody("home"), allow_token_types=True)
    assert desired(sealed(type=kind), ring(), allowed).manifest["type"] == kind


def test_a_sealing_key_cannot_be_smuggled_in() -> None:
    trojan = sealed(metadata={"labels": {KEY_LABEL: "active"}})
    for place in ("home", "elsewhere"):
        with pytest.raises(RefusedError, match="cannot make a sealing key"):
            desired(trojan, ring(), Policy(Custody(place)))


@pytest.mark.parametrize("annotation", [MANAGED_ANNOTATION, PATCH_ANNOTATION, None])
@pytest.mark.parametrize("value", ["active", "retired", ""])
def test_a_sealing_key_is_never_changed(annotation: str | None, value: str) -> None:
    mine = applied(wanted())
    mine["metadata"]["labels"] = {KEY_LABEL: value}
    if annotation:
        mine["metadata"]["annotations"] = {annotation: "true"}
        mine["metadata"]["ownerReferences"] = []
    mine["immutable"] = True
    for exact in (True, False):
        with pytest.raises(UnmanagedError, match="is a sealing key"):
            plan(wanted(), mine, OWNER, replace(POLICY, recreate_immutable=True), exact=exact)


@pytest.mark.parametrize("prefix", ["db", "d"])
def test_a_secret_with_a_name_as_keys_have_cannot_be_made_beside_them(prefix: str) -> None:
    with pytest.raises(RefusedError, match="cannot make a sealing key"):
        desired(sealed(), ring(), Policy(Custody("home", prefix)))
    assert desired(sealed(), ring(), Policy(Custody("elsewhere", "db"))).manifest


def with_templates(**templates: str) -> SealedSecret:
    return replace(sealed(), template=SecretTemplate(data=templates))


def test_templates_that_are_never_the_same_are_known_and_sealed_values_are_none_of_them() -> None:
    wanted = desired(
        with_templates(a="{{ now }}", token="{{ randAlpha 8 }}", plain="{{ .a }}"), ring(), POLICY
    )
    assert wanted.unstable == {"token"}


def test_what_was_rendered_for_this_generation_stands() -> None:
    one, two = (
        desired(with_templates(token="{{ uuidv4 }}", plain="{{ .a }}"), ring(), POLICY)
        for _ in range(2)
    )
    first = settle(one, None, "u/1")
    assert first["metadata"]["annotations"] == {RENDERED_ANNOTATION: "u/1"}
    assert settle(two, first, "u/1") == first
    assert settle(two, first, "u/2")["data"]["token"] != first["data"]["token"]
    lost = {**first, "data": {"plain": first["data"]["plain"]}}
    assert settle(two, lost, "u/1")["data"]["token"] == two.manifest["data"]["token"]
    edited = {**first, "data": {**first["data"], "plain": "eA=="}}
    assert settle(two, edited, "u/1")["data"]["plain"] == first["data"]["plain"]


def test_stable_secrets_carry_no_mark() -> None:
    stable = desired(sealed(), ring(), POLICY)
    assert settle(stable, None, "u/1") is stable.manifest


def test_a_template_gives_labels_and_annotations_and_no_other_metadata() -> None:
    greedy = sealed(
        metadata={
            "labels": {"app": "x"},
            "annotations": {"a": "b"},
            "finalizers": ["x.y/z"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}],
            "generateName": "x-",
        }
    )
    made = desired(greedy, ring(), POLICY).manifest["metadata"]
    assert made.keys() == {"name", "namespace", "labels", "annotations"}


def test_after_some_items_that_fail_no_more_are_tried() -> None:
    one = sealed()
    junk = {f"k{number:04}": "AgAA" for number in range(100)}
    with pytest.raises(ManyErrors) as caught:
        desired(replace(one, encrypted_data=junk), ring(), POLICY)
    assert len(caught.value.errors) == PATIENCE


def test_more_items_than_an_object_may_have_are_refused() -> None:
    one = sealed()
    (item,) = one.encrypted_data.values()
    many = {f"k{number}": item for number in range(MAX_ITEMS + 1)}
    with pytest.raises(RefusedError, match="more than 2000 items"):
        desired(replace(one, encrypted_data=many), ring(), POLICY)
