"""Secrets in clear at the gate: who may write them, who is refused and told how to do it right."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sealer import Scope, Secret, seal
from tests.admission.rig import (
    APPLY,
    MERGE,
    Person,
    Request,
    Values,
    changed,
    is_by_policy,
    policies,
    remove_all,
    secret,
    service_account,
)
from tests.admission.test_cage import type_warnings
from tests.chart.helm import Release
from tests.sealing_keys import pair
from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.rights import CAGE

NEW, NO_AUTHS = "bmV3", "eyJhdXRocyI6e319"
KEY = "sealedsecrets.bitnami.com/sealed-secrets-key"
TLS = {"tls.crt": "eA==", "tls.key": "eA=="}
TYPES: dict[str, dict[str, str]] = {
    "Opaque": {"a": "b25l"},
    "kubernetes.io/tls": TLS,
    "kubernetes.io/basic-auth": {"username": "eA==", "password": "eA=="},
    "kubernetes.io/ssh-auth": {"ssh-privatekey": "eA=="},
    "kubernetes.io/dockerconfigjson": {".dockerconfigjson": "e30="},
}


def gate(mode: str, **more: Any) -> Values:
    """The chart's values with the gate alone."""
    return {
        "fullnameOverride": "gate",
        "crds": {"create": False},
        "rbac": {"create": False},
        "admission": {"cage": {"enabled": False}, "gate": {"mode": mode, **more}},
    }


ALLOW = [
    {"account": "system:serviceaccount:argocd:*"},
    {"account": "system:serviceaccount:ci:deployer", "fieldManager": "pipeline"},
    {"fieldManager": "vault-agent"},
]
DENY = gate("deny", allow=ALLOW)
ALICE = Person("alice", ("developers",), "kubectl-client-side-apply")
CI = service_account("ci", "runner", "kubectl")


