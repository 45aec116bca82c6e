"""Key Vault objects become Secrets: our controller, a real API server, the real Azure SDK."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from sealer import encoding
from tests.testbed.azure.entra import App, Federation
from tests.testbed.azure.server import Azure
from tests.testbed.canary import leaks
from tests.testbed.certificates import certificate_in, self_signed
from tests.testbed.cluster import ApiError, ControlPlane, Manifest, wait_for
from tests.testbed.controllers import Controller, ours
from tests.testbed.vault_world import API, CLIENT, PASSWORD, World, environment, new_world

CANARY = "canary-7f3a"
TENANT = "11111111-1111-4111-8111-111111111111"
OWN_ACCOUNT = {"name": "vault-controller", "namespace": "kube-system"}


@pytest.fixture(scope="module")
def controller(
    plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """Our controller with its Key Vault half, and the rights that the chart gives it."""
    folder = tmp_path_factory.mktemp("dns")
    flags = ("--key-vault", f"--vault-suffixes={azure.suffix}", "--log-level=DEBUG")
    plane.api.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": OWN_ACCOUNT},
    )
    # As the workload identity webhook would set it up for the controller's pod.
    request = {"spec": {"audiences": ["api://AzureADTokenExchange"]}}
    path = "/api/v1/namespaces/kube-system/serviceaccounts/vault-controller/token"
    (folder / "token").write_text(plane.api.request("POST", path, request)["status"]["token"])
    own = {
        "AZURE_CLIENT_ID": "controller-client",
        "AZURE_TENANT_ID": TENANT,
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token"),
    }
    settings = environment(azure, folder, **own)
    with ours(plane, *flags, environment=settings, name="vault") as running:
        yield running
        told = running.process.text()
        told += running.get("/metrics", port=running.metrics_port)[1].decode()
        for kind in ("Event", "KeyVault", "ClusterKeyVault", "KeyVaultSecret"):
            told += json.dumps(plane.api.list(kind))
        # Access tokens, service accounts' tokens, client secrets: as Entra saw them.
        assert not leaks(told, {CANARY, PASSWORD, *azure.entra.seen})


@pytest.fixture
def world(plane: ControlPlane, azure: Azure, namespace: str, controller: Controller) -> World:
    """A namespace with a vault of its own, and a service principal that may read it."""
    azure.faults.clear()
    return new_world(plane, azure, namespace)


def single(key: str, secret: str, **more: Any) -> Manifest:
    return {"key": key, "from": {"secret": secret, **more}}


def test_a_secret_of_the_vault_becomes_a_key_and_follows_its_changes(world: World) -> None:
    world.store.set_secret("db-password", f"{CANARY}-1")
    world.vault()
    world.secret(single("DB_PASSWORD", "db-password"))
    world.wait_data({"DB_PASSWORD": f"{CANARY}-1".encode()})
    ready = world.wait_reason("Synced", "True")
    assert ready["observedGeneration"] == 1
    vault = world.wait_reason("Ready", "True", name="shop", kind="KeyVault")
    assert vault["message"] == "The vault answers."
    world.store.set_secret("db-password", f"{CANARY}-2\nsecond line\n")
    world.wait_data({"DB_PASSWORD": f"{CANARY}-2\nsecond line\n".encode()}, seconds=45)
    told = json.dumps([world.status(), world.plane.api.list("Event", world.namespace)])
    assert CANARY not in told
    lines = world.status()["objects"]
    assert [line["state"] for line in lines] == ["Synced"]
    assert lines[0]["keys"] == ["DB_PASSWORD"]
    owner = world.plane.api.get("Secret", world.namespace, "db")["metadata"]["ownerReferences"]
    assert [one["kind"] for one in owner] == ["KeyVaultSecret"]


def test_earlier_versions_come_along(world: World) -> None:
    for value in ("one", "two", "three"):
        world.store.set_secret("token", value)
    for past, version in enumerate(reversed(world.store.live["secrets"]["token"].versions)):
        version.created -= 60 * past
    world.vault()
    world.secret(single("token", "token", history=1))
    world.wait_data({"token": b"three", "token.1": b"two"})
    world.wait_reason("Synced", "True")


def test_workload_identity_uses_a_token_that_the_cluster_signed(world: World) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "shop",
            "namespace": world.namespace,
            "annotations": {"azure.workload.identity/client-id": "wi-client"},
        },
    }
    world.plane.api.create(account)
    issuer = world.plane.api.request("GET", "/.well-known/openid-configuration")["issuer"]
    subject = f"system:serviceaccount:{world.namespace}:shop"
    app = world.azure.entra.register(App("wi-client", world.store.tenant))
    world.store.grant("wi-client")
    world.store.set_secret("db-password", "by federation")
    world.vault(auth={"workloadIdentity": {"serviceAccountName": "shop"}})
    world.secret(single("password", "db-password"))
    refused = world.wait_reason("TokenRequestDenied", name="shop", kind="KeyVault")
    assert 'label it keyvault.sealer.dev/use: "true"' in refused["message"]
    labels = {"metadata": {"labels": {"keyvault.sealer.dev/use": "true"}}}
    world.plane.api.patch("ServiceAccount", world.namespace, "shop", labels)
    refused = world.wait_reason("FederationRejected", name="shop", kind="KeyVault")
    assert subject in refused["message"]
    assert issuer in refused["message"]
    assert "api://AzureADTokenExchange" in refused["message"]
    app.federations.append(Federation(issuer, subject))
    world.wait_data({"password": b"by federation"}, seconds=45)
    assert ("wi-client", "ok") in world.azure.entra.tokens


def test_a_deleted_secret_is_made_again_at_once_and_an_edit_is_undone(world: World) -> None:
    world.store.set_secret("db-password", "one")
    world.vault()
    world.secret(single("password", "db-password"))
    world.wait_data({"password": b"one"})
    world.plane.api.delete("Secret", world.namespace, "db")
    world.wait_data({"password": b"one"})
    edit = {"data": {"password": encoding.encode(b"edited"), "foreign": encoding.encode(b"stays")}}
    world.plane.api.patch("Secret", world.namespace, "db", edit)
    world.wait_data({"password": b"one", "foreign": b"stays"})


def test_one_secret_mixes_secrets_a_certificate_json_and_found_sets(world: World) -> None:
    store = world.store
    key = ec.generate_private_key(ec.SECP256R1())
    pem = self_signed(key)
    store.set_certificate("shop-tls", pem)
    store.set_secret("app-json", json.dumps({"user": "app", "port": 5432, "deep": {"a": [1]}}))
    store.set_secret("shop-mail-password", "mail", tags={"env": "prod"})
    store.set_secret("shop-old-password", "old", tags={"env": "dev"})
    store.set_secret("encoded", encoding.encode(b"\x00\xff"))
    store.set_key("signing", key.public_key())
    store.grant(CLIENT, "secrets/get", "secrets/list", "keys/get")
    world.vault()
    world.secret(
        {"tls": {"certificate": "shop-tls"}},
        {"expand": {"secret": "app-json"}},
        single("DEEP", "app-json", property="deep.a.0"),
        single("raw", "encoded", decode="Base64"),
        {"key": "bundle.p12", "from": {"certificate": "shop-tls", "as": "PFX"}},
        {"key": "sign.pub", "from": {"key": "signing", "as": "PEM"}},
        {"find": {"name": "shop-*", "tags": {"env": "prod"}, "case": "Env"}},
        template={
            "metadata": {"labels": {"team": "shop"}},
            "data": {"url": "db://{{ .user }}:{{ .SHOP_MAIL_PASSWORD }}@db:{{ .port }}"},
            "omit": ["deep"],
        },
    )
    world.wait_reason("Synced", "True")
    secret = world.plane.api.get("Secret", world.namespace, "db")
    assert secret["type"] == "kubernetes.io/tls"
    assert secret["metadata"]["labels"] == {"team": "shop"}
    data = world.data() or {}
    assert data.pop("tls.key").startswith(b"-----BEGIN PRIVATE KEY-----")
    assert data.pop("tls.crt").startswith(b"-----BEGIN CERTIFICATE-----")
    assert pkcs12.load_key_and_certificates(data.pop("bundle.p12"), None)[0] is not None
    assert data.pop("sign.pub").startswith(b"-----BEGIN PUBLIC KEY-----")
    assert data == {
        "user": b"app",
        "port": b"5432",
        "DEEP": b"1",
        "raw": b"\x00\xff",
        "SHOP_MAIL_PASSWORD": b"mail",
        "url": b"db://app:mail@db:5432",
    }
    world.change({"template": {"data": {"url": "{{ .nothing }}"}}})
    told = world.wait_reason("TemplateFailed")
    assert world.condition("Stalled")["status"] == "True"
    assert "<no value>" not in told["message"]
    assert (world.data() or {})["url"] == b"db://app:mail@db:5432"


def cluster_vault(world: World, name: str, allow: list[Manifest], auth: Manifest) -> None:
    world.plane.api.create(
        {
            "apiVersion": API,
            "kind": "ClusterKeyVault",
            "metadata": {"name": name},
            "spec": {"url": world.azure.url(world.store.name), "auth": auth, "allow": allow},
        }
    )


def test_a_cluster_vault_gives_only_what_it_allows_and_serves_by_managed_identity(
    world: World,
) -> None:
    store = world.store
    world.azure.entra.register(App("node-identity", store.tenant))
    store.grant("node-identity")
    for name in ("team-a-db", "team-b-db"):
        store.set_secret(name, f"value of {name}")
    name = f"shared-{world.namespace[-6:]}"
    allow = [{"namespaces": [world.namespace], "objects": ["team-a-*"]}]
    cluster_vault(world, name, allow, {"managedIdentity": {"clientId": "node-identity"}})
    vault = {"kind": "ClusterKeyVault", "name": name}
    world.secret(single("a", "team-a-db"), vault=vault)
    world.secret(single("b", "team-b-db"), vault=vault, name="other")
    world.secret({"find": {"name": "*"}}, vault=vault, name="found")
    world.wait_data({"a": b"value of team-a-db"})
    world.wait_data({"team-a-db": b"value of team-a-db"}, name="found")
    told = world.wait_reason("NotAllowed", name="other")
    assert "team-b-db" in told["message"]
    assert world.condition("Stalled", "other")["status"] == "True"
    assert world.data("other") is None
    stranger = world.plane.api.namespace(f"stranger-{world.namespace[-6:]}")
    foreign = World(world.plane, world.azure, store, stranger)
    foreign.secret(single("a", "team-a-db"), vault=vault)
    foreign.wait_reason("NotAllowed")


def test_the_controllers_own_identity_serves_a_cluster_vault(world: World) -> None:
    issuer = world.plane.api.request("GET", "/.well-known/openid-configuration")["issuer"]
    subject = "system:serviceaccount:kube-system:vault-controller"
    own = App("controller-client", TENANT, federations=[Federation(issuer, subject)])
    world.azure.entra.register(own)
    world.store.grant("controller-client")
    world.store.set_secret("one", "by the controller")
    name = f"own-{world.namespace[-6:]}"
    allow = [{"namespaceSelector": {"matchLabels": {"vault": name}}, "objects": ["*"]}]
    cluster_vault(world, name, allow, {"controllerIdentity": {}})
    world.secret(single("one", "one"), vault={"kind": "ClusterKeyVault", "name": name})
    world.wait_reason("NotAllowed")
    labels = {"metadata": {"labels": {"vault": name}}}
    world.plane.api.request(
        "PATCH", f"/api/v1/namespaces/{world.namespace}", labels, "application/merge-patch+json"
    )
    world.sync_now()
    world.wait_data({"one": b"by the controller"})


def test_a_service_principal_signs_in_with_a_certificate(world: World) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = self_signed(key)
    app = App("cert-client", world.store.tenant, certificate=certificate_in(pem))
    world.azure.entra.register(app)
    world.store.grant("cert-client")
    world.store.set_secret("one", "by certificate")
    world.plane.api.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cert", "namespace": world.namespace},
            "stringData": {"pem": pem},
        }
    )
    reference = {"name": "cert", "key": "pem"}
    # No tenantId: the vault's challenge names it.
    world.vault(auth={"servicePrincipal": {"clientId": "cert-client", "certificateRef": reference}})
    world.secret(single("one", "one"))
    world.wait_data({"one": b"by certificate"})
    # The Secret may be there before the vault's status is.
    world.wait_reason("Ready", "True", name="shop", kind="KeyVault")
    assert world.status("shop", "KeyVault")["tenantId"] == world.store.tenant


def test_a_rotated_client_secret_is_taken_up_before_the_next_poll(world: World) -> None:
    world.store.set_secret("one", "one")
    world.vault(poll={"interval": "1h"})
    world.secret(single("one", "one"))
    world.wait_data({"one": b"one"})
    world.azure.entra.register(App(CLIENT, world.store.tenant, secret=f"{CANARY}-rotated"))
    world.azure.forget()
    change = {"data": {"password": encoding.encode(f"{CANARY}-rotated".encode())}}
    world.plane.api.patch("Secret", world.namespace, "principal", change)
    wait_for("the new secret", lambda: (CLIENT, "ok") in world.azure.entra.tokens, 10)
    world.wait_reason("Ready", "True", name="shop", kind="KeyVault")


@pytest.mark.parametrize("version", ["2025-07-01", "7.4"])
def test_a_vaults_api_version_is_what_is_sent(world: World, version: str) -> None:
    world.store.set_secret("one", "one")
    spec = {} if version == "2025-07-01" else {"apiVersion": version}
    world.vault("shop", auth=None, **spec)
    world.secret(single("one", "one"))
    world.wait_data({"one": b"one"})
    # Vaults of other tests are polled meanwhile.
    name = world.store.name
    assert {sent for vault, sent in world.azure.versions if vault == name} == {version}


def test_no_token_is_sent_to_a_strangers_host(world: World) -> None:
    world.azure.forget()
    world.vault("refused", url="https://shop.evil.test")
    world.wait_reason("UnknownCloud", name="refused", kind="KeyVault")
    # A host below an allowed suffix whose challenge names another resource.
    world.azure.challenge_resource = "https://vault.azure.net"
    try:
        world.vault("odd", url=world.azure.url("stranger"))
        told = world.wait_reason("UnknownCloud", name="odd", kind="KeyVault")
    finally:
        world.azure.challenge_resource = ""
    assert "no token was sent" in told["message"]
    assert world.azure.bearers.get("shop.evil.test") is None
    assert world.azure.bearers.get("stranger.vault.test") is None


def test_merge_adds_and_takes_back_exactly_its_own_keys(world: World) -> None:
    api = world.plane.api
    for name in ("one", "two"):
        world.store.set_secret(name, name)
    world.vault()
    world.secret(single("one", "one"), target={"name": "shared", "creation": "Merge"})
    world.wait_reason("TargetNotFound")
    # Keys that come by stringData are owned by no manager.
    applied = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shared", "namespace": world.namespace},
        "stringData": {"unowned": "stays"},
    }
    path = f"/api/v1/namespaces/{world.namespace}/secrets/shared?fieldManager=person"
    api.request("PATCH", path, applied, "application/apply-patch+yaml")
    world.wait_data({"one": b"one", "unowned": b"stays"}, name="shared")
    world.change({"data": [single("two", "two")]})
    world.wait_data({"two": b"two", "unowned": b"stays"}, name="shared")
    api.delete("KeyVaultSecret", world.namespace, "db")
    world.wait_data({"unowned": b"stays"}, name="shared")


@pytest.mark.parametrize("creation", ["Owner", "Orphan"])
def test_the_marks_of_our_secret_are_put_back(world: World, creation: str) -> None:
    """A backup tool, a replicator or ``kubectl neat`` takes them away."""
    api = world.plane.api
    world.store.set_secret("one", "one")
    world.vault()
    world.secret(single("one", "one"), target={"creation": creation})
    world.wait_reason("Synced", "True")

    def marks() -> Any:
        metadata = api.get("Secret", world.namespace, "db")["metadata"]
        names = ("ownerReferences", "annotations")
        return {name: metadata[name] for name in names if name in metadata}

    before = marks()
    assert before
    nothing = {"metadata": {"ownerReferences": None, "annotations": None}}
    api.patch("Secret", world.namespace, "db", nothing)
    wait_for("they are back", lambda: marks() == before)
    world.store.set_secret("one", "two")
    world.sync_now()
    world.wait_data({"one": b"two"})
    world.wait_reason("Synced", "True")


def test_two_vaults_fill_one_secret(world: World) -> None:
    api = world.plane.api
    for name in ("one", "two"):
        world.store.set_secret(name, name)
    world.vault()
    world.vault("other")
    extra = {"name": "app", "creation": "Merge"}
    world.secret(single("one", "one"), name="app")
    world.secret(single("two", "two"), name="app-other", vault={"name": "other"}, target=extra)
    world.wait_data({"one": b"one", "two": b"two"}, name="app")
    for name in ("app", "app-other"):
        world.wait_reason("Synced", "True", name=name)
    world.secret(single("one", "two"), name="late", target=extra)
    told = world.wait_reason("KeyConflict", name="late")
    assert "KeyVaultSecret app" in told["message"]
    api.delete("Secret", world.namespace, "app")
    world.wait_data({"one": b"one", "two": b"two"}, name="app")
    api.delete("KeyVaultSecret", world.namespace, "app-other")
    world.wait_data({"one": b"one"}, name="app")


def test_a_foreign_secret_is_left_alone_unless_it_is_to_be_adopted(world: World) -> None:
    api = world.plane.api
    world.store.set_secret("one", "one")
    metadata = {"name": "db", "namespace": world.namespace}
    foreign = {"mine": "x"}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": foreign})
    world.vault()
    world.secret(single("one", "one"))
    world.wait_reason("TargetNotOwned")
    assert world.data() == {"mine": b"x"}
    world.change({"target": {"adopt": "IfUnowned"}})
    wait_for(
        "the other half of the cure",
        lambda: (
            'annotate it keyvault.sealer.dev/adopt: "true"'
            in world.condition("Ready").get("message", "")
        ),
    )
    adopt = {"metadata": {"annotations": {"keyvault.sealer.dev/adopt": "true"}}}
    api.patch("Secret", world.namespace, "db", adopt)
    world.wait_data({"one": b"one", "mine": b"x"})


def test_a_merge_leaves_the_keys_of_others_alone(world: World) -> None:
    api = world.plane.api
    world.store.set_secret("one", "one")
    metadata = {"name": "db", "namespace": world.namespace}
    foreign = {"one": "theirs"}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": foreign})
    world.vault()
    world.secret(single("one", "one"), target={"creation": "Merge"})
    assert "has the key one already" in world.wait_reason("KeyConflict")["message"]
    assert world.data() == {"one": b"theirs"}
    adopt = {"metadata": {"annotations": {"keyvault.sealer.dev/adopt": "true"}}}
    api.patch("Secret", world.namespace, "db", adopt)
    world.wait_data({"one": b"one"})


def test_an_immutable_secret_is_told_of_with_its_cure(world: World) -> None:
    world.store.set_secret("one", "one")
    world.vault()
    world.secret(single("one", "one"), target={"immutable": True})
    world.wait_data({"one": b"one"})
    world.store.set_secret("one", "canary")
    world.sync_now()
    world.wait_reason("TargetImmutable")
    assert world.data() == {"one": b"one"}
    stalled = world.condition("Stalled")
    assert stalled["status"] == "True"
    assert "delete it" in stalled["message"]
    assert "canary" not in json.dumps(world.status())
    world.plane.api.delete("Secret", world.namespace, "db")
    world.wait_data({"one": b"canary"})
    world.wait_reason("Synced", "True")


def test_orphan_leaves_the_secret_and_a_deleted_owner_takes_it_along(world: World) -> None:
    api = world.plane.api
    world.store.set_secret("one", "one")
    world.vault()
    world.secret(single("one", "one"), name="stays", target={"creation": "Orphan"})
    world.secret(single("one", "one"), name="goes")
    world.wait_data({"one": b"one"}, name="stays")
    world.wait_data({"one": b"one"}, name="goes")
    for name in ("stays", "goes"):
        api.delete("KeyVaultSecret", world.namespace, name)
    wait_for("the owned Secret goes", lambda: world.data("goes") is None)
    assert world.data("stays") == {"one": b"one"}
    # A new resource of the same name takes it up again.
    world.secret(single("two", "one"), name="stays", target={"creation": "Orphan"})
    world.wait_data({"two": b"one"}, name="stays")


def test_labels_of_the_resource_are_not_copied(world: World) -> None:
    world.store.set_secret("one", "one")
    world.vault()
    manifest = world.manifest(single("one", "one"))
    manifest["metadata"]["labels"] = {"argocd.argoproj.io/instance": "shop"}
    world.plane.api.create(manifest)
    world.wait_data({"one": b"one"})
    assert "labels" not in world.plane.api.get("Secret", world.namespace, "db")["metadata"]


def test_a_vault_without_rights_is_not_ready_and_says_which_role_is_missing(world: World) -> None:
    world.store.rights.clear()
    world.vault()
    told = world.wait_reason("Forbidden", name="shop", kind="KeyVault")
    assert "Key Vault Secrets User" in told["message"]
    world.secret(single("one", "one"))
    world.wait_reason("VaultNotReady")


def test_two_namespaces_with_the_same_names_stay_apart(world: World, plane: ControlPlane) -> None:
    world.store.set_secret("password", "first tenant")
    other = World(
        plane, world.azure, world.azure.vault("other"), plane.api.namespace("vault-other")
    )
    world.azure.entra.register(App("other-client", other.store.tenant, secret=PASSWORD))
    other.store.grant("other-client")
    other.store.set_secret("password", "second tenant")
    other.client = "other-client"
    for one in (world, other):
        if one is other:
            one.principal()
        one.vault()
        one.secret(single("password", "password"))
    world.wait_data({"password": b"first tenant"})
    other.wait_data({"password": b"second tenant"})
    # The first identity has no rights on the second vault.
    world.vault("crossing", url=world.azure.url("other"))
    world.wait_reason("Forbidden", name="crossing", kind="KeyVault")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param([{"key": "a"}], "exactly one of from", id="nothing"),
        pytest.param(
            [{"key": "a", "from": {"secret": "a", "key": "b"}}], "exactly one of secret", id="two"
        ),
        pytest.param(
            [{"key": "a", "from": {"secret": "a"}}, {"key": "a", "from": {"secret": "b"}}],
            "the same key",
            id="conflict",
        ),
        pytest.param([{"key": "a", "from": {"secret": "a_b"}}], "should match", id="name"),
        pytest.param(
            [{"key": "a", "from": {"secret": "a", "version": "0" * 32, "history": 1}}],
            "history is for the newest",
            id="history",
        ),
        pytest.param([{"find": {}}], "say which", id="find"),
        pytest.param([], "at least 1", id="empty"),
    ],
)
def test_the_api_server_refuses_what_cannot_work(
    world: World, data: list[Manifest], words: str
) -> None:
    with pytest.raises(ApiError) as caught:
        world.secret(*data)
    assert words in str(caught.value)


def test_a_vault_that_reaches_out_of_its_namespace_is_refused(world: World) -> None:
    with pytest.raises(ApiError, match=r"unknown field|exactly one"):
        world.vault(auth={"controllerIdentity": {}})


def test_metrics_tell_of_requests_readiness_and_expiry(
    world: World, controller: Controller
) -> None:
    world.store.set_secret("one", "one", exp=int(time.time()) + 86400)
    world.vault()
    world.secret(single("one", "one"))
    world.wait_data({"one": b"one"})
    _, body = controller.get("/metrics", port=controller.metrics_port)
    text = body.decode()
    for series in (
        "keyvault_requests_total{",
        "keyvault_token_requests_total{",
        "keyvault_poll_seconds_count{",
        f'keyvaultsecret_ready{{name="db",namespace="{world.namespace}"}} 1.0',
        f'keyvaultsecret_expiry_timestamp_seconds{{name="db",namespace="{world.namespace}"',
    ):
        assert series in text


def test_a_controller_killed_in_mid_work_finds_everything_again(
    world: World, azure: Azure, plane: ControlPlane, tmp_path: Path
) -> None:
    world.store.set_secret("one", "one")
    world.vault()
    for number in range(10):
        world.secret(single("one", "one"), name=f"k-{number}")
    for number in range(10):
        world.wait_data({"one": b"one"}, name=f"k-{number}")
    flags = ("--key-vault", f"--vault-suffixes={azure.suffix}")
    with ours(plane, *flags, environment=environment(azure, tmp_path), name="killed") as second:
        second.process.send(signal.SIGKILL)
    versions = [
        plane.api.get("Secret", world.namespace, f"k-{number}")["metadata"]["resourceVersion"]
        for number in range(10)
    ]
    with ours(plane, *flags, environment=environment(azure, tmp_path), name="again"):
        world.sync_now("k-9")
        wait_for("k-9 was synced", lambda: "syncNow" in world.status("k-9"))
    after = [
        plane.api.get("Secret", world.namespace, f"k-{number}")["metadata"]["resourceVersion"]
        for number in range(10)
    ]
    assert after == versions


def test_what_the_api_server_quotes_of_a_value_is_not_told(world: World) -> None:
    """It names the first character that is no JSON, and what is no text where a label should be."""
    kind, key = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
    world.store.set_secret("pull", f"~{CANARY}")
    world.vault()
    world.secret(single(key, "pull"), target={"type": kind})
    ready = world.wait_reason("InvalidSpec", "False")
    assert f"data[{key}] is invalid" in ready["message"]
    assert "wants JSON" in ready["message"]
    labels = {"metadata": {"labels": {"team": "{{ .pull }}"}}}
    world.secret(single("pull", "pull"), name="labelled", template=labels)
    ready = world.wait_reason("InvalidSpec", "False", name="labelled")
    assert "metadata.labels is invalid" in ready["message"]
    told = json.dumps([world.status(), world.status("labelled")])
    told += json.dumps([world.events("InvalidSpec"), world.events("InvalidSpec", "labelled")])
    assert "~" not in told
    assert CANARY not in told
