"""What happens when the vault, the token endpoint or somebody's hand fails."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from controller.keyvault.poll import reader
from controller.keyvault.vault import Found
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.testbed.azure.faults import Fault


def entry(name: str) -> dict[str, object]:
    return {"key": name, "from": {"secret": name}}


def secret_statuses(half: Simulation) -> dict[tuple[str, str, str], Any]:
    return {key: one for key, one in half.objects.statuses.items() if key[0] != "KeyVault"}


async def started(half: Simulation, count: int = 6, **spec: Any) -> None:
    """A vault with ``s-0`` and so on, each in a KeyVaultSecret ``k-0`` and so on."""
    for number in range(count):
        half.store.set_secret(f"s-{number}", f"value-{number}")
    half.clock.now += 60
    await half.vault()
    for number in range(count):
        half.secret(f"k-{number}", entry(f"s-{number}"), **spec)
    await half.settle()
    assert all(half.ready(f"k-{number}") == ("True", "Synced") for number in range(count))


def test_a_storm_of_429_is_one_condition_few_requests_and_no_touched_secret(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        writes = half.objects.writes
        half.azure.faults.add(Fault(status=429))
        half.store.set_secret("s-1", "changed")
        half.azure.forget()
        for _ in range(10):
            await half.tick(60)
        assert half.objects.writes == writes
        assert half.ready("k-1") == ("True", "Throttled")
        assert half.ready("shop", "KeyVault") == ("False", "Throttled")
        assert half.status("shop", "KeyVault")["throttledUntil"]
        assert sum(half.azure.calls.values()) <= 10
        assert half.events.count(("shop", "VaultThrottled")) == 1
        half.azure.faults.clear()
        for _ in range(6):
            await half.tick(60)
        assert half.data("k-1") == {"s-1": "changed"}
        assert half.ready("k-1") == ("True", "Synced")
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.status("shop", "KeyVault")["throttledUntil"] is None

    run(test)


def test_retry_after_is_obeyed(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.azure.faults.add(Fault(status=429, retry_after=120))
        await half.tick(61)
        half.azure.forget()
        await half.tick(110)
        assert sum(half.azure.calls.values()) == 0
        half.azure.faults.clear()
        await half.tick(12)
        assert half.azure.calls["secrets/list"] + half.azure.calls["secrets/get"] > 0

    run(test)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault(status=503, code="Unavailable"), "Unreachable", id="503"),
        pytest.param(Fault(cut=True), "Unreachable", id="cut"),
        pytest.param(
            Fault(status=403, code="Forbidden", inner="ForbiddenByFirewall"),
            "VaultNotReady",
            id="firewall",
        ),
        pytest.param(
            Fault(status=403, code="Forbidden", inner="ForbiddenByRbac"),
            "VaultNotReady",
            id="forbidden",
        ),
    ],
)
def test_an_outage_leaves_good_secrets_ready_until_they_are_stale(
    run: Run, fault: Fault, reason: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        half.azure.faults.add(fault)
        for _ in range(10):
            await half.tick(300)
        assert half.data("k-1") == {"s-1": "value-1"}
        assert half.ready("k-1") == ("True", reason)
        for _ in range(6):
            await half.tick(300)
        assert half.ready("k-1") == ("False", reason)
        assert half.data("k-1") == {"s-1": "value-1"}
        half.azure.faults.clear()
        half.store.set_secret("s-1", "after")
        for _ in range(6):
            await half.tick(150)
        assert half.ready("k-1") == ("True", "Synced")
        assert half.data("k-1") == {"s-1": "after"}

    run(test)


def test_one_deleted_object_deletes_its_secret_after_two_polls(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        half.store.delete("s-1")
        await half.tick()
        assert half.data("k-1") == {"s-1": "value-1"}
        await half.tick()
        assert half.data("k-1") is None
        assert half.ready("k-1") == ("False", "ObjectNotFound")
        assert half.data("k-2") == {"s-2": "value-2"}
        for _ in range(3):
            await half.tick()
        await half.restart()
        await half.tick()
        assert half.data("k-1") is None
        half.store.recover("s-1")
        await half.tick()
        await half.tick()
        assert half.data("k-1") == {"s-1": "value-1"}

    run(test)


def test_when_half_of_the_vault_vanishes_nothing_is_deleted(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        for number in range(4):
            half.store.delete(f"s-{number}")
        for _ in range(4):
            await half.tick()
        assert all(half.data(f"k-{n}") == {f"s-{n}": f"value-{n}"} for n in range(6))
        assert half.ready("shop", "KeyVault") == ("True", "Fuse")
        assert half.events.count(("shop", "VaultFuse")) == 1
        assert half.vault_metric("keyvault_vanished_objects") == 4
        assert half.ready("k-0") == ("True", "Fuse")
        assert half.events.count(("k-0", "Fuse")) == 1
        assert half.ready("k-5") == ("True", "Synced")
        for number in range(4):
            half.store.recover(f"s-{number}")
        await half.tick()
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.vault_metric("keyvault_vanished_objects") == 0
        assert half.vault_metric("keyvault_ready") == 1

    run(test)


def test_sync_now_lets_the_fuse_go_for_that_one_alone(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        for number in range(4):
            half.store.delete(f"s-{number}")
        for _ in range(3):
            await half.tick()
        meant = {"keyvault.sealer.dev/sync-now": "1"}
        half.secret("k-0", entry("s-0"), onVaultDelete="DeleteSecret", annotations=meant)
        await half.settle()
        await half.tick()
        assert half.data("k-0") is None
        assert half.ready("k-0")[1] == "ObjectNotFound"
        assert all(half.data(f"k-{n}") == {f"s-{n}": f"value-{n}"} for n in range(1, 6))
        assert half.ready("k-1") == ("True", "Fuse")

    run(test)


def test_sync_now_does_not_make_one_404_enough(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        half.store.delete("s-1")
        meant = {"keyvault.sealer.dev/sync-now": "1"}
        half.secret("k-1", entry("s-1"), onVaultDelete="DeleteSecret", annotations=meant)
        await half.settle()
        assert half.data("k-1") == {"s-1": "value-1"}
        await half.tick()
        assert half.data("k-1") == {"s-1": "value-1"}
        await half.tick()
        assert half.data("k-1") is None

    run(test)


def test_the_fuse_holds_over_a_restart(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        for number in range(4):
            half.store.delete(f"s-{number}")
        await half.restart()
        for _ in range(4):
            await half.tick()
        assert all(half.data(f"k-{n}") == {f"s-{n}": f"value-{n}"} for n in range(6))
        assert half.ready("shop", "KeyVault") == ("True", "Fuse")
        assert half.ready("k-0") == ("True", "Fuse")

    run(test)


def test_keep_keeps_and_remove_key_removes(run: Run) -> None:
    async def test(half: Simulation) -> None:
        for number in range(6):
            half.store.set_secret(f"s-{number}", f"value-{number}")
        half.clock.now += 60
        await half.vault()
        half.secret("keep", entry("s-0"), entry("s-1"))
        half.secret("remove", entry("s-0"), entry("s-1"), onVaultDelete="RemoveKey")
        half.secret("others", *(entry(f"s-{number}") for number in range(2, 6)))
        await half.settle()
        half.store.delete("s-0")
        half.store.set_secret("s-1", "new")
        for _ in range(3):
            await half.tick()
        assert half.data("keep") == {"s-0": "value-0", "s-1": "value-1"}
        assert half.data("remove") == {"s-1": "new"}
        states = {line["ref"]: line["state"] for line in half.status("keep")["objects"]}
        assert states == {"s-0": "Missing", "s-1": "Waiting"}

    run(test)


@pytest.mark.parametrize(
    ("policy", "expected", "ready"),
    [
        pytest.param("Keep", {"s-1": "value-1", "s-2": "value-2"}, "Synced", id="keep"),
        pytest.param("RemoveKey", {"s-2": "value-2"}, "Synced", id="remove"),
        pytest.param("DeleteSecret", {"s-2": "value-2"}, "Synced", id="delete"),
    ],
)
def test_what_find_delivered_and_is_gone_follows_the_policy(
    run: Run, policy: str, expected: dict[str, str], ready: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.secret("found", {"find": {"regex": "s-[12]"}}, onVaultDelete=policy)
        await half.settle()
        assert half.data("found") == {"s-1": "value-1", "s-2": "value-2"}
        half.store.delete("s-1")
        await half.tick()
        assert half.data("found") == {"s-1": "value-1", "s-2": "value-2"}
        for _ in range(5):
            await half.tick()
        await half.restart()
        for _ in range(3):
            await half.tick()
        assert half.data("found") == expected
        assert half.ready("found")[1] == ready
        half.store.recover("s-1")
        for _ in range(2):
            await half.tick()
        assert half.data("found") == {"s-1": "value-1", "s-2": "value-2"}

    run(test)


@pytest.mark.parametrize("policy", ["Keep", "RemoveKey"])
def test_two_keys_of_one_object_share_its_fate(run: Run, policy: str) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("login", '{"user": "app", "password": "secret"}')
        half.store.set_secret("other", "other")
        half.clock.now += 60
        await half.vault()
        parts = [
            {"key": key, "from": {"secret": "login", "property": key}}
            for key in ("user", "password")
        ]
        half.secret("db", *parts, entry("other"), onVaultDelete=policy)
        await half.settle()
        half.store.delete("login")
        half.store.set_secret("other", "new")
        for _ in range(4):
            await half.tick()
        whole = {"user": "app", "password": "secret", "other": "other"}
        assert half.data("db") == (whole if policy == "Keep" else {"other": "new"})
        assert half.ready("db") == ("True", "ObjectNotFound")
        assert len(half.status("db")["objects"]) == 2

    run(test)


def test_an_object_that_is_gone_stays_gone_through_an_outage(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.secret("db", entry("s-1"), entry("s-2"), onVaultDelete="RemoveKey")
        await half.settle()
        half.store.delete("s-1")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"s-2": "value-2"}
        half.azure.faults.add(Fault(status=503))
        for _ in range(3):
            await half.tick()
        half.azure.faults.clear()
        half.store.set_secret("s-2", "new")
        for _ in range(8):
            await half.tick()
        assert half.data("db") == {"s-2": "new"}

    run(test)


@pytest.mark.parametrize("as_404", [False, True], ids=["403", "404"])
def test_a_disabled_object_never_deletes(run: Run, as_404: bool) -> None:
    async def test(half: Simulation) -> None:
        await started(half, onVaultDelete="DeleteSecret")
        half.store.disabled_is_404 = as_404
        half.store.update("s-1", enabled=False)
        for _ in range(4):
            await half.tick()
        assert half.data("k-1") == {"s-1": "value-1"}
        assert half.ready("k-1")[1] == "ObjectDisabled"
        assert half.status("k-1")["objects"][0]["state"] == "Disabled"
        half.store.update("s-1", enabled=True)
        await half.tick()
        await half.tick()
        assert half.ready("k-1") == ("True", "Synced")

    run(test)


@pytest.mark.parametrize("ahead", [-30, 0, 3, 30])
def test_two_versions_within_one_second_both_arrive(run: Run, ahead: float) -> None:
    async def test(half: Simulation) -> None:
        half.clock.ahead = ahead
        await started(half)
        await half.tick()
        half.store.set_secret("s-1", "first")
        half.clock.release()
        half.vaults.poller(("KeyVault", "shop", "shop"))
        half.clock.parked = [(half.clock.now, future) for _, future in half.clock.parked]
        await half.tick(0)
        assert half.data("k-1") == {"s-1": "first"}
        half.store.set_secret("s-1", "second")
        await half.tick()
        assert half.data("k-1") == {"s-1": "second"}

    run(test)


def test_a_quiet_hour_writes_nothing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        await half.tick()
        writes, events = half.objects.writes, len(half.events)
        statuses = {
            key: value for key, value in half.objects.statuses.items() if key[0] != "KeyVault"
        }
        for _ in range(20):
            await half.tick()
        assert half.objects.writes == writes
        assert len(half.events) == events
        assert secret_statuses(half) == statuses

    run(test)


def test_without_the_right_to_list_objects_are_read_one_by_one(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.rights["33333333-3333-4333-8333-333333333333"] = {"secrets/get"}
        await started(half)
        half.store.set_secret("s-1", "changed")
        await half.tick()
        assert half.data("k-1") == {"s-1": "changed"}
        conditions = {one["type"]: one for one in half.status("shop", "KeyVault")["conditions"]}
        assert conditions["Listing"]["status"] == "False"
        assert conditions["Ready"]["status"] == "True"

    run(test)


def test_a_pinned_version_is_fetched_once(run: Run) -> None:
    async def test(half: Simulation) -> None:
        version = half.store.set_secret("s-0", "old").id
        half.store.set_secret("s-0", "new")
        half.clock.now += 60
        await half.vault()
        half.secret("pinned", {"key": "a", "from": {"secret": "s-0", "version": version}})
        await half.settle()
        half.azure.forget()
        for _ in range(30):
            await half.tick()
        assert half.data("pinned") == {"a": "old"}
        assert half.azure.calls["secrets/get"] == 0
        assert half.status("pinned")["objects"][0]["state"] == "Pinned"

    run(test)


def test_refresh_once_and_on_change_do_not_follow_the_vault(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "one")
        half.clock.now += 60
        await half.vault()
        half.secret("once", entry("s-0"), refresh="Once")
        half.secret("change", entry("s-0"), refresh="OnChange")
        await half.settle()
        half.store.set_secret("s-0", "two")
        for _ in range(3):
            await half.tick()
        assert half.data("once") == half.data("change") == {"s-0": "one"}
        half.secret("change", entry("s-0"), refresh="OnChange", generation=2)
        await half.settle()
        assert half.data("change") == {"s-0": "two"}
        notes = {"keyvault.sealer.dev/sync-now": "now"}
        half.secret("once", entry("s-0"), refresh="Once", annotations=notes)
        await half.settle()
        assert half.data("once") == {"s-0": "two"}

    run(test)


def test_one_missing_object_blocks_the_whole_secret_and_says_which(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "one")
        await half.vault()
        half.secret("db", entry("s-0"), entry("s-1"))
        await half.settle()
        assert half.data("db") is None
        assert half.ready("db") == ("False", "ObjectNotFound")
        states = {line["ref"]: line["state"] for line in half.status("db")["objects"]}
        assert states == {"s-0": "Waiting", "s-1": "Missing"}
        half.store.set_secret("s-1", "two")
        await half.tick()
        assert half.data("db") == {"s-0": "one", "s-1": "two"}

    run(test)


def test_expiry_is_a_condition_an_event_and_a_date(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "one", exp=int(half.clock.now) + 40 * 86400)
        await half.vault()
        half.secret("db", entry("s-0"))
        await half.settle()
        assert half.status("db")["expires"]
        assert "Expiring" not in {one["type"] for one in half.status("db")["conditions"]}
        half.store.update("s-0", exp=int(half.clock.now) + 86400)
        await half.tick()
        expiring = {one["type"]: one for one in half.status("db")["conditions"]}["Expiring"]
        assert (expiring["status"], expiring["reason"]) == ("True", "ExpiresSoon")
        assert ("db", "ExpiresSoon") in half.events
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_values_do_not_wait_in_memory_for_the_next_poll(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LINGER_SECONDS", 0)  # or it would be real seconds

    async def test(half: Simulation) -> None:
        half.store.set_secret("canary", "canary-in-memory")
        half.clock.now += 60
        await half.vault()
        half.secret("db", entry("canary"))
        await half.settle()
        assert half.data("db") == {"canary": "canary-in-memory"}
        half.clock.now += 1
        await half.settle()
        kept = [one for one in gc.get_objects() if isinstance(one, Found)]
        assert not [one for one in kept if b"canary-in-memory" in one.value]

    run(test)


def test_readiness_is_earned_anew_where_nothing_is_listed(run: Run) -> None:
    async def test(half: Simulation) -> None:
        for number in range(60):
            half.store.set_secret(f"s-{number}", "x")
        half.clock.now += 60
        await half.vault()
        half.secret("db", entry("s-1"))
        await half.settle()
        half.azure.forget()
        await half.tick()
        assert half.azure.calls["secrets/list"] == 0  # one GET is cheaper than three pages
        assert half.azure.calls["secrets/get"] == 1
        half.azure.faults.add(Fault(status=503))
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("False", "Unreachable")
        assert half.ready("db") == ("True", "Synced")  # one hiccup is no news
        await half.tick()
        assert half.ready("db") == ("True", "Unreachable")
        half.azure.faults.clear()
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_a_corrected_resource_does_not_wait_for_a_back_off(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "one")
        await half.vault()
        half.secret("db", entry("typo"))
        await half.settle()
        assert half.ready("db") == ("False", "ObjectNotFound")
        half.secret("db", entry("s-0"), generation=2)
        await half.settle()
        assert half.data("db") == {"s-0": "one"}
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_a_rotation_of_two_objects_does_not_tear(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, count=1)
        half.store.set_secret("user", "old-user")
        half.store.set_secret("password", "old-password")
        half.clock.now += 60
        half.secret("login", entry("user"), entry("password"))
        await half.settle()
        half.store.set_secret("user", "new-user")
        half.store.set_secret("password", "new-password")
        half.azure.forget()
        await half.tick()
        assert half.data("login") == {"user": "new-user", "password": "new-password"}
        assert half.azure.calls["secrets/list"] == 2  # once more, after it has settled

    run(test)


def test_a_random_value_of_a_template_stands_until_what_it_is_made_of_changes(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        template = {"data": {"pepper": "{{ randAlphaNum 12 }}", "line": "{{ index . `s-1` }}!"}}
        half.secret("db", entry("s-1"), template=template)
        await half.settle()
        first = (half.data("db") or {})["pepper"]
        assert len(first) == 12
        # Its neighbour is read again, the Secret deleted by hand or not: nothing else changes it.
        half.azure.faults.add(Fault(status=503))
        await half.tick()
        half.azure.faults.clear()
        for _ in range(3):
            await half.tick()
        await half.restart()
        await half.tick()
        assert half.data("db") == {"s-1": "value-1", "line": "value-1!", "pepper": first}
        half.store.set_secret("s-1", "new")
        for _ in range(2):
            await half.tick()
        second = half.data("db") or {}
        assert second["line"] == "new!"
        assert second["pepper"] != first
        half.secret("db", entry("s-1"), template=template, generation=2)
        await half.settle()
        assert (half.data("db") or {})["pepper"] != second["pepper"]

    run(test)


def test_a_renamed_target_takes_the_old_secret_along_once_the_new_one_is_there(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.secret("db", entry("s-1"), target={"name": "old"})
        await half.settle()
        half.clock.now += 600  # no value is kept for so long
        half.azure.faults.add(Fault(status=503))
        half.secret("db", entry("s-1"), target={"name": "new"}, generation=2)
        await half.settle()
        assert half.data("old") == {"s-1": "value-1"}
        half.azure.faults.clear()
        await half.restart()
        for _ in range(3):
            await half.tick()
        assert half.data("new") == {"s-1": "value-1"}
        assert half.data("old") is None
        assert half.status("db")["target"] == "new"

    run(test)


def test_a_secret_deleted_while_its_watch_was_broken_is_made_again(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        del half.objects.secrets["shop", "k-1"]
        present = {key for key in half.objects.secrets if key[0] == "shop"}
        half.syncer.on_targets_listed(present, "elsewhere")
        await half.settle()
        assert half.data("k-1") is None
        half.syncer.on_targets_listed(present, "shop")
        await half.settle()
        assert half.data("k-1") == {"s-1": "value-1"}

    run(test)


def test_a_resource_made_anew_under_its_name_is_told_of_anew(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        status = half.objects.statuses.pop(("KeyVaultSecret", "shop", "k-1"))
        half.secret("k-1", entry("s-1"), uid="another")
        await half.settle()
        assert half.ready("k-1") == ("True", "Synced")
        assert half.status("k-1")["objects"] == status["objects"]
        owner = half.objects.secrets["shop", "k-1"]["metadata"]["ownerReferences"][0]
        assert owner["uid"] == "another"

    run(test)
