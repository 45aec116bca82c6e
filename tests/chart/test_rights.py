"""The controller with exactly the rights that the chart gives it, and with one less each time.

Each case renders the chart for one namespace, applies its service account, roles and bindings, and
runs the controller with that account's token. The table says what is lost with each right; so no
right is unused, and nothing else needs it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from controller.keys.renewal import KEY_SELECTOR, key_secret
from sealer import Secret, encoding, seal
from tests.chart.helm import Manifest, render
from tests.sealing_keys import pair
from tests.testbed.cluster import ApiError, ControlPlane, wait_for
from tests.testbed.controllers import Controller, ours

# Every feature of the SealedSecret half that needs a right of its own.
VALUES: dict[str, Any] = {
    "rbac": {"clusterRole": False, "namespacedRoles": True},
    "allNamespaces": False,
    "recreateImmutable": True,
    "oldGcBehavior": True,
}
FLAGS = (
    "--all-namespaces=false",
    "--recreate-immutable",
    "--old-gc-behavior",
    "--key-renew-period=0",
)
NAMES = ("changed", "edited", "removed", "ended", "frozen")
SKIP_OWNER = "sealedsecrets.bitnami.com/skip-set-owner-references"
Right = tuple[str, str]

UNSEALS, UPDATES, STATUS, EVENTS = "unseals", "updates", "tells status", "records events"
REVERTS, REMAKES, RECREATES, DELETES = "reverts", "re-makes", "re-creates immutable", "deletes"
NEW = "sees new ones"
KEYS, NEW_KEY, HEARS = "reads keys", "makes keys", "hears of keys"
ALL = {
    *(UNSEALS, UPDATES, STATUS, EVENTS, REVERTS, REMAKES, RECREATES, DELETES),
    *(NEW, KEYS, NEW_KEY, HEARS),
}
# What depends on what: a Secret that is not made cannot be brought up to date.
AFTER_UNSEALING = {UNSEALS, UPDATES, REVERTS, REMAKES, RECREATES, DELETES, NEW, EVENTS}

LOST: dict[Right, set[str]] = {
    # Before a Secret is written that was looked at, its SealedSecret is read once more.
    ("sealedsecrets", "get"): {UPDATES, REVERTS, REMAKES, RECREATES, DELETES},
    ("sealedsecrets", "list"): ALL - {KEYS, NEW_KEY, HEARS},
    ("sealedsecrets", "watch"): {NEW, UPDATES, RECREATES, DELETES},
    # An Event tells what the status tells, and no more often.
    ("sealedsecrets/status", "patch"): {STATUS, EVENTS},
    ("secrets", "get"): ALL,
    ("secrets", "create"): AFTER_UNSEALING | {NEW_KEY},
    ("secrets", "update"): {UPDATES, REVERTS},
    ("secrets", "list"): ALL,
    ("secrets", "watch"): {REVERTS, REMAKES, HEARS},
    ("secrets", "delete"): {RECREATES, DELETES},
    ("events", "create"): {EVENTS},
}

# Without the drift watch a Role of its own lets the controller find its keys.
LOST_KEYS: dict[Right, set[str]] = {
    ("secrets", "list"): ALL,
    ("secrets", "watch"): {REVERTS, REMAKES, HEARS},
}


@dataclass
class World:
    """One namespace with a controller that has the chart's rights in it."""

    plane: ControlPlane
    namespace: str
    controller: Controller
    made: bool = False
    """Whether all Secrets were there once."""

    def seal(self, name: str, value: bytes) -> None:
        """Create a SealedSecret, or change it; some are special by their name."""
        secret = Secret(
            name=name,
            namespace=self.namespace,
            data={"k": value},
            immutable=True if name == "frozen" else None,
            # Otherwise the cluster's garbage collector would delete it for us.
            metadata={"annotations": {SKIP_OWNER: "true"}} if name == "ended" else {},
        )
        manifest = seal(secret, pair().certificate).to_dict()
        old = self.plane.api.find("SealedSecret", self.namespace, name)
        if old is None:
            self.plane.api.create(manifest)
        else:
            self.plane.api.patch("SealedSecret", self.namespace, name, {"spec": manifest["spec"]})

    def secret(self, name: str) -> Manifest | None:
        """The Secret."""
        return self.plane.api.find("Secret", self.namespace, name)

    def has(self, name: str, value: bytes) -> bool:
        """Whether the Secret has this value."""
        secret = self.secret(name) or {}
        return bool((secret.get("data") or {}).get("k") == encoding.encode(value))


@contextmanager
def world(
    plane: ControlPlane,
    namespace: str,
    *flags: str,
    without: Right | None = None,
    values: dict[str, Any] = VALUES,
) -> Iterator[World]:
    """Apply the chart's rights, less one; bring a key and a SealedSecret; run the controller."""
    objects = render(values, namespace=namespace, name="rights")
    account = ""
    for one in objects:
        if one["kind"] in ("Role", "RoleBinding", "ServiceAccount"):
            _drop(one, without)
            plane.api.create(one)
        if one["kind"] == "ServiceAccount":
            account = one["metadata"]["name"]
    kubeconfig = plane.write_kubeconfig(namespace, plane.service_account_token(namespace, account))
    plane.api.create(key_secret(pair(), prefix="sealed-secrets-key", namespace=namespace))
    with ours(
        plane,
        *FLAGS,
        *flags,
        namespace=namespace,
        kubeconfig=kubeconfig,
        wait=False,
        name=namespace,
    ) as controller:
        made = World(plane, namespace, controller)
        for name in NAMES:
            made.seal(name, b"1")
        yield made