@dataclass(frozen=True)
class Place:
    """A namespace behind the gate, and the controller's own."""

    plane: ControlPlane
    own: str
    shop: str

    def post(self, name: str, *, own: bool = False, **fields: Any) -> Request:
        """Create a Secret."""
        place = self.own if own else self.shop
        body = secret(place, name, **fields)
        return Request("POST", f"/api/v1/namespaces/{place}/secrets", body).dry()

    def patch(self, name: str, change: Manifest) -> Request:
        """Merge-patch a Secret."""
        path = f"/api/v1/namespaces/{self.shop}/secrets/{name}"
        return Request("PATCH", path, change, MERGE).dry()

    def put(self, name: str, data: dict[str, str]) -> Request:
        """Replace a Secret."""
        body = copy.deepcopy(self.plane.api.get("Secret", self.shop, name))
        body["data"] = data
        return Request("PUT", f"/api/v1/namespaces/{self.shop}/secrets/{name}", body).dry()

    def apply(self, name: str, data: dict[str, str], manager: str) -> Request:
        """Server-side apply."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        path = f"/api/v1/namespaces/{self.shop}/secrets/{name}"
        query = f"force=true&fieldManager={manager or 'someone'}"
        return Request("PATCH", path, body, APPLY, query).dry()

    def sealed(self, manifest: Manifest) -> Request:
        """Create a SealedSecret."""
        path = f"/apis/bitnami.com/v1alpha1/namespaces/{self.shop}/sealedsecrets"
        return Request("POST", path, manifest).dry()

    def said(self, person: Person, request: Request) -> str:
        """What is said against it."""
        return person.tries(self.plane.api, request)[0]


@pytest.fixture(scope="module")
def place(plane: ControlPlane) -> Place:
    """What is there already."""
    tag = os.urandom(3).hex()
    own, shop = plane.api.namespace(f"gate-own-{tag}"), plane.api.namespace(f"gate-shop-{tag}")
    for name in (own, shop):
        label = {"metadata": {"labels": {"sealer.dev/gate": "enforce"}}}
        plane.api.patch("Namespace", "", name, label)
    for number, (type_, data) in enumerate(TYPES.items()):
        plane.api.create(secret(shop, f"there-{number}", data, type=type_))
    return Place(plane, own, shop)


@pytest.fixture(scope="module")
def denied(plane: ControlPlane, place: Place) -> Iterator[Place]:
    """The gate refuses."""
    made = policies(DENY, place.own)
    for one in made:
        plane.api.create(one)
    probe = place.post("probe")
    wait_for("the gate", lambda: is_by_policy(place.said(ALICE, probe)))
    broken = place.sealed(sealed(place, {"a": "x"}))
    wait_for("the gate of SealedSecrets", lambda: is_by_policy(place.said(ALICE, broken)))
    yield place
    remove_all(plane, made)


def writes(place: Place, manager: str) -> Iterator[Request]:
    """Every way to write a value, of every usual type."""
    for number, (type_, data) in enumerate(TYPES.items()):
        other = dict.fromkeys(data, NO_AUTHS if "docker" in type_ else NEW)
        yield place.post("new", data=data, type=type_)
        yield place.patch(f"there-{number}", {"data": other})
        yield place.put(f"there-{number}", other)
        yield place.apply(f"there-{number}", {**other, "more": NEW}, manager)


# The writers of a usual cluster.
USUAL = {
    "token-controller": service_account("kube-system", "legacy-token-cleaner"),
    "namespace-controller": service_account("kube-system", "namespace-controller"),
    "garbage-collector": service_account("kube-system", "generic-garbage-collector"),
    "csi-driver": service_account("kube-system", "secrets-store-csi-driver"),
    "node": Person("system:node:aks-1", ("system:nodes",)),
    "controller-manager": Person("system:kube-controller-manager"),
    "cloud-controller-manager": Person("system:cloud-controller-manager"),
    "cert-manager": service_account("cert-manager", "cert-manager", "cert-manager-certificates"),
    "cert-manager-webhook": service_account("cert-manager", "cert-manager-webhook"),
    "flux": service_account("flux-system", "kustomize-controller", "kustomize-controller"),
    "flux-helm": service_account("flux-system", "helm-controller", "helm-controller"),
    "flux-as-a-tenant": service_account("shop", "flux-applier", "kustomize-controller"),
    "flux-helm-as-a-tenant": service_account("shop", "flux-applier", "helm-controller"),
    "helm-of-a-person": Person("alice", ("developers",), "helm"),
    "argo-cd-that-is-allowed": service_account("argocd", "argocd-application-controller"),
    "pipeline-that-is-allowed": service_account("ci", "deployer", "pipeline"),
    "agent-that-is-allowed": Person("bob", (), "vault-agent"),
}


@pytest.mark.parametrize("name", USUAL)
def test_what_usual_writers_write_passes(denied: Place, name: str) -> None:
    person = USUAL[name]
    for request in writes(denied, person.manager):
        assert denied.said(person, request) == "", request


def test_the_controller_passes(denied: Place) -> None:
    for request in writes(denied, ""):
        assert denied.said(service_account(denied.own, "gate"), request) == ""


REFUSED = {
    "a-person": ALICE,
    "a-pipeline": CI,
    "a-person-who-says-flux": Person("alice", (), "kustomize-controller"),
    "half-of-an-entry": service_account("ci", "deployer", "kubectl"),
    "the-other-half": Person("alice", (), "pipeline"),
    "like-an-account": service_account("argocd-of-others", "x"),
    "like-flux": service_account("flux-system-of-others", "x"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_people_and_pipelines_write_in_clear_is_refused(denied: Place, name: str) -> None:
    person = REFUSED[name]
    for request in writes(denied, person.manager):
        said = denied.said(person, request)
        assert is_by_policy(said), (request, said)
        assert "raw-secret: a Secret in clear. Seal it (seal secret.yaml)" in said


Make = Callable[[Place], Request]
PASSES: dict[str, Make] = {
    "release-of-helm": lambda p: p.post(
        "sh.helm.release.v1.shop.v1", type="helm.sh/release.v1", labels={"owner": "helm"}
    ),
    "token-without-data": lambda p: p.post(
        "robot",
        data={},
        type="kubernetes.io/service-account-token",
        annotations={"kubernetes.io/service-account.name": "default"},
    ),
    "empty": lambda p: p.post("empty", data={}),
    "restored-sealing-key": lambda p: p.post(
        "sealed-secrets-keyx", own=True, data=TLS, type="kubernetes.io/tls", labels={KEY: "active"}
    ),
    "restored-record-of-keys": lambda p: p.post("sealed-secrets-key-record", own=True),
    "annotate-managed": lambda p: p.patch(
        "there-0", {"metadata": {"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}}
    ),
    "label": lambda p: p.patch("there-0", {"metadata": {"labels": {"team": "shop"}}}),
    "finalizer": lambda p: p.patch("there-0", {"metadata": {"finalizers": ["x.y/z"]}}),
    "owner": lambda p: p.patch("there-0", {"metadata": {"ownerReferences": []}}),
    "freeze": lambda p: p.patch("there-0", {"immutable": True}),
    "take-a-key-away": lambda p: p.patch("there-0", {"data": {"a": None}}),
    "same-value": lambda p: p.patch("there-0", {"data": {"a": "b25l"}}),
    "delete": lambda p: Request("DELETE", f"/api/v1/namespaces/{p.shop}/secrets/there-0").dry(),
    "delete-all": lambda p: Request("DELETE", f"/api/v1/namespaces/{p.shop}/secrets").dry(),
    "config-map": lambda p: Request(
        "POST",
        f"/api/v1/namespaces/{p.shop}/configmaps",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "x", "namespace": p.shop},
            "data": {"a": "b"},
        },
    ).dry(),
    "namespace-without-label": lambda p: Request(
        "POST", "/api/v1/namespaces/default/secrets", secret("default", "new")
    ).dry(),
    "bootstrap-token": lambda p: Request(
        "POST",
        "/api/v1/namespaces/kube-system/secrets",
        secret("kube-system", "bootstrap-token-abcdef", type="bootstrap.kubernetes.io/token"),
    ).dry(),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_must_always_pass_passes(denied: Place, name: str) -> None:
    for person in (ALICE, CI):
        assert denied.said(person, PASSES[name](denied)) == ""


def test_a_hundred_and_fifty_writes_pass(denied: Place) -> None:
    each = sum(1 for _ in writes(denied, ""))
    assert each * (len(USUAL) + 1) + 2 * len(PASSES) >= 150


NO_RELEASE: dict[str, Make] = {
    "by-type-alone": lambda p: p.post("x", type="helm.sh/release.v1"),
    "by-name-alone": lambda p: p.post("sh.helm.release.v1.x.v1"),
    "by-label-alone": lambda p: p.post("x", labels={"owner": "helm"}),
    "without-label": lambda p: p.post("sh.helm.release.v1.x.v1", type="helm.sh/release.v1"),
    "key-of-another-namespace": lambda p: p.post(
        "x", data=TLS, type="kubernetes.io/tls", labels={KEY: "active"}
    ),
    "key-of-another-type": lambda p: p.post("x", own=True, labels={KEY: "active"}),
    "record-of-another-namespace": lambda p: p.post("sealed-secrets-key-record"),
    "bootstrap-token-elsewhere": lambda p: p.post(
        "bootstrap-token-abcdef", type="bootstrap.kubernetes.io/token"
    ),
    "token-with-data": lambda p: p.post(
        "robot",
        type="kubernetes.io/service-account-token",
        annotations={"kubernetes.io/service-account.name": "default"},
    ),
}


@pytest.mark.parametrize("name", NO_RELEASE)
def test_what_only_looks_like_an_exception_is_refused(denied: Place, name: str) -> None:
    assert is_by_policy(denied.said(ALICE, NO_RELEASE[name](denied)))


def test_the_real_helm_passes_and_an_edit_of_its_secret_does_not(
    denied: Place, tmp_path: Any
) -> None:
    chart = tmp_path / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (chart / "templates" / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: of-helm}\n"
        "stringData: {a: '{{ .Values.a }}'}\n"
    )
    release = Release("shop", denied.shop, denied.plane.kubeconfig)
    release.run("install", str(chart), "--set", "a=one")
    release.run("upgrade", str(chart), "--set", "a=two")
    said = denied.said(ALICE, denied.patch("of-helm", {"data": {"a": NEW}}))
    assert "raw-secret" in said
    release.run("rollback", "1")
    release.run("uninstall")


# SealedSecrets.


def sealed(
    place: Place, items: dict[str, str], *, template: Any = None, notes: Any = None
) -> Manifest:
    """A SealedSecret's manifest with items of one's own."""
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": place.shop, "annotations": notes or {}},
        "spec": {"encryptedData": items, "template": template or {}},
    }


def real(place: Place, scope: Scope = Scope.STRICT, value: bytes = b"") -> Manifest:
    """One that opens."""
    made = Secret(name="db", namespace=place.shop, data={"a": value})
    return seal(made, pair().certificate, scope=scope, allow_empty=True).to_dict()


def test_what_was_sealed_passes(denied: Place) -> None:
    for value in (b"", b"x", b"x" * 1000):
        manifest = real(denied, value=value)
        assert denied.said(ALICE, denied.sealed(manifest)) == ""
        text = manifest["spec"]["encryptedData"]["a"]
        lines = "\n".join(text[at : at + 76] for at in range(0, len(text), 76)) + "\n"
        assert denied.said(ALICE, denied.sealed(sealed(denied, {"a": lines}))) == ""
    assert denied.said(ALICE, denied.sealed(sealed(denied, {}))) == ""


@pytest.mark.parametrize(
    "item",
    [
        pytest.param("", id="empty"),
        pytest.param("hunter2", id="value"),
        pytest.param("aHVudGVyMg==", id="base64-of-a-value"),
        pytest.param("not base64! " * 100, id="not-base64"),
        pytest.param("AAAA" * 400, id="rsa-part-of-nothing"),
        pytest.param("APAA" * 400, id="rsa-part-too-short"),
        pytest.param("AQAA" * 90, id="cut-2048"),
        pytest.param("AgAA" * 175, id="cut-4096"),
        pytest.param("BAAA" * 259, id="cut-8192"),
    ],
)
def test_what_can_never_open_is_refused_with_the_rule(denied: Place, item: str) -> None:
    said = denied.said(ALICE, denied.sealed(sealed(denied, {"a": item})))
    assert "not-ciphertext: " in said
    assert item not in said or not item


def test_a_template_that_makes_a_token_is_refused(denied: Place) -> None:
    for kind in ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"):
        manifest = real(denied)
        manifest["spec"]["template"]["type"] = kind
        assert "token-type: " in denied.said(ALICE, denied.sealed(manifest))


@pytest.mark.parametrize("scope", [Scope.NAMESPACE_WIDE, Scope.CLUSTER_WIDE], ids=str)
def test_a_wide_scope_is_refused_where_scopes_are_strict(denied: Place, scope: Scope) -> None:
    api = denied.plane.api
    wide = denied.sealed(real(denied, scope))
    assert denied.said(ALICE, wide) == ""
    api.patch(
        "Namespace", "", denied.shop, {"metadata": {"labels": {"sealer.dev/scopes": "strict"}}}
    )
    try:
        wait_for("the label is seen", lambda: "wide-scope: " in denied.said(ALICE, wide))
        assert denied.said(ALICE, denied.sealed(real(denied))) == ""
    finally:
        api.patch(
            "Namespace", "", denied.shop, {"metadata": {"labels": {"sealer.dev/scopes": None}}}
        )


# Cost, types, faults.


def test_the_largest_are_within_the_budget(denied: Place) -> None:
    keys, value = 500, "QUJD" * (1024 * 1024 // 500 // 3)
    data = {f"key-{number:04}": value for number in range(keys)}
    path = f"/api/v1/namespaces/{denied.shop}/secrets"
    create = Request("POST", path, secret(denied.shop, "large", data))
    assert denied.said(USUAL["agent-that-is-allowed"], create) == ""
    assert "raw-secret: " in denied.said(ALICE, denied.patch("large", {"data": {"key-0499": NEW}}))
    assert denied.said(ALICE, denied.patch("large", {"metadata": {"labels": {"a": "b"}}})) == ""
    assert denied.said(ALICE, denied.patch("large", {"data": {"key-0499": None}})) == ""
    text = real(denied, value=b"x" * 1500)["spec"]["encryptedData"]["a"]
    many = sealed(denied, {f"key-{number:04}": text for number in range(keys)})
    assert denied.said(ALICE, denied.sealed(many)) == ""
    denied.plane.api.delete("Secret", denied.shop, "large")


def test_the_gates_type_checks_have_no_warning(denied: Place) -> None:
    names = [
        one["metadata"]["name"] for one in policies(DENY, denied.own) if one["kind"] == CAGE[0]
    ]
    assert len(names) == 3
    assert {name: type_warnings(denied.plane, name) for name in names} == {n: [] for n in names}


MUTANTS: dict[str, tuple[str, str, Person, Make]] = {
    "release-by-type-alone": (
        " && object.metadata.name.startsWith('sh.helm.release.')"
        " && variables.labels[?'owner'].orValue('') == 'helm'",
        "",
        ALICE,
        NO_RELEASE["by-type-alone"],
    ),
    "keys-anywhere": (
        "variables.type == 'kubernetes.io/tls' && request.namespace == '{own}'",
        "variables.type == 'kubernetes.io/tls'",
        ALICE,
        NO_RELEASE["key-of-another-namespace"],
    ),
    "any-change-of-a-key-that-was-there": (
        " && oldObject.data[k] == object.data[k]",
        "",
        ALICE,
        lambda p: p.patch("there-0", {"data": {"a": NEW}}),
    ),
    "either-half-of-an-entry": (
        "(request.userInfo.username == 'system:serviceaccount:ci:deployer' && ",
        "(request.userInfo.username == 'system:serviceaccount:ci:deployer' || ",
        REFUSED["half-of-an-entry"],
        lambda p: p.post("new"),
    ),
    "flux-by-field-manager-alone": (
        "request.userInfo.username.startsWith('system:serviceaccount:') && ",
        "",
        REFUSED["a-person-who-says-flux"],
        lambda p: p.post("new"),
    ),
}


def test_a_gate_with_a_fault_is_caught(plane: ControlPlane, place: Place, denied: Place) -> None:
    # Each in a namespace of its own, so that the whole gate does not hide its fault.
    made = []
    rendered = policies(DENY, place.own)[0]
    for number, (name, (old, new, _, _)) in enumerate(MUTANTS.items()):
        policy = changed(rendered, old.replace("{own}", place.own), new)
        policy["metadata"]["name"] = f"{place.own}.mutant-{number}"
        shop = plane.api.namespace(f"{place.shop}-{number}")
        plane.api.patch("Namespace", "", shop, {"metadata": {"labels": {"mutant": name}}})
        plane.api.create(secret(shop, "there-0", {"a": "b25l"}))
        spec = {
            "policyName": policy["metadata"]["name"],
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"mutant": name}}},
        }
        binding = {"apiVersion": policy["apiVersion"], "kind": CAGE[1], "spec": spec}
        binding["metadata"] = {"name": policy["metadata"]["name"]}
        made += [plane.api.create(policy), plane.api.create(binding)]
    try:
        for number, (_, _, person, evil) in enumerate(MUTANTS.values()):
            there = Place(plane, place.own, f"{place.shop}-{number}")
            probe = there.post("x")
            wait_for("the mutant", lambda t=there, p=probe: is_by_policy(t.said(Person("eve"), p)))
            assert is_by_policy(denied.said(person, evil(denied)))
            assert there.said(person, evil(there)) == "", number
    finally:
        remove_all(plane, made)
