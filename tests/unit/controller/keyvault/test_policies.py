"""Labels, globs, conditions: the pure parts of the Key Vault half."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.keyvault.access.tenancy import may_have, selects
from controller.keyvault.status.expiry import ends, expiring, next_turn, stamps
from controller.keyvault.status.status import (
    Outcome,
    is_same,
    objects,
    read_stamps,
    ready_conditions,
    with_times,
)
from controller.keyvault.target.desired import ObjectState
from controller.keyvault.target.ownership import (
    MADE_BY,
    MANAGER,
    MERGED_BY,
    TargetError,
    check,
    check_immutable,
    ours,
    removal,
)
from controller.keyvault.vault import Found, Stamp
from sealer.errors import SealerError
from sealer.keys.custody import KEY_LABEL
from sealer.keyvault.references import Ref
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import VaultResource

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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
        pytest.param(Outcome("Synced", ok=True), True, ["Ready=True"], id="synced"),
        pytest.param(Outcome("Throttled"), True, ["Ready=True"], id="outage-of-a-good-one"),
        pytest.param(
            Outcome("Throttled"), False, ["Ready=False", "Reconciling=True"], id="outage-at-first"
        ),
        pytest.param(Outcome("NotAllowed"), True, ["Ready=False", "Stalled=True"], id="permanent"),
    ],
)
def test_kstatus_reads_the_truth(outcome: Outcome, tolerated: bool, expected: list[str]) -> None:
    conditions = ready_conditions(outcome, tolerated=tolerated)
    assert [f"{one['type']}={one['status']}" for one in conditions] == expected


def test_a_transition_time_moves_with_the_status_only() -> None:
    first = with_times(ready_conditions(Outcome("Synced", ok=True), tolerated=True), {}, 1, NOW)
    later = NOW.replace(hour=5)
    again = with_times(
        ready_conditions(Outcome("Throttled"), tolerated=True), {"conditions": first}, 1, later
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


def immutable(manager: str) -> dict[str, Any]:
    """A Secret with a key of ours and a foreign one, made immutable by a manager."""
    ours = {"manager": MANAGER, "fieldsV1": {"f:data": {"f:a": {}}}}
    frozen = {"manager": manager, "fieldsV1": {"f:immutable": {}}}
    data = {"a": "YQ==", "theirs": "eA=="}
    return {"immutable": True, "data": data, "metadata": {"managedFields": [ours, frozen]}}


@pytest.mark.parametrize(
    ("manager", "applied", "refused"),
    [
        pytest.param(MANAGER, {"data": {"a": "YQ=="}, "immutable": True}, False, id="same"),
        pytest.param(MANAGER, {"data": {"a": "Yg=="}, "immutable": True}, True, id="new value"),
        pytest.param(MANAGER, {"immutable": True}, True, id="less"),
        pytest.param(MANAGER, {"data": {"a": "YQ=="}}, True, id="immutable no more"),
        pytest.param("kubectl", {"data": {"a": "YQ=="}}, False, id="by somebody else"),
        pytest.param("kubectl", {"data": {"a": "YQ=="}, "immutable": False}, True, id="said not"),
    ],
)
def test_an_immutable_secret_stays_or_the_cure_is_named(
    manager: str, applied: dict[str, Any], refused: bool
) -> None:
    if not refused:
        check_immutable(kvs(), immutable(manager), applied)
        return
    with pytest.raises(TargetError) as caught:
        check_immutable(kvs(), immutable(manager), applied)
    assert caught.value.reason == "TargetImmutable"
    assert "delete it" in (caught.value.hint or "")
    with pytest.raises(TargetError, match="immutable") as caught:
        check_immutable(kvs(creation="Merge"), immutable(manager), applied)
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


def test_adoption_takes_only_what_nobody_owns() -> None:
    check(kvs(adopt="IfUnowned"), {"metadata": {}})
    with pytest.raises(TargetError):
        check(kvs(adopt="IfUnowned"), owned_by("SealedSecret", "db", "bitnami.com"))


def with_our_data(**metadata: Any) -> dict[str, Any]:
    fields = [{"manager": MANAGER, "fieldsV1": {"f:data": {"f:x": {}}}}]
    return {"metadata": {"managedFields": fields, **metadata}}


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(owned_by("KeyVaultSecret", "other"), id="another-s"),
        pytest.param(with_our_data(), id="unclaimed"),
        pytest.param(with_our_data(annotations={MADE_BY: "other"}), id="another-s-orphan"),
        pytest.param(with_our_data(annotations={MERGED_BY: "other"}), id="another-merges"),
        pytest.param(
            with_our_data(
                annotations={MERGED_BY: "db"}, **owned_by("KeyVaultSecret", "other")["metadata"]
            ),
            id="another-s-in-spite-of-the-annotation",
        ),
    ],
)
def test_a_merge_takes_no_secret_from_another_of_us(live: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match="is filled by") as caught:
        check(kvs(creation="Merge"), live)
    assert caught.value.reason == "TargetNotOwned"


@pytest.mark.parametrize(
    "live",
    [
        pytest.param({"metadata": {}}, id="nobody's"),
        pytest.param(owned_by("SealedSecret", "db", "bitnami.com"), id="another-controller's"),
        pytest.param(owned_by("KeyVaultSecret", "db"), id="ours-before"),
        pytest.param(with_our_data(annotations={MADE_BY: "db"}), id="our-orphan"),
        pytest.param(with_our_data(annotations={MERGED_BY: "db"}), id="merged"),
    ],
)
def test_a_merge_goes_into_what_is_ours_or_a_stranger_s(live: dict[str, Any]) -> None:
    check(kvs(creation="Merge"), live)


def test_a_merge_whose_annotation_somebody_took_away_goes_on() -> None:
    secret = replace(kvs(creation="Merge"), status={"target": "db"})
    check(secret, with_our_data())


def test_a_removal_names_exactly_our_keys() -> None:
    fields = {"f:data": {"f:ours": {}, "f:gone": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}
    live = {
        "metadata": {
            "resourceVersion": "7",
            "labels": {"l": "1", "foreign": "2"},
            "managedFields": [
                {"manager": MANAGER, "fieldsV1": fields},
                {"manager": "kubectl", "fieldsV1": {"f:data": {"f:theirs": {}}}},
            ],
        },
        "data": {"ours": "eA==", "theirs": "eA=="},
    }
    assert ours(live).data == {"ours", "gone"}
    assert removal(live, {}) == {
        "data": {"ours": None},
        "metadata": {"labels": {"l": None}, "resourceVersion": "7"},
    }
    assert removal(live, {"data": {"x": ""}, "metadata": {"labels": {"y": ""}}}) is None


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
