"""Two namespaces with one Secret of each kind that matters, and every write that is tried on them.

``own`` is the controller's namespace, ``shop`` somebody's. EVIL is what a thief of the controller's
token would like to do, USUAL what the controller does every day.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.admission.rig import (
    APPLY,
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    Request,
    owner,
    secret,
)
from tests.testbed.cluster import ControlPlane, Manifest

KEY = "sealedsecrets.bitnami.com/sealed-secrets-key"
MANAGED, PATCH = "sealedsecrets.bitnami.com/managed", "sealedsecrets.bitnami.com/patch"
OWNER, MADE_BY = "sealer.dev/sealed-secret", "keyvault.sealer.dev/made-by"
ADOPT = "keyvault.sealer.dev/adopt"
ENTRA = "api://AzureADTokenExchange"
TOKEN, BOOTSTRAP = "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"
HELM, HELM_NAME = "helm.sh/release.v1", "sh.helm.release.v1.shop.v1"
TLS = {"tls.crt": "eA==", "tls.key": "eA=="}
NEW = "bmV3"


@dataclass(frozen=True)
class World:
    """Where everything is."""

    plane: ControlPlane
    own: str
    shop: str

    def live(self, name: str, *, own: bool = False) -> Manifest:
        """A Secret as it is now."""
        return self.plane.api.get("Secret", self.own if own else self.shop, name)

    def path(self, name: str = "", *, own: bool = False) -> str:
        """Where a Secret is."""
        path = f"/api/v1/namespaces/{self.own if own else self.shop}/secrets"
        return f"{path}/{name}" if name else path

    # Requests.

    def post(self, name: str, *, own: bool = False, **fields: Any) -> Request:
        """Create a Secret."""
        place = self.own if own else self.shop
        return Request("POST", self.path(own=own), secret(place, name, **fields))

    def put(self, name: str, change: Callable[[Manifest], Any], *, own: bool = False) -> Request:
        """Replace a Secret by what ``change`` makes of it."""
        live = copy.deepcopy(self.live(name, own=own))
        live["metadata"].pop("managedFields", None)
        change(live)
        return Request("PUT", self.path(name, own=own), live)

    def merge(self, name: str, change: Manifest, *, own: bool = False) -> Request:
        """Merge-patch a Secret."""
        return Request("PATCH", self.path(name, own=own), change, MERGE)

    def annotate(self, name: str, key: str, value: Any = "true", **more: Any) -> Request:
        """Put an annotation on it."""
        return self.merge(name, {"metadata": {"annotations": {key: value}}}, **more)

    def label(self, name: str, key: str, value: Any = "x", **more: Any) -> Request:
        """Put a label on it."""
        return self.merge(name, {"metadata": {"labels": {key: value}}}, **more)

    def apply(self, name: str, who: str = "sealer-keyvault.thief", **fields: Any) -> Request:
        """Server-side apply, by force; of what is said only."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}
        return Request("PATCH", self.path(name), body, APPLY, f"fieldManager={who}&force=true")

    def claim(self, name: str, fields: Manifest) -> Request:
        """Write managed fields by hand: the API server takes them from whoever may update."""
        live = copy.deepcopy(self.live(name))
        entry = {
            "manager": "sealer-keyvault.thief",
            "operation": "Apply",
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
        live["metadata"]["managedFields"].append(entry)
        return Request("PUT", self.path(name), live)

    def delete(self, name: str, *, own: bool = False) -> Request:
        """Delete a Secret."""
        return Request("DELETE", self.path(name, own=own))

    def token(self, audiences: list[str], seconds: int = 3600, place: str = "") -> Request:
        """Request a service account's token."""
        namespace, _, name = (place or f"{self.shop}/robot").partition("/")
        spec = {"audiences": audiences, "expirationSeconds": seconds}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return Request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", body)

    def event(
        self,
        kind: str = "SealedSecret",
        version: str = "bitnami.com/v1alpha1",
        *,
        own: bool = False,
        component: str = "sealed-secrets",
        reporter: str = "",
    ) -> Request:
        """Record an Event."""
        place = self.own if own else self.shop
        involved = {"apiVersion": version, "kind": kind, "name": "db", "namespace": place}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "db.", "namespace": place},
            "reason": "Unsealed",
            "message": "x",
            "type": "Normal",
            "source": {"component": component},
            "reportingComponent": reporter or component,
            "involvedObject": involved,
        }
        return Request("POST", f"/api/v1/namespaces/{place}/events", body)