def _drop(role: Manifest, right: Right | None) -> None:
    if right is None:
        return
    for rule in role.get("rules") or ():
        if right[0] in rule["resources"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb != right[1]]
    if "rules" in role:
        role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]


def behaviours(one: World) -> dict[str, Callable[[], bool]]:
    """Return the check of each behaviour; the same order as things are done in ``story``."""
    api, namespace = one.plane.api, one.namespace
    return {
        KEYS: lambda: one.controller.get("/v1/cert.pem")[0] == 200,
        NEW_KEY: lambda: len(_key_secrets(one, "sealed-secrets-key")) > 1,
        HEARS: lambda: (
            one.controller.metric("sealed_secrets_controller_keys") == len(_key_secrets(one))
        ),
        UNSEALS: lambda: one.secret("changed") is not None,
        STATUS: lambda: bool(
            api.get("SealedSecret", namespace, "changed")["status"].get("conditions")
        ),
        EVENTS: lambda: any(
            event["reason"] == "Unsealed" for event in api.list("Event", namespace)
        ),
        NEW: lambda: one.has("late", b"1"),
        UPDATES: lambda: one.has("changed", b"2"),
        REVERTS: lambda: one.has("edited", b"1"),
        REMAKES: lambda: one.has("removed", b"1"),
        RECREATES: lambda: one.has("frozen", b"2"),
        DELETES: lambda: one.made and one.secret("ended") is None,
    }


def _key_secrets(one: World, prefix: str = "") -> list[Manifest]:
    path = f"/api/v1/namespaces/{one.namespace}/secrets?labelSelector={KEY_SELECTOR}"
    items: list[Manifest] = one.plane.api.request("GET", path)["items"]
    return [item for item in items if item["metadata"]["name"].startswith(prefix)]


def story(one: World, lost: set[str]) -> set[str]:
    """Do what needs each right in turn; return the behaviours that were seen."""
    checks = behaviours(one)

    def see(*names: str) -> None:
        for name in names:
            if name not in lost:
                wait_for(f"{name}\n{one.controller.log[-2000:]}", checks[name])

    see(KEYS)
    one.controller.process.send(signal.SIGUSR1)
    see(NEW_KEY, UNSEALS, STATUS, EVENTS)
    if UNSEALS not in lost:
        # One without an owner is made after a look only: it may need what was taken away.
        sure = [name for name in NAMES if name != "ended" or DELETES not in lost]
        wait_for("all", lambda: all(one.secret(name) for name in sure))
        one.made = one.secret("ended") is not None
    one.seal("late", b"1")
    one.seal("changed", b"2")
    one.seal("frozen", b"2")
    _try(one, "PATCH", "edited", {"data": {"k": encoding.encode(b"by hand")}})
    _try(one, "DELETE", "removed", None)
    one.plane.api.delete("SealedSecret", one.namespace, "ended")
    key = key_secret(pair("two"), prefix="brought-later", namespace=one.namespace)
    one.plane.api.create(key)
    see(HEARS, NEW, UPDATES, REVERTS, REMAKES, RECREATES, DELETES)
    if lost:
        _let_it_try()
    return {name for name, check in checks.items() if check()}


def _try(one: World, method: str, name: str, body: Any) -> None:
    """Change a Secret, if there is one."""
    path = f"/api/v1/namespaces/{one.namespace}/secrets/{name}"
    try:
        one.plane.api.request(method, path, body, "application/merge-patch+json")
    except ApiError as error:
        if error.status != 404:
            raise


def _let_it_try() -> None:
    # What must not happen can only be waited for; all else has happened by now.
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        time.sleep(0.1)


def test_with_all_its_rights_the_controller_does_everything(
    plane: ControlPlane, namespace: str
) -> None:
    with world(plane, namespace) as one:
        assert story(one, set()) == ALL


def test_the_table_names_every_right_of_the_chart() -> None:
    rules = [
        rule
        for one in render(VALUES)
        if one["kind"] == "Role" and one["metadata"]["name"] == "sealed-secrets-controller"
        for rule in one["rules"]
    ]
    rights = {
        (what, verb) for rule in rules for what in rule["resources"] for verb in rule["verbs"]
    }
    assert rights == set(LOST)


def test_the_cluster_role_is_the_same_as_the_roles() -> None:
    wide = render({**VALUES, "rbac": {"clusterRole": True}})
    narrow = render(VALUES)

    def rules(objects: list[Manifest], kind: str) -> list[Any]:
        return [
            one["rules"]
            for one in objects
            if one["kind"] == kind and one["metadata"]["name"].endswith("sealed-secrets-controller")
        ]

    assert rules(wide, "ClusterRole") == rules(narrow, "Role") != []


@pytest.mark.parametrize("right", LOST, ids=" ".join)
def test_without_a_right_exactly_its_features_are_lost(
    plane: ControlPlane, namespace: str, right: Right
) -> None:
    with world(plane, namespace, without=right) as one:
        assert ALL - story(one, LOST[right]) == LOST[right]


@pytest.mark.parametrize("right", [None, *LOST_KEYS], ids=lambda right: " ".join(right or ("all",)))
def test_without_the_drift_watch_the_keys_have_a_role_of_their_own(
    plane: ControlPlane, namespace: str, right: Right | None
) -> None:
    values = {**VALUES, "skipRecreate": True}
    lost = LOST_KEYS[right] if right else {REVERTS, REMAKES}
    with world(plane, namespace, "--skip-recreate", without=right, values=values) as one:
        assert ALL - story(one, lost) == lost
