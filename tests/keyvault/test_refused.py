"""A KeyVaultSecret that cannot go on: what it asks for, and what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.api.cluster import Manifest
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry


async def started(half: Simulation) -> None:
    """Two KeyVaultSecrets on a vault whose objects are read one by one."""
    half.store.set_secret("s", "v")
    half.store.set_secret("other", "v")
    half.clock.now += 60
    await half.vault(poll={"interval": "1m", "mode": "Get"})
    half.secret("a", entry("s"))
    half.secret("b", entry("other"))
    await half.settle()
    await half.tick()


@pytest.mark.parametrize(
    ("data", "spec", "reason"),
    [
        pytest.param({"find": {"regex": "("}}, {}, "InvalidSpec", id="invalid"),
        pytest.param(entry("s"), {"vaultRef": {"name": "gone"}}, "VaultNotFound", id="no vault"),
    ],
)
def test_nothing_is_asked_for_it_any_more(
    run: Run, data: dict[str, Any], spec: dict[str, Any], reason: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.secret("a", data, generation=2, **spec)
        await half.settle()
        assert half.ready("a") == ("False", reason)
        half.azure.forget()
        await half.tick()
        assert half.azure.calls["secrets/get"] == 1
        half.secret("a", entry("s"), generation=3)
        await half.settle()
        assert half.ready("a") == ("True", "Synced")
        half.azure.forget()
        await half.tick()
        assert half.azure.calls["secrets/get"] == 2

    run(test)


def test_a_type_that_mints_tokens_is_refused_by_its_own_reason(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        kind = {"type": "kubernetes.io/service-account-token"}
        half.secret("a", entry("s"), generation=2, target=kind)
        half.secret("b", entry("s"), {"find": {}}, generation=2, target=kind)
        half.secret("c", entry("s"), template=kind)
        await half.settle()
        for name, reason in (("a", "TargetTypeRefused"), ("b", "InvalidSpec")):
            assert half.ready(name) == ("False", reason)
        assert half.ready("c") == ("False", "TargetTypeRefused")

    run(test)


def test_a_host_that_is_no_vault_is_the_fault_of_the_vault_alone(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.azure.redirect = "https://elsewhere.example"
        note = {"keyvault.sealer.dev/sync-now": "1"}
        half.secret("a", entry("s"), annotations=note)
        await half.settle()
        assert half.ready("a") == ("True", "VaultNotReady")
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("False", "UnknownCloud")

    run(test)


def test_a_bad_value_comes_with_its_cure(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.store.set_secret("list", "a: 1\nn: 2")
        half.secret("c", {"expand": {"secret": "list", "format": "YAML"}})
        await half.settle()
        assert half.ready("c") == ("False", "BadValue")
        assert "(quote keys such as n" in half.status("c")["conditions"][0]["message"]

    run(test)


def test_a_fault_of_ours_is_told_without_what_it_quotes(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        find = half.objects.find_secret

        async def fail(namespace: str, name: str) -> Manifest | None:
            if name == "a":
                raise UnicodeError("canary")
            return await find(namespace, name)

        half.objects.find_secret = fail  # type: ignore[method-assign]
        half.store.set_secret("s", "v2")
        half.store.set_secret("other", "v2")
        await half.tick()
        assert half.ready("a") == ("False", "InternalError")
        told = json.dumps(half.status("a"))
        assert "UnicodeError" in told
        assert "canary" not in told
        assert ("a", "InternalError") in half.events
        labels = {"namespace": "shop", "name": "a"}
        assert half.registry.get_sample_value("keyvaultsecret_ready", labels) == 0
        assert half.data("b") == {"other": "v2"}
        half.objects.find_secret = find  # type: ignore[method-assign]
        await half.tick()
        assert half.ready("a") == ("True", "Synced")
        assert half.data("a") == {"s": "v2"}

    run(test)


def lines(half: Simulation, name: str) -> dict[str, tuple[str, list[str], str]]:
    """State, keys and version of each object in a status."""
    return {
        one["ref"]: (one["state"], one.get("keys", []), one.get("version", ""))
        for one in half.status(name)["objects"]
    }


def test_a_bad_template_hides_no_object_and_tells_of_what_is_there(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        before = lines(half, "a")
        half.store.set_secret("s", "v2")
        half.clock.now += 60
        bad = {"data": {"x": "{{ .missing }}"}}
        half.secret("a", entry("s"), entry("other"), template=bad, generation=2)
        await half.settle()
        assert half.ready("a") == ("False", "TemplateFailed")
        assert half.data("a") == {"s": "v"}
        waits = {ref: ("Waiting", *line[1:]) for ref, line in before.items()}
        assert lines(half, "a") == {**waits, "other": ("Waiting", [], "")}

    run(test)


def test_a_key_conflict_names_the_objects(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.store.set_secret("one", '{"k": "1"}')
        half.store.set_secret("two", '{"k": "2"}')
        half.clock.now += 60
        half.secret("c", {"expand": {"secret": "one"}}, {"expand": {"secret": "two"}})
        await half.settle()
        assert half.ready("c") == ("False", "KeyConflict")
        assert {ref: line[0] for ref, line in lines(half, "c").items()} == {
            "one": "Waiting",
            "two": "Error",
        }
        message = "the key k would come from secret one and from secret two (rename one of them)"
        assert half.status("c")["objects"][1]["message"] == message
        assert half.data("c") is None

    run(test)


def test_fields_that_no_key_may_have_are_renamed_where_that_is_asked_for(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.store.set_secret("app", '{"Logging:Level": "Debug", "db": {"x": 1}}')
        half.store.set_secret("two", '{"a:b": "1", "a/b": "2"}')
        half.clock.now += 60
        steps = [{"regex": "db", "to": "DB"}]
        half.secret("k", {"expand": {"secret": "app", "case": "Key", "rename": steps}})
        half.secret("bad", {"expand": {"secret": "app"}})
        half.secret("same", {"expand": {"secret": "two", "case": "Key"}})
        await half.settle()
        assert half.data("k") == {"Logging_Level": "Debug", "DB": '{"x":1}'}
        assert half.ready("bad") == half.ready("same") == ("False", "BadValue")
        message = half.status("same")["objects"][0]["message"]
        assert message == "gives one key of two of its fields (rename one of them)"
        assert "rename or case" in half.status("bad")["objects"][0]["message"]

    run(test)


@pytest.mark.parametrize("policy", ["Keep", "DeleteSecret"])
def test_what_was_read_and_never_written_was_never_had(run: Run, policy: str) -> None:
    """It may go again without blocking the others, or deleting anything."""

    async def test(half: Simulation) -> None:
        await started(half)
        half.store.set_secret("f-1", "v")
        half.clock.now += 60
        find = {"find": {"name": "f-*"}}
        half.secret("c", find, entry("late"), onVaultDelete=policy)
        await half.settle()
        assert half.ready("c") == ("False", "ObjectNotFound")
        half.store.delete("f-1")
        half.store.set_secret("late", "v")
        half.clock.now += 60
        for _ in range(8):
            await half.tick()
        assert half.data("c") == {"late": "v"}
        assert half.ready("c") == ("True", "Synced")

    run(test)
