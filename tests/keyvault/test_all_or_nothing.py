"""All or nothing: what one entry lacks keeps the others as they were, whatever is omitted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation

FED: dict[str, Any] = {
    "data": {"conf": "{{ .u }}:{{ .p }}"},
    "omit": ["u", "p"],
}
WITH_NULL: dict[str, Any] = {"data": {"conf": "{{ .u }}:{{ .p }}", "u": None, "p": None}}


def entry(name: str, **more: Any) -> dict[str, object]:
    return {"key": name, "from": {"secret": name, **more}}


async def started(half: Simulation, *names: str) -> None:
    """A vault with these, and enough beside them that a loss of one is no mass loss."""
    for name in names:
        half.store.set_secret(name, f"{name}1")
    for number in range(6):
        half.store.set_secret(f"other-{number}", "x")
    half.clock.now += 60
    await half.vault()
    half.secret("others", *(entry(f"other-{number}") for number in range(6)))
    await half.settle()


def lines(half: Simulation, name: str) -> dict[str, tuple[str, str]]:
    """State and message by object."""
    found = half.status(name)["objects"]
    return {line["ref"]: (line["state"], line.get("message", "")) for line in found}


@pytest.mark.parametrize("policy", ["Keep", "RemoveKey", "DeleteSecret"])
def test_a_new_user_does_not_stand_beside_an_old_password(run: Run, policy: str) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "u", "p")
        template = {"data": {"dsn": "{{ .u }}:{{ .p }}"}}
        half.secret("db", entry("u"), entry("p"), template=template, onVaultDelete=policy)
        await half.settle()
        before = half.data("db")
        assert before == {"u": "u1", "p": "p1", "dsn": "u1:p1"}
        held = {line["ref"]: line["version"] for line in half.status("db")["objects"]}
        half.store.set_secret("u", "u2")
        half.store.update("p", enabled=False)
        for _ in range(3):
            await half.tick()
        assert half.data("db") == before
        assert half.ready("db") == ("True", "ObjectDisabled")
        told = {line["ref"]: line for line in half.status("db")["objects"]}
        assert told["u"]["version"] == held["u"], "the Secret does not hold the new one"
        assert (told["u"]["state"], told["p"]["state"]) == ("Waiting", "Disabled")
        assert "waits" in told["u"]["message"]
        half.store.set_secret("p", "p2")
        for _ in range(2):
            await half.tick()
        assert half.data("db") == {"u": "u2", "p": "p2", "dsn": "u2:p2"}
        assert half.ready("db") == ("True", "Synced")
        assert lines(half, "db") == {"u": ("Synced", ""), "p": ("Synced", "")}

    run(test)


def test_a_template_may_ask_for_an_optional_object(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("host", "db")
        half.clock.now += 60
        await half.vault()
        data: list[dict[str, Any]] = [
            {"key": "host", "from": {"secret": "host"}},
            {"key": "my-port", "from": {"secret": "port", "optional": True}},
        ]
        text = '{{ .host }}:{{ index . "my-port" | default "5432" }}'
        half.secret("asks", *data, template={"data": {"url": text}})
        half.secret("prints", *data, template={"data": {"url": '{{ index . "my-port" }}'}})
        await half.settle()
        assert half.data("asks") == {"host": "db", "url": "db:5432"}
        assert half.ready("prints") == ("False", "TemplateFailed")
        half.store.set_secret("port", "1")
        half.clock.now += 60
        await half.tick()
        assert half.data("asks") == {"host": "db", "my-port": "1", "url": "db:1"}

    run(test)


@pytest.mark.parametrize("template", [FED, WITH_NULL], ids=["omit", "null"])
@pytest.mark.parametrize(
    ("policy", "left"),
    [
        pytest.param("Keep", {"conf": "u1:p1"}, id="keep"),
        pytest.param("RemoveKey", {}, id="remove"),
        pytest.param("DeleteSecret", None, id="delete"),
    ],
)
def test_what_only_feeds_a_template_follows_the_policy(
    run: Run, template: dict[str, Any], policy: str, left: dict[str, str] | None
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "u", "p")
        half.secret("db", entry("u"), entry("p"), template=template, onVaultDelete=policy)
        await half.settle()
        assert half.data("db") == {"conf": "u1:p1"}
        half.store.delete("p")
        await half.tick()
        assert half.data("db") == {"conf": "u1:p1"}, "one 404 is not enough"
        for _ in range(3):
            await half.tick()
        assert half.data("db") == left
        assert half.ready("db")[1] == "ObjectNotFound"
        await half.restart()
        for _ in range(3):
            await half.tick()
        assert half.data("db") == left
        half.store.recover("p")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"conf": "u1:p1"}
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_a_removed_key_takes_only_those_templates_along_that_need_it(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "u", "p")
        data = {"conf": "{{ .u }}:{{ .p }}", "user": "{{ .u }}", "salt": "{{ .p }}{{ now }}"}
        template = {"data": data, "omit": ["p"]}
        half.secret("db", entry("u"), entry("p"), template=template, onVaultDelete="RemoveKey")
        await half.settle()
        half.store.delete("p")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"u": "u1", "user": "u1"}

    run(test)


def test_an_optional_object_that_only_fed_a_template_freezes_nothing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "u", "p")
        data = {"conf": "{{ range $key, $value := . }}{{ $value }}-{{ end }}"}
        template = {"data": data, "omit": ["u", "p"]}
        half.secret("db", entry("u"), entry("p", optional=True), template=template)
        await half.settle()
        assert half.data("db") == {"conf": "p1-u1-"}
        half.store.delete("p")
        for _ in range(3):
            await half.tick()
        half.store.set_secret("u", "u2")
        for _ in range(2):
            await half.tick()
        assert half.data("db") == {"conf": "u2-"}
        assert half.ready("db") == ("True", "Synced")

    run(test)


@pytest.mark.parametrize("policy", ["Keep", "RemoveKey", "DeleteSecret"])
@pytest.mark.parametrize("since", ["the loss", "the start"])
def test_optional_cures_a_missing_object_at_any_time(run: Run, policy: str, since: str) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "need", "extra")
        extra = entry("extra", optional=since == "the start")
        half.secret("db", entry("need"), extra, onVaultDelete=policy)
        await half.settle()
        half.store.delete("extra")
        for _ in range(3):
            await half.tick()
        cured = (entry("need"), entry("extra", optional=True))
        half.secret("db", *cured, generation=2, onVaultDelete=policy)
        half.secret("new", *cured, onVaultDelete=policy)
        await half.settle()
        for _ in range(80):  # more than the hour for which a good Secret stays Ready
            await half.tick()
        assert half.ready("db") == half.ready("new") == ("True", "Synced")
        kept = {"extra": "extra1"} if policy == "Keep" else {}
        assert half.data("db") == {"need": "need1", **kept}
        await half.restart()
        half.store.set_secret("need", "need2")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"need": "need2", **kept}
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_the_last_of_what_may_be_missing_takes_the_secret_along(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "f-1", "f-2")
        half.secret("db", {"find": {"name": "f-*"}}, onVaultDelete="DeleteSecret")
        await half.settle()
        half.store.delete("f-1")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"f-2": "f-21"}
        assert half.ready("db") == ("True", "Synced")
        half.store.delete("f-2")
        await half.tick()
        assert half.data("db") == {"f-2": "f-21"}
        for _ in range(3):
            await half.tick()
        await half.restart()
        for _ in range(3):
            await half.tick()
        assert half.data("db") is None
        assert half.ready("db") == ("False", "ObjectNotFound")
        half.store.recover("f-1")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"f-1": "f-11"}

    run(test)


def test_a_template_sees_what_the_vault_gave_and_no_other_template(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "alice", "bob")
        lines = "{{ range $key, $value := . }}{{ $key }}:{{ $value }} {{ end }}"
        template = {"data": {"credentials": lines}, "omit": ["alice", "bob"]}
        half.secret("all", entry("alice"), entry("bob"), template=template)
        sibling = {"data": {"url": "https://{{ .alice }}", "full": "{{ .url }}?a=1"}}
        half.secret("sibling", entry("alice"), template=sibling)
        await half.settle()
        assert half.data("all") == {"credentials": "alice:alice1 bob:bob1 "}
        assert half.data("sibling") is None
        assert half.ready("sibling") == ("False", "TemplateFailed")

    run(test)