def build(plane: ControlPlane, own: str, shop: str) -> World:
    """Make what is tried on."""
    api = plane.api
    api.create(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "robot", "namespace": shop},
        }
    )
    team: dict[str, Any] = {"labels": {"team": "shop"}, "annotations": {"note": "x"}}
    for made in (
        secret(shop, "foreign", **team),
        secret(shop, "kept", finalizers=["example.com/keep"]),
        secret(shop, "managed", annotations={MANAGED: "true"}),
        secret(shop, "patched", annotations={PATCH: "true"}),
        secret(shop, "adoptable", annotations={ADOPT: "true"}),
        secret(shop, "marked", annotations={OWNER: "marked"}),
        secret(shop, "by-another", annotations={OWNER: "another"}),
        secret(shop, "vault-marked", annotations={MADE_BY: "kvs"}),
        secret(shop, HELM_NAME, type=HELM, labels={"owner": "helm"}),
        secret(
            shop,
            "sh.helm.release.v1.shop.v2",
            type=HELM,
            labels={"owner": "helm"},
            annotations={MANAGED: "true"},
        ),
        secret(shop, "other-key", TLS, type="kubernetes.io/tls", labels={KEY: "active"}),
        secret(own, "sealed-secrets-key1", TLS, type="kubernetes.io/tls", labels={KEY: "active"}),
        secret(
            own,
            "sealed-secrets-key2",
            TLS,
            type="kubernetes.io/tls",
            labels={KEY: "active"},
            annotations={PATCH: "true"},
        ),
        secret(own, "sealed-secrets-key-old", TLS, type="kubernetes.io/tls"),
        secret(own, "sealed-secrets-key-record", type="Opaque"),
        secret(own, "foreign-here"),
        secret(
            shop,
            "robot-token",
            type=TOKEN,
            annotations={"kubernetes.io/service-account.name": "robot", MANAGED: "true"},
        ),
    ):
        api.create(made)
    world = World(plane, own, shop)
    world_merge = {"data": {"m": NEW}, "metadata": {"name": "merged", "labels": {"ours": "x"}}}
    api.create(secret(shop, "merged"))
    world.apply("merged", "sealer-keyvault.app", **world_merge).send(api)
    applied = {"type": "Opaque", "data": {"m": NEW}}
    world.apply("by-fields", "sealer-keyvault.app", **applied).send(api)
    return world


def _owned(name: str, **more: Any) -> dict[str, Any]:
    return {"ownerReferences": [owner(name, **more)]}


def _set(*path: str, to: Any) -> Callable[[Manifest], None]:
    def change(manifest: Manifest) -> None:
        for key in path[:-1]:
            manifest = manifest.setdefault(key, {})
        manifest[path[-1]] = to

    return change


def _drop(*path: str) -> Callable[[Manifest], None]:
    def change(manifest: Manifest) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        del manifest[path[-1]]

    return change


_OURS: dict[str, Any] = {"annotations": {MADE_BY: "kvs"}}
_DEAD = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "1"}]

