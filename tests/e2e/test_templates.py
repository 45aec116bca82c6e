"""``spec.template.data`` in the cluster: rendered as the peer does, and without its leaks."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import World
from tests.testbed.cluster import Manifest, wait_for

CANARY = "canary-3fe1"


def with_templates(world: World, templates: dict[str, str | None], **options: Any) -> Manifest:
    manifest = world.sealed(**options)
    manifest["spec"]["template"]["data"] = templates
    return manifest


def test_templates_are_rendered_with_the_sealed_values(
    world: World, start: Callable[..., Any]
) -> None:
    templates = {
        "url": "postgres://{{ .user }}:{{ .password | urlquery }}@db",
        "password": "loses {{ .password }}",
        "user": None,
    }
    with start():
        world.apply(with_templates(world, templates, data={"user": b"u", "password": b"p w"}))
        world.wait_data({"password": b"p w", "url": b"postgres://u:p+w@db"})


def test_a_failing_template_tells_its_place_and_no_plaintext(
    world: World, start: Callable[..., Any]
) -> None:
    leaks = {
        "fail": "{{ fail .password }}",
        "b64": "{{ fail (b64enc .password) }}",
        "atoi": "{{ .password | required }}",
        "int": "{{ index .password 999 }}",
        "date": '{{ toDate "2006" .password | fail }}',
        "regex": '{{ regexFind .password "x" | fail }}',
    }
    with start() as controller:
        for name, text in leaks.items():
            manifest = with_templates(
                world, {"cfg": text}, name=name, data={"password": CANARY.encode()}
            )
            world.apply(manifest)
        for name in leaks:
            condition = world.wait_condition("Stalled", "True", name=name)
            assert condition["reason"] == "TemplateFailed"
            assert "cfg" in condition["message"]
            world.wait_event("ErrUnsealFailed", name)
            assert world.secret(name) is None
        told = "".join(
            [
                controller.log,
                str(world.plane.api.list("Event", world.namespace)),
                str(world.plane.api.list("SealedSecret", world.namespace)),
                controller.get("/metrics", port=controller.metrics_port)[1].decode(),
            ]
        )
        for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex()):
            assert form not in told


def test_random_values_stand_until_the_sealed_secret_changes(
    world: World, start: Callable[..., Any]
) -> None:
    manifest = with_templates(world, {"token": "{{ randAlphaNum 24 }}"})
    with start():
        world.apply(manifest)
        world.wait_synced()
        first = world.data()["token"]
        change = {"data": {"password": "eA=="}}
        world.plane.api.patch("Secret", world.namespace, "db", change)
        wait_for("drift is reverted", lambda: world.data()["password"] == b"s3cr3t")
        assert world.data()["token"] == first
    with start():
        world.apply(world.sealed(name="other"))
        world.wait_synced("other")
        assert world.data()["token"] == first
        world.apply(with_templates(world, {"token": "{{ randAlphaNum 24 }}", "x": "y"}))
        wait_for("a new token", lambda: world.data().get("token") not in (first, None))
        second = world.data()["token"]
        world.plane.api.delete("Secret", world.namespace, "db")
        wait_for("another token", lambda: world.data().get("token") not in (second, None))


def test_a_template_without_an_end_is_stopped_and_others_go_on(
    world: World, start: Callable[..., Any]
) -> None:
    with start() as controller:
        bomb = "{{ range until 1000000 }}{{ range until 1000000 }}x{{ end }}{{ end }}"
        for number in range(3):
            world.apply(with_templates(world, {"x": bomb}, name=f"bomb{number}"))
        world.apply(world.sealed())
        world.wait_data({"password": b"s3cr3t"}, seconds=15)
        for number in range(3):
            world.wait_condition("Stalled", "True", name=f"bomb{number}", seconds=30)
        assert controller.get("/healthz")[0] == 200
