"""With the controller's token in a thief's hands: what policies alone still refuse.

Each write is first shown to be possible by an admin's dry run. Then the thief sends it, with the
rights that the chart gives the controller with Key Vault, recreateImmutable and oldGcBehavior on.
"""

from __future__ import annotations

import json

import pytest

from tests.admission.conftest import VALUES, Thieves
from tests.admission.rig import (
    MERGE,
    Request,
    Values,
    changed,
    cluster_admin,
    is_by_policy,
    policies,
    refusal,
    remove_all,
    secret,
    wait_refused,
)
from tests.admission.world import ENTRA, EVIL, NEW, OWNER, USUAL, World
from tests.testbed.cluster import Api, ControlPlane, Manifest, wait_for
from tests.testbed.rights import CAGE, grant


@pytest.mark.parametrize("name", EVIL)
def test_a_thief_of_the_token_is_refused(world: World, thieves: Thieves, name: str) -> None:
    request = EVIL[name](world)
    assert refusal(world.plane.api, request.dry()) == ""
    said = refusal(thieves.caged, request)
    assert is_by_policy(said), said
    assert "caged.cage-" in said


@pytest.mark.parametrize("name", USUAL)
def test_what_the_controller_does_every_day_passes(
    world: World, thieves: Thieves, name: str
) -> None:
    assert refusal(thieves.caged, USUAL[name](world).dry()) == ""


def _role(world: World, name: str) -> Request:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [],
    }
    return Request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", body)


def _lease(namespace: str, name: str) -> Request:
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"holderIdentity": "x"},
    }
    return Request("POST", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases", body)


def _pod(world: World) -> Request:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", "namespace": world.shop},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    return Request("POST", f"/api/v1/namespaces/{world.shop}/pods", body)


def _sealed(world: World) -> Request:
    body = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": world.shop},
        "spec": {"encryptedData": {"a": "x"}},
    }
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{world.shop}/sealedsecrets"
    return Request("POST", path, body)


def test_more_rights_than_the_charts_do_not_help(world: World, thieves: Thieves) -> None:
    # Somebody bound cluster-admin to the account: what it never writes stays refused.
    annotation = {"metadata": {"annotations": {"sealer.dev/x": "y"}}}
    tried = (
        _pod(world),
        _role(world, f"{world.own}-thief"),
        _sealed(world),
        _lease(world.shop, "alone"),
        _lease(world.own, "scheduler"),
        Request("PATCH", f"/api/v1/namespaces/{world.shop}", annotation, MERGE),
        Request("DELETE", f"/api/v1/namespaces/{world.shop}"),
        Request("PATCH", f"/api/v1/namespaces/{world.shop}/serviceaccounts/robot", {}, MERGE),
    )
    for request in tried:
        assert refusal(world.plane.api, request.dry()) == "", request
        said = refusal(thieves.alone, request)
        assert is_by_policy(said), request
        assert "alone.cage-writes" in said
    # A collection is deleted object by object, and each is looked at.
    collection = Request("DELETE", world.path(), query="fieldSelector=metadata.name=foreign")
    assert "alone.cage-secrets" in refusal(thieves.alone, collection)
    assert refusal(thieves.alone, _lease(world.own, "alone-leader").dry()) == ""


def test_what_decides_is_what_was_there_and_not_what_is_written(
    world: World, thieves: Thieves
) -> None:
    for name in ("take-over", "take-over-and-replace", "take-over-by-mark", "invite-managed"):
        refusal(thieves.caged, EVIL[name](world))
    assert world.live("foreign") == world.live("foreign")
    assert "ownerReferences" not in world.live("foreign")["metadata"]


# Values that widen or narrow it.


def _held(
    plane: ControlPlane, world: World, name: str, values: Values
) -> tuple[Api, list[Manifest]]:
    values = {**VALUES, "fullnameOverride": name, "rbac": {"create": False}, **values}
    thief = cluster_admin(plane, world.own, name)
    made = policies(values, world.own)
    for one in made:
        plane.api.create(one)
    wait_refused(thief, EVIL["make-nobodys"](world), EVIL["event-as-kubelet"](world))
    return thief, made