EVIL: dict[str, Callable[[World], Request]] = {
    # Made out of nothing.
    "make-nobodys": lambda w: w.post("new"),
    "make-under-another-name": lambda w: w.post("new", **_owned("other")),
    "make-marked-under-another-name": lambda w: w.post("new", annotations={OWNER: "other"}),
    "make-with-a-mere-owner": lambda w: w.post(
        "new", ownerReferences=[{**owner("new"), "controller": False}]
    ),
    "make-of-another-group": lambda w: w.post("new", **_owned("new", group="evil.example/v1")),
    "make-of-another-kind": lambda w: w.post(
        "new", **_owned("new", kind="Deployment", group="bitnami.com/v1alpha1")
    ),
    "make-with-two-owners": lambda w: w.post("new", ownerReferences=[owner("new"), *_DEAD]),
    "make-marked-but-controlled-by-another": lambda w: w.post(
        "new",
        annotations={OWNER: "new"},
        **_owned("new", kind="ReplicaSet", group="apps/v1"),
    ),
    "make-generated": lambda w: Request(
        "POST",
        w.path(),
        {
            **secret(w.shop, "x"),
            "metadata": {"generateName": "new-", "annotations": {OWNER: "new"}},
        },
    ),
    # Tokens, releases, keys.
    "make-token": lambda w: w.post(
        "t",
        type=TOKEN,
        annotations={OWNER: "t", "kubernetes.io/service-account.name": "robot"},
    ),
    "make-token-in-kube-system": lambda w: Request(
        "POST",
        "/api/v1/namespaces/kube-system/secrets",
        secret(
            "kube-system",
            "t",
            type=TOKEN,
            annotations={MADE_BY: "t", "kubernetes.io/service-account.name": "default"},
        ),
    ),
    "make-bootstrap-token": lambda w: Request(
        "POST",
        "/api/v1/namespaces/kube-system/secrets",
        secret("kube-system", "bootstrap-token-abcdef", type=BOOTSTRAP, **_OURS),
    ),
    "change-token": lambda w: w.merge("robot-token", {"data": {"x": NEW}}),
    "make-release-by-type": lambda w: w.post("r", type=HELM, annotations={OWNER: "r"}),
    "make-release-by-name": lambda w: w.post("sh.helm.release.v1.x.v9", **_OURS),
    "make-release-by-label": lambda w: w.post("r", labels={"owner": "helm"}, **_OURS),
    "make-ours-a-release": lambda w: w.label("marked", "owner", "helm"),
    "change-release": lambda w: w.merge(HELM_NAME, {"data": {"release": NEW}}),
    "change-release-that-invites": lambda w: w.put(
        "sh.helm.release.v1.shop.v2", _set("metadata", "ownerReferences", to=_DEAD)
    ),
    "add-to-release": lambda w: w.apply(HELM_NAME, data={"more": NEW}),
    "delete-release": lambda w: w.delete(HELM_NAME),
    "delete-release-that-invites": lambda w: w.delete("sh.helm.release.v1.shop.v2"),
    "make-key-elsewhere": lambda w: w.post("k", labels={KEY: "active"}, **_OURS),
    "make-key-of-no-tls": lambda w: w.post("sealed-secrets-key9", own=True, labels={KEY: "active"}),
    "make-key-of-ours": lambda w: w.post(
        "sealed-secrets-key9",
        own=True,
        data=TLS,
        type="kubernetes.io/tls",
        labels={KEY: "active"},
        **_owned("sealed-secrets-key9"),
    ),
    "make-key-unlabelled": lambda w: w.post("sealed-secrets-key9", own=True, **_OURS),
    "make-key-under-another-name": lambda w: w.post(
        "k", own=True, data=TLS, type="kubernetes.io/tls", labels={KEY: "active"}
    ),
    "make-ours-a-key": lambda w: w.label("marked", KEY, "active"),
    "change-key": lambda w: w.merge("sealed-secrets-key1", {"data": {"tls.key": NEW}}, own=True),
    "change-key-that-invites": lambda w: w.merge(
        "sealed-secrets-key2", {"data": {"tls.key": NEW}}, own=True
    ),
    "retire-key": lambda w: w.label("sealed-secrets-key1", KEY, "compromised", own=True),
    "unlabel-key": lambda w: w.label("sealed-secrets-key1", KEY, None, own=True),
    "claim-key": lambda w: w.annotate("sealed-secrets-key1", MANAGED, own=True),
    "delete-key": lambda w: w.delete("sealed-secrets-key1", own=True),
    "delete-record": lambda w: w.delete("sealed-secrets-key-record", own=True),
    "make-a-key-of-the-record": lambda w: w.label("sealed-secrets-key-record", KEY, own=True),
    "delete-old-key": lambda w: w.delete("sealed-secrets-key-old", own=True),
    "change-old-key": lambda w: w.merge(
        "sealed-secrets-key-old", {"data": {"tls.key": NEW}}, own=True
    ),
    "change-key-of-another": lambda w: w.merge("other-key", {"data": {"tls.key": NEW}}),
    "delete-key-of-another": lambda w: w.delete("other-key"),
    # What others made.
    "replace": lambda w: w.put("foreign", _set("data", "a", to=NEW)),
    "replace-here": lambda w: w.put("foreign-here", _set("data", "a", to=NEW), own=True),
    "patch": lambda w: w.merge("foreign", {"data": {"a": NEW}}),
    "patch-by-string-data": lambda w: w.merge("foreign", {"stringData": {"a": "new"}}),
    "patch-strategically": lambda w: Request(
        "PATCH", w.path("foreign"), {"data": {"a": NEW}}, STRATEGIC
    ),
    "patch-by-json": lambda w: Request(
        "PATCH",
        w.path("foreign"),
        [{"op": "replace", "path": "/data/a", "value": NEW}],
        JSON_PATCH,
    ),
    "apply": lambda w: w.apply("foreign", data={"a": NEW}),
    "apply-as-helm": lambda w: w.apply("foreign", "helm", data={"a": NEW}),
    "apply-the-same": lambda w: w.apply("foreign", data={"a": "b25l"}),
    "apply-type": lambda w: w.apply("foreign", type="Opaque", data={"c": NEW}),
    "take-a-key-away": lambda w: w.merge("foreign", {"data": {"a": None}}),
    "take-over": lambda w: w.put(
        "foreign", _set("metadata", "ownerReferences", to=[owner("foreign")])
    ),
    "take-over-and-replace": lambda w: w.put(
        "foreign",
        lambda m: m.update(
            data={"a": NEW}, metadata={**m["metadata"], "ownerReferences": [owner("foreign")]}
        ),
    ),
    "take-over-by-mark": lambda w: w.annotate("foreign", OWNER, "foreign"),
    "take-over-by-vault-mark": lambda w: w.annotate("foreign", MADE_BY, "kvs"),
    "invite-managed": lambda w: w.annotate("foreign", MANAGED),
    "invite-patch": lambda w: w.annotate("foreign", PATCH),
    "invite-adoption": lambda w: w.annotate("foreign", ADOPT),
    "claim-value": lambda w: w.claim("foreign", {"f:data": {"f:a": {}}}),
    "claim-type": lambda w: w.claim("foreign", {"f:type": {}}),
    "claim-label": lambda w: w.claim("foreign", {"f:metadata": {"f:labels": {"f:team": {}}}}),
    "claim-annotation": lambda w: w.claim(
        "foreign", {"f:metadata": {"f:annotations": {"f:note": {}}}}
    ),
    "change-label": lambda w: w.label("foreign", "team"),
    "change-annotation": lambda w: w.annotate("foreign", "note"),
    "take-label-away": lambda w: w.label("foreign", "team", None),
    "freeze": lambda w: w.merge("foreign", {"immutable": True}),
    "let-it-be-collected": lambda w: w.merge("foreign", {"metadata": {"ownerReferences": _DEAD}}),
    "take-finalizer-away": lambda w: w.merge("kept", {"metadata": {"finalizers": None}}),
    "add-finalizer": lambda w: w.merge("foreign", {"metadata": {"finalizers": ["x.y/z"]}}),
    "delete": lambda w: w.delete("foreign"),
    "delete-merged": lambda w: w.delete("merged"),
    "delete-adoptable": lambda w: w.delete("adoptable"),
    "delete-by-another": lambda w: w.delete("by-another"),
    "change-by-another": lambda w: w.merge("by-another", {"data": {"a": NEW}}),
    "change-beside-the-merge": lambda w: w.apply(
        "merged", "sealer-keyvault.app", data={"m": NEW, "a": NEW}
    ),
    "take-over-the-merged": lambda w: w.apply(
        "merged", "sealer-keyvault.app", type="Opaque", data={"m": NEW}
    ),
    # What is ours, or may be, left to nobody.
    "let-go": lambda w: w.annotate("marked", OWNER, None),
    "let-go-of-vault": lambda w: w.annotate("vault-marked", MADE_BY, None),
    "take-managed-for-nobody": lambda w: w.merge("managed", {"data": {"a": NEW}}),
    "take-adoptable-for-nobody": lambda w: w.merge("adoptable", {"data": {"a": NEW}}),
    # Tokens.
    "token-for-the-api-server": lambda w: w.token([]),
    "token-for-the-api-server-by-name": lambda w: w.token(["https://kubernetes.default.svc"]),
    "token-for-both": lambda w: w.token([ENTRA, "https://kubernetes.default.svc"]),
    "token-in-kube-system": lambda w: w.token([], place="kube-system/default"),
    "token-for-long": lambda w: w.token([ENTRA], 3601),
    # Events.
    "event-as-kubelet": lambda w: w.event(component="kubelet"),
    "event-reported-by-another": lambda w: w.event(reporter="kubelet"),
    "event-about-a-pod": lambda w: w.event("Pod", "v1"),
    "event-about-a-group-like-ours": lambda w: w.event("X", "bitnami.com.evil.example/v1"),
    "event-about-a-secret": lambda w: w.event("Secret", "v1"),
}

