"""Labels, globs, conditions: the pure parts of the Key Vault half."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.conditions import Outcome
from controller.keyvault.access.tenancy import may_have, selects
from controller.keyvault.status.expiry import ends, expiring, next_turn, stamps
from controller.keyvault.status.status import (
    is_same,
    objects,
    read_stamps,
    ready_conditions,
    with_times,
)
from controller.keyvault.target.desired import ObjectState
from controller.keyvault.target.ownership import (
    ADOPT,
    MADE_BY,
    TargetError,
    check,
    check_immutable,
    check_keys,
    manager,
    mergers,
    ours,
    removal,
)
from controller.keyvault.vault import Found, Stamp
from controller.reasons import Reason
from sealer.errors import SealerError
from sealer.keys.custody import KEY_LABEL
from sealer.keyvault.references import Ref
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import VaultResource

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS = manager("db")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param({}, True, id="empty"),
        pytest.param({"matchLabels": {"a": "1"}}, True, id="label"),
        pytest.param({"matchLabels": {"a": "2"}}, False, id="other-value"),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, True, id="in"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]},
            True,
            id="not-in-absent",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False, id="exists"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False, id="does-not"
        ),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "?"}]}, False, id="unknown"),
    ],
)
def test_namespace_selectors_are_kubernetes(selector: dict[str, Any], expected: bool) -> None:
    assert selects(selector, {"a": "1"}) is expected


def cluster_vault(*allow: dict[str, Any]) -> VaultResource:
    return VaultResource.from_dict(
        {
            "kind": "ClusterKeyVault",
            "metadata": {"name": "v"},
            "spec": {
                "url": "https://shop.vault.azure.net",
                "auth": {"controllerIdentity": {}},
                "allow": list(allow),
            },
        }
    )


def test_a_cluster_vault_denies_by_default() -> None:
    assert not may_have(cluster_vault(), "shop", {}, "anything")
    vault = cluster_vault({"namespaces": ["shop"], "objects": ["a-*"]})
    assert may_have(vault, "shop", {}, "A-1")
    assert not may_have(vault, "shop", {}, "b-1")
    assert not may_have(vault, "other", {}, "a-1")


@pytest.mark.parametrize(
    ("outcome", "tolerated", "expected"),
    [
        pytest.param(Outcome(Reason.SYNCED, ok=True), True, ["Ready=True"], id="synced"),
        pytest.param(Outcome(Reason.THROTTLED), True, ["Ready=True"], id="outage-of-a-good-one"),
        pytest.param(
            Outcome(Reason.THROTTLED),
            False,
            ["Ready=False", "Reconciling=True"],
            id="outage-at-first",
        ),
        pytest.param(
            Outcome(Reason.NOT_ALLOWED), True, ["Ready=False", "Stalled=True"], id="permanent"
        ),
    ],
)
def test_kstatus_reads_the_truth(outcome: Outcome, tolerated: bool, expected: list[str]) -> None:
    conditions = ready_conditions(outcome, tolerated=tolerated)
    assert [f"{one['type']}={one['status']}" for one in conditions] == expected


def test_a_transition_time_moves_with_the_status_only() -> None:
    first = with_times(
        ready_conditions(Outcome(Reason.SYNCED, ok=True), tolerated=True), {}, 1, NOW
    )
    later = NOW.replace(hour=5)
    again = with_times(
        ready_conditions(Outcome(Reason.THROTTLED), tolerated=True), {"conditions": first}, 1, later
    )
    assert again[0]["lastTransitionTime"] == first[0]["lastTransitionTime"]
    assert is_same({"conditions": first, "nextSyncTime": "a"}, {"conditions": first})


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        pytest.param(Stamp(expires=NOW.timestamp() + 10), "ExpiresSoon", id="soon"),
        pytest.param(Stamp(expires=NOW.timestamp() - 10), "Expired", id="expired"),
        pytest.param(Stamp(not_before=NOW.timestamp() + 10), "NotYetValid", id="not-yet"),
        pytest.param(Stamp(expires=NOW.timestamp() + 9999), None, id="later"),
    ],
)
def test_expiry_is_told(stamp: Stamp, reason: str | None) -> None:
    told = expiring({Ref("secret", "a"): stamp}, 100, NOW.timestamp())
    assert (told.reason if told else None) == reason


@pytest.mark.parametrize(
    ("stamp", "left"),
    [
        pytest.param(Stamp(expires=NOW.timestamp() + 130), 30, id="soon"),
        pytest.param(Stamp(expires=NOW.timestamp() + 10), 10, id="expired"),
        pytest.param(Stamp(not_before=NOW.timestamp() + 5, expires=2e10), 5, id="valid"),
        pytest.param(Stamp(not_before=1, expires=2), None, id="never"),
    ],
)
def test_the_next_turn_of_what_is_told(stamp: Stamp, left: float | None) -> None:
    assert next_turn({Ref("secret", "a"): stamp}, 100, NOW.timestamp()) == left


def test_what_cannot_be_read_now_holds_as_long_as_it_did() -> None:
    before = {Ref("secret", name): Stamp(expires=100) for name in "abc"}
    found = Found("2", b"x", Stamp(expires=200))
    states = (
        ObjectState(Ref("secret", "a"), "Synced", found=found),
        ObjectState(Ref("secret", "b"), "Error", keys=("b",)),
        ObjectState(Ref("secret", "c"), "Missing"),
        ObjectState(Ref("secret", "d", "1"), "Synced", found=found, is_past=True),
    )
    known = stamps(states, before)
    assert ends(known) == {"a": 200, "b": 100}
    lines = objects(states, known)
    assert ends(read_stamps({"objects": lines})) == {"a": 200, "b": 100}


def kvs(**target: Any) -> KeyVaultSecret:
    return KeyVaultSecret.from_dict(
        {
            "kind": "KeyVaultSecret",
            "metadata": {"name": "db", "namespace": "shop", "uid": "new"},
            "spec": {
                "vaultRef": {"name": "v"},
                "data": [{"key": "a", "from": {"secret": "a"}}],
                "target": target,
            },
        }
    )


def owned_by(kind: str, name: str, group: str = "keyvault.sealer.dev") -> dict[str, Any]:
    owner = {"apiVersion": f"{group}/v1", "kind": kind, "name": name, "controller": True}
    return {"metadata": {"ownerReferences": [{**owner, "uid": "old"}]}}


def immutable(who: str) -> dict[str, Any]:
    """A Secret with a key of ours and a foreign one, made immutable by a manager."""
    ours = {"manager": OURS, "fieldsV1": {"f:data": {"f:a": {}}}}
    frozen = {"manager": who, "fieldsV1": {"f:immutable": {}}}
    data = {"a": "YQ==", "theirs": "eA=="}
    return {"immutable": True, "data": data, "metadata": {"managedFields": [ours, frozen]}}


@pytest.mark.parametrize(
    ("who", "applied", "refused"),
    [
        pytest.param(OURS, {"data": {"a": "YQ=="}, "immutable": True}, False, id="same"),
        pytest.param(OURS, {"data": {"a": "Yg=="}, "immutable": True}, True, id="new value"),
        pytest.param(OURS, {"immutable": True}, True, id="less"),
        pytest.param(OURS, {"data": {"a": "YQ=="}}, True, id="immutable no more"),
        pytest.param("kubectl", {"data": {"a": "YQ=="}}, False, id="by somebody else"),
        pytest.param("kubectl", {"data": {"a": "YQ=="}, "immutable": False}, True, id="said not"),
    ],
)
def test_an_immutable_secret_stays_or_the_cure_is_named(
    who: str, applied: dict[str, Any], refused: bool
) -> None:
    if not refused:
        check_immutable(kvs(), immutable(who), applied)
        return
    with pytest.raises(TargetError) as caught:
        check_immutable(kvs(), immutable(who), applied)
    assert caught.value.reason == "TargetImmutable"
    assert "delete it" in (caught.value.hint or "")
    with pytest.raises(TargetError, match="immutable") as caught:
        check_immutable(kvs(creation="Merge"), immutable(who), applied)
    assert "another target" in (caught.value.hint or "")


def test_an_owner_of_our_name_with_a_dead_uid_is_us() -> None:
    check(kvs(), owned_by("KeyVaultSecret", "db"))


@pytest.mark.parametrize(
    "live",
    [
        pytest.param({"metadata": {}}, id="nobody's"),
        pytest.param(owned_by("KeyVaultSecret", "other"), id="another's"),
        pytest.param(owned_by("KeyVaultSecret", "db", "evil.example"), id="another-group's"),
    ],
)
def test_a_foreign_secret_is_refused(live: dict[str, Any]) -> None:
    with pytest.raises(TargetError) as caught:
        check(kvs(), live)
    assert caught.value.reason == "TargetNotOwned"


def test_adoption_takes_only_what_nobody_owns_and_says_that_it_may_be_taken() -> None:
    check(kvs(adopt="IfUnowned"), {"metadata": {"annotations": {ADOPT: "true"}}})
    owned = owned_by("SealedSecret", "db", "bitnami.com")
    owned["metadata"]["annotations"] = {ADOPT: "true"}
    with pytest.raises(TargetError):
        check(kvs(adopt="IfUnowned"), owned)


@pytest.mark.parametrize(
    ("asked", "annotations", "cure"),
    [
        pytest.param("Never", {}, "say target.adopt: IfUnowned and annotate it", id="neither"),
        pytest.param("IfUnowned", {}, f'to take it over, annotate it {ADOPT}: "true"', id="asked"),
        pytest.param("IfUnowned", {ADOPT: "yes"}, f'{ADOPT}: "true"', id="not-true"),
        pytest.param("Never", {ADOPT: "true"}, "say target.adopt: IfUnowned", id="not-asked"),
    ],
)
def test_adoption_needs_a_word_of_both_sides(
    asked: str, annotations: dict[str, str], cure: str
) -> None:
    with pytest.raises(TargetError) as caught:
        check(kvs(adopt=asked), {"metadata": {"annotations": annotations}})
    assert cure in str(caught.value.hint)


def filled_by(name: str, *keys: str, made: bool = False, **metadata: Any) -> dict[str, Any]:
    """A Secret of which a KeyVaultSecret applied keys; ``made`` with the type, too."""
    fields: dict[str, Any] = {
        "f:data": {f"f:{key}": {} for key in keys},
        **({"f:type": {}} if made else {}),
    }
    entries = [{"manager": manager(name), "fieldsV1": fields}]
    return {"metadata": {"managedFields": entries, **metadata}}


@pytest.mark.parametrize(
    "live",
    [
        pytest.param({"metadata": {}}, id="nobody's"),
        pytest.param(owned_by("SealedSecret", "db", "bitnami.com"), id="another-controller's"),
        pytest.param(owned_by("KeyVaultSecret", "db"), id="ours-before"),
        pytest.param(owned_by("KeyVaultSecret", "other"), id="another-s"),
        pytest.param(filled_by("other", "x", annotations={MADE_BY: "other"}), id="its-orphan"),
        pytest.param(filled_by("db", "x"), id="merged"),
    ],
)
def test_a_merge_goes_into_what_is_there(live: dict[str, Any]) -> None:
    check(kvs(creation="Merge"), live)


@pytest.mark.parametrize("creation", ["Owner", "Merge"])
def test_a_key_that_another_filled_before_is_a_conflict(creation: str) -> None:
    applied = {"data": {"x": "", "y": ""}, "metadata": {"labels": {"l": ""}}}
    with pytest.raises(TargetError, match=r"the key x of .* by KeyVaultSecret other") as caught:
        check_keys(kvs(creation=creation), filled_by("other", "x"), applied)
    assert caught.value.reason == "KeyConflict"
    check_keys(kvs(creation=creation), filled_by("other", "z"), applied)
    check_keys(kvs(creation=creation), filled_by("db", "x", "y"), applied)


@pytest.mark.parametrize("creation", ["Owner", "Orphan"])
def test_what_we_applied_is_ours_when_its_marks_are_lost(creation: str) -> None:
    live = filled_by("db", "x", made=True)
    with pytest.raises(TargetError, match="not ours"):
        check(kvs(creation=creation), live)
    known = replace(kvs(creation=creation), status={"target": "db"})
    check(known, live)
    foreigners: tuple[dict[str, Any], ...] = (
        {"metadata": {}},
        filled_by("other", "x", made=True),
        filled_by("db", "x", annotations={MADE_BY: "other"}),
        filled_by("db", "x", **owned_by("SealedSecret", "db", "bitnami.com")["metadata"]),
    )
    for foreign in foreigners:
        with pytest.raises(TargetError):
            check(known, foreign)


def test_a_loss_of_an_owner_reference_shows_in_what_is_ours() -> None:
    reference: dict[str, Any] = {'k:{"uid":"u"}': {".": {}, "f:controller": {}}}
    entry = {"manager": OURS, "fieldsV1": {"f:metadata": {"f:ownerReferences": reference}}}
    with_it = ours({"metadata": {"managedFields": [entry]}}, "db")
    assert with_it.owners == {'k:{"uid":"u"}', 'k:{"uid":"u"}/.', 'k:{"uid":"u"}/f:controller'}


def test_a_long_name_has_a_field_manager_of_its_own() -> None:
    one, two = manager("a" * 200 + "1"), manager("a" * 200 + "2")
    assert one != two
    assert len(one) == len(two) == 128
    assert mergers(filled_by("a" * 200 + "1", "x")) == {one.removeprefix("sealer-keyvault.")}
    assert mergers(filled_by("db", "x", made=True)) == set()


def test_a_removal_names_exactly_our_keys() -> None:
    fields = {"f:data": {"f:ours": {}, "f:gone": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}
    live = {
        "metadata": {
            "resourceVersion": "7",
            "labels": {"l": "1", "foreign": "2"},
            "managedFields": [
                {"manager": OURS, "fieldsV1": fields},
                {"manager": "kubectl", "fieldsV1": {"f:data": {"f:theirs": {}}}},
            ],
        },
        "data": {"ours": "eA==", "theirs": "eA=="},
    }
    assert ours(live, "db").data == {"ours", "gone"}
    assert removal(live, {}, "db") == {
        "data": {"ours": None},
        "metadata": {"labels": {"l": None}, "resourceVersion": "7"},
    }
    assert removal(live, {"data": {"x": ""}, "metadata": {"labels": {"y": ""}}}, "db") is None


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"target": {"labels": {KEY_LABEL: "active"}}}, id="target"),
        pytest.param({"template": {"metadata": {"labels": {KEY_LABEL: ""}}}}, id="template"),
    ],
)
def test_a_key_vault_secret_makes_no_sealing_key(place: dict[str, Any]) -> None:
    with pytest.raises(SealerError, match="makes no sealing key"):
        KeyVaultSecret.from_dict(
            {
                "apiVersion": "keyvault.sealer.dev/v1alpha1",
                "kind": "KeyVaultSecret",
                "metadata": {"name": "trojan", "namespace": "kube-system"},
                "spec": {
                    "vaultRef": {"name": "shop"},
                    "data": [{"key": "tls.key", "from": {"secret": "mine"}}],
                    **place,
                },
            }
        )