@pytest.mark.parametrize(
    ("values", "evil", "usual"),
    [
        pytest.param(
            {"keyVault": {"enabled": True, "serviceAccounts": ["shop/robot"]}},
            ["token"],
            [],
            id="named-accounts",
        ),
        pytest.param(
            {"keyVault": {"enabled": False}},
            ["token", "merge", "make-for-vault", "delete-of-vault", "event-about-a-vault", "adopt"],
            ["make", "delete-ours", "patch"],
            id="without-key-vault",
        ),
        pytest.param(
            {
                "keyVault": {"enabled": False},
                "recreateImmutable": False,
                "oldGcBehavior": False,
            },
            ["delete-ours"],
            ["change-ours"],
            id="deletes-nothing",
        ),
        pytest.param({"generateKey": False}, ["make-key"], ["make"], id="makes-no-keys"),
        pytest.param(
            {"allowServiceAccountTokens": True},
            [],
            ["make-token"],
            id="tokens-allowed",
        ),
        pytest.param(
            {"secretName": "other-prefix"}, ["make-key"], ["make"], id="another-key-prefix"
        ),
        pytest.param(
            {"admission": {"cage": {"requireSource": True}}},
            ["make", "change-ours", "merge"],
            ["delete-ours", "make-key"],
            id="source-required",
        ),
    ],
)
def test_the_cage_follows_the_values(
    plane: ControlPlane,
    world: World,
    thieves: Thieves,
    request: pytest.FixtureRequest,
    values: Values,
    evil: list[str],
    usual: list[str],
) -> None:
    thief, made = _held(plane, world, request.node.callspec.id, values)
    try:
        for name in evil:
            assert refusal(plane.api, USUAL[name](world).dry()) == "", name
            assert is_by_policy(refusal(thief, USUAL[name](world).dry())), name
        for name in usual:
            assert refusal(thief, {**EVIL, **USUAL}[name](world).dry()) == "", name
    finally:
        remove_all(plane, made)


def test_only_named_accounts_give_tokens(
    plane: ControlPlane, world: World, thieves: Thieves
) -> None:
    named = {"keyVault": {"enabled": True, "serviceAccounts": [f"{world.shop}/robot"]}}
    thief, made = _held(plane, world, "naming", named)
    try:
        assert refusal(thief, world.token([ENTRA])) == ""
        other = world.token([ENTRA], place="kube-system/default")
        assert "keyVault.serviceAccounts" in refusal(thief, other)
    finally:
        remove_all(plane, made)


def test_with_a_source_required_a_labelled_namespace_is_written(
    plane: ControlPlane, world: World, thieves: Thieves
) -> None:
    thief, made = _held(plane, world, "sourced", {"admission": {"cage": {"requireSource": True}}})
    labelled = plane.api.namespace(f"{world.shop}-labelled")
    label = {"metadata": {"labels": {"sealer.dev/source": "true"}}}
    plane.api.patch("Namespace", "", labelled, label)
    make = secret(labelled, "new", annotations={OWNER: "new"})
    try:
        request = Request("POST", f"/api/v1/namespaces/{labelled}/secrets", make)
        assert refusal(thief, request) == ""
    finally:
        remove_all(plane, made)


# Type checks and cost.


def type_warnings(plane: ControlPlane, name: str) -> list[Manifest]:
    """What the policy status controller has to say, once it has looked."""

    def checked() -> Manifest | None:
        found = plane.api.get("ValidatingAdmissionPolicy", "", name)
        status: Manifest = found.get("status") or {}
        fresh = status.get("observedGeneration") == found["metadata"]["generation"]
        return status if fresh and "typeChecking" in status else None

    status = wait_for(f"{name} is checked", checked)
    warnings: list[Manifest] = status["typeChecking"].get("expressionWarnings") or []
    return warnings