USUAL: dict[str, Callable[[World], Request]] = {
    "make": lambda w: w.post("new", **_owned("new")),
    "make-without-owner": lambda w: w.post("new", annotations={OWNER: "new"}),
    "make-in-own-namespace": lambda w: w.post("new", own=True, **_owned("new")),
    "make-for-vault": lambda w: w.apply(
        "fresh",
        type="Opaque",
        data={"a": NEW},
        metadata={"name": "fresh", **_owned("kvs", kind="KeyVaultSecret")},
    ),
    "make-orphan-for-vault": lambda w: w.apply(
        "fresh", type="Opaque", metadata={"name": "fresh", **_OURS}
    ),
    "try-to-make-again": lambda w: Request(
        "POST",
        w.path(),
        {**secret(w.shop, "x"), "metadata": {"generateName": "new-", **_owned("new")}},
    ).dry(),
    "make-key": lambda w: Request(
        "POST",
        w.path(own=True),
        {
            **secret(w.own, "x", TLS, type="kubernetes.io/tls"),
            "metadata": {"generateName": "sealed-secrets-key", "labels": {KEY: "active"}},
        },
    ),
    "remember-a-key": lambda w: w.put(
        "sealed-secrets-key-record", _set("data", to={"sealing": NEW}), own=True
    ),
    "change-ours": lambda w: w.put("marked", _set("data", to={"only": NEW})),
    "give-ours-an-owner": lambda w: w.put(
        "marked",
        lambda m: m["metadata"].update(annotations={}, ownerReferences=[owner("marked")]),
    ),
    "delete-ours": lambda w: w.delete("marked"),
    "delete-of-vault": lambda w: w.delete("vault-marked"),
    "delete-by-fields": lambda w: w.delete("by-fields"),
    "change-by-fields": lambda w: w.apply(
        "by-fields", "sealer-keyvault.app", type="Opaque", data={"n": NEW}
    ),
    "merge-what-was-ours": lambda w: w.apply("vault-marked", data={"n": NEW}),
    "take-managed": lambda w: w.put(
        "managed",
        lambda m: m.update(
            data={"a": NEW},
            metadata={**m["metadata"], "annotations": {}, **_owned("managed")},
        ),
    ),
    "make-managed-again": lambda w: w.delete("managed"),
    "patch": lambda w: w.put("patched", _set("data", "c", to=NEW)),
    "adopt": lambda w: w.apply(
        "adoptable",
        type="Opaque",
        data={"a": NEW},
        metadata={"name": "adoptable", **_owned("kvs", kind="KeyVaultSecret")},
    ),
    "merge-over-what-may-be-adopted": lambda w: w.apply("adoptable", data={"a": NEW}),
    "merge": lambda w: w.apply("foreign", data={"c": NEW}),
    "merge-with-labels": lambda w: w.apply(
        "foreign",
        data={"c": NEW},
        metadata={"name": "foreign", "labels": {"l": "x"}, "annotations": {"n": "x"}},
    ),
    "merge-again": lambda w: w.apply("merged", "sealer-keyvault.app", data={"m": "eA=="}),
    "merge-another": lambda w: w.apply("merged", "sealer-keyvault.two", data={"o": NEW}),
    "undo-a-merge": lambda w: w.merge(
        "merged", {"data": {"m": None}, "metadata": {"labels": {"ours": None}}}
    ),
    "token": lambda w: w.token([ENTRA]),
    "token-for-less": lambda w: w.token([ENTRA], 600),
    "event": lambda w: w.event(),
    "event-about-a-vault": lambda w: w.event("KeyVaultSecret", "keyvault.sealer.dev/v1alpha1"),
    "event-about-a-key": lambda w: w.event("Secret", "v1", own=True),
}