def test_the_type_checks_have_no_warning(plane: ControlPlane, world: World) -> None:
    grant(plane, world.own, VALUES)
    names = [
        one["metadata"]["name"] for one in policies(VALUES, world.own) if one["kind"] == CAGE[0]
    ]
    assert len(names) == 4
    assert {name: type_warnings(plane, name) for name in names} == {name: [] for name in names}


def test_a_wrong_field_is_warned_of(plane: ControlPlane, world: World) -> None:
    broken = changed(policies(VALUES, world.own)[0], "object.?type.orValue", "object.?typ.orValue")
    broken["metadata"]["name"] = f"{world.own}-broken"
    plane.api.create(broken)
    try:
        assert "undefined field 'typ'" in json.dumps(type_warnings(plane, f"{world.own}-broken"))
    finally:
        remove_all(plane, [broken])


def _large(keys: int = 500, size: int = 1024 * 1024) -> dict[str, str]:
    value = "QUJD" * (size // keys // 3)
    return {f"key-{number:04}": value for number in range(keys)}


def test_the_largest_secret_is_within_the_budget(world: World, thieves: Thieves) -> None:
    api, large = world.plane.api, _large()
    world.post("large", data=large, annotations={OWNER: "large"}).send(thieves.caged)
    world.put("large", lambda m: m["data"].update({"key-0000": NEW})).send(thieves.caged)
    # Merged into by as many as may be: each key is looked for among the fields of all of them.
    made = secret(world.shop, "large-foreign", dict(list(large.items())[:400]))
    api.create(made)
    for number in range(10):
        keys = {f"ours-{number}-{more}": NEW for more in range(10)}
        applied = world.apply("large-foreign", f"sealer-keyvault.m{number}", data=keys)
        applied.send(thieves.caged)
    refused = refusal(thieves.caged, world.merge("large-foreign", {"data": {"key-0001": NEW}}))
    assert is_by_policy(refused)
    assert "budget" not in refused
    world.delete("large").send(thieves.caged)


# Mutants: a policy with one fault lets a write of the table pass.

MUTANTS: dict[str, tuple[str, str, str]] = {
    "new-object-for-old": (
        "variables.wasOurs || variables.invites",
        "variables.isOurs",
        "take-over",
    ),
    "owner-by-kind-alone": (
        " && o.apiVersion.startsWith('bitnami.com/')",
        "",
        "make-of-another-group",
    ),
    "owner-under-any-name": (" && o.name == variables.name", "", "make-under-another-name"),
    "mark-under-any-name": (
        "[?'sealer.dev/sealed-secret'].orValue('') == variables.name",
        "[?'sealer.dev/sealed-secret'].orValue('') != ''",
        "make-marked-under-another-name",
    ),
    "owner-that-does-not-control": (
        ".filter(o, o.?controller.orValue(false))",
        "",
        "make-with-a-mere-owner",
    ),
    "helm-by-type-alone": (
        " || o.metadata.name.startsWith('sh.helm.release.')"
        " || o.metadata.?labels[?'owner'].orValue('') == 'helm'",
        "",
        "make-release-by-label",
    ),
    "helm-on-the-new-object-alone": (
        "!variables.sides.exists(o, o.?type",
        "request.operation == 'DELETE' || ![object].exists(o, o.?type",
        "delete-release-that-invites",
    ),
    "bootstrap-forgotten": (", 'bootstrap.kubernetes.io/token'", "", "make-bootstrap-token"),
    "audience-by-in": (
        "object.spec.audiences == ['api://AzureADTokenExchange']",
        "'api://AzureADTokenExchange' in object.spec.audiences",
        "token-for-both",
    ),
    "hours-forgotten": ("<= 3600", "<= 86400", "token-for-long"),
    "keys-by-label-alone": (
        " || (request.namespace == '{own}' && o.metadata.name.startsWith('sealed-secrets-key'))",
        "",
        "make-key-unlabelled",
    ),
    "keys-may-change": (
        "(request.operation == 'CREATE' && request.namespace == '{own}'",
        "(request.namespace == '{own}'",
        "change-key-that-invites",
    ),
    "keys-of-any-type": (
        " && object.?type.orValue('') == 'kubernetes.io/tls'",
        "",
        "make-key-of-no-tls",
    ),
    "keys-with-owners": (
        " && object.metadata.?ownerReferences.orValue([]).size() == 0",
        "",
        "make-key-of-ours",
    ),
    "merge-over-any-value": (
        "(k in variables.isData && variables.isData[k] == variables.wasData[k])",
        "k in variables.isData",
        "patch",
    ),
    "merge-by-claim": (
        " && variables.isFilledData.all(claim, ",
        " || variables.isFilledData.all(claim, ",
        "claim-value",
    ),
    "merge-takes-type": (
        " && !variables.isFilled.exists(m, 'f:type' in m.?fieldsV1.orValue({}))",
        "",
        "apply-type",
    ),
    "merge-freezes": (
        " && object.?immutable.orValue(false) == oldObject.?immutable.orValue(false)",
        "",
        "freeze",
    ),
    "merge-gives-owners": (
        " && object.metadata.?ownerReferences.orValue([])"
        " == oldObject.metadata.?ownerReferences.orValue([])",
        "",
        "let-it-be-collected",
    ),
    "merge-invites": ("['sealedsecrets.bitnami.com/managed', ", "[", "invite-managed"),
    "left-to-nobody": ("variables.isOurs || variables.invitesPatch", "true", "let-go"),
    "deletes-anything": ("request.operation != 'DELETE' ||", "true ||", "delete"),
    "events-about-any-secret": (
        ".orValue('') == 'Secret' && request.namespace == '{own}'",
        ".orValue('') == 'Secret'",
        "event-about-a-secret",
    ),
    "events-of-like-groups": (
        "keyvault\\\\.sealer\\\\.dev)/'",
        "keyvault\\\\.sealer\\\\.dev)'",
        "event-about-a-group-like-ours",
    ),
}


@pytest.fixture(scope="module")
def mutants(plane: ControlPlane, world: World) -> dict[str, Api]:
    """An account for each mutant, with nothing but the changed policy above it."""
    made = {}
    for number, (name, (old, new, _)) in enumerate(MUTANTS.items()):
        account_name = f"mutant-{number}"
        thief = cluster_admin(plane, world.own, account_name)
        values = {**VALUES, "fullnameOverride": account_name}
        old, new = old.replace("{own}", world.own), new.replace("{own}", world.own)
        for one in policies(values, world.own):
            if one["kind"] == CAGE[0] and json.dumps(old)[1:-1] in json.dumps(one):
                plane.api.create(changed(one, old, new))
                binding = {"kind": CAGE[1], "apiVersion": one["apiVersion"]}
                spec = {"policyName": one["metadata"]["name"], "validationActions": ["Deny"]}
                metadata = {"name": one["metadata"]["name"]}
                plane.api.create({**binding, "metadata": metadata, "spec": spec})
                made[name] = thief
        assert name in made, f"{name}: no policy has this text"
    return made


PROBES = {
    "cage-secrets": "make-release-by-type",
    "cage-tokens": "token-for-the-api-server",
    "cage-events": "event-as-kubelet",
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_policy_with_a_fault_is_caught(world: World, mutants: dict[str, Api], name: str) -> None:
    evil = MUTANTS[name][2]
    kind = evil.partition("-")[0]
    policy = {"token": "cage-tokens", "event": "cage-events"}.get(kind, "cage-secrets")
    probe = EVIL[PROBES[policy]](world)
    wait_refused(mutants[name], probe)
    assert refusal(mutants[name], EVIL[evil](world).dry()) == ""


def test_forty_writes_and_more_are_tried() -> None:
    assert len(EVIL) >= 40
