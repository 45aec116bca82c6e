"""External Secrets' SecretStore and ClusterSecretStore (azurekv) into vaults.

Source: external-secrets.io/latest/provider/azure-key-vault and its Go types.
"""

from __future__ import annotations

import re
from typing import Any

from sealer.convert.result import REPLACE, Converted, Notes, made, named, workload_identity
from sealer.convert.source import Source
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

CLUSTER_STORE = "ClusterSecretStore"
_CLIENT_ID = re.compile(r"[0-9a-fA-F-]{36}", re.ASCII)


def store(source: Source) -> list[Converted]:
    """A store becomes a vault; a store that is not Azure's becomes a note."""
    notes = Notes()
    spec = source.part("spec")
    provider = spec.part("provider")
    if "azurekv" not in provider:
        title = f"{source.text('kind')} {source.part('metadata').text('name')}"
        return [Converted({}, [f"{title} is not of Azure Key Vault: nothing was made of it"])]
    azure = provider.part("azurekv")
    wide = source.text("kind") == CLUSTER_STORE
    auth_type = azure.text("authType") or "ServicePrincipal"
    auth, shared = _auth(azure, auth_type, wide, notes)
    url = azure.text("vaultUrl").rstrip("/")
    made_spec: dict[str, Any] = {"url": url or f"https://{REPLACE}".lower(), "auth": auth}
    if not url:
        notes.add(f"it has no vaultUrl: write the vault's in place of {REPLACE}")
    if shared:
        made_spec["allow"] = _allow(source, spec, notes)
        if not made_spec["allow"]:
            del made_spec["allow"]
    _other(azure, spec, notes)
    notes.left(spec.left("spec"))
    name = source.part("metadata").text("name")
    namespace = source.part("metadata").text("namespace")
    if shared and not wide and namespace:
        # Stores of two namespaces may have one name; cluster-wide they may not.
        name = f"{namespace}-{name}"
    return [made(CLUSTER_KEY_VAULT if shared else KEY_VAULT, source, made_spec, notes, name=name)]


def _auth(azure: Source, auth_type: str, wide: bool, notes: Notes) -> tuple[dict[str, Any], bool]:
    """``auth``, and whether it needs a ClusterKeyVault."""
    tenant = azure.text("tenantId")
    if auth_type == "ManagedIdentity":
        return _managed(azure, wide, notes), True
    if auth_type == "WorkloadIdentity":
        return _federated(azure, tenant, wide, notes), wide
    if auth_type != "ServicePrincipal":
        azure.fault("is no authType of azurekv", "authType")
    return {"servicePrincipal": _principal(azure, tenant, wide, notes)}, wide


def _managed(azure: Source, wide: bool, notes: Notes) -> dict[str, Any]:
    if not wide:
        notes.add("a managed identity is the node's, so it needs a ClusterKeyVault, which allows")
        notes.add("this store's namespace; vaultRef of what uses it says kind: ClusterKeyVault")
    client = azure.text("identityId")
    if client and not _CLIENT_ID.fullmatch(client) and "$" not in client:
        notes.add(f"identityId is no client id: write that in place of {REPLACE}")
        notes.add("(az identity show --ids ... --query clientId)")
        client = REPLACE
    return {"managedIdentity": named({"clientId": client})}


def _federated(azure: Source, tenant: str, wide: bool, notes: Notes) -> dict[str, Any]:
    given = {"tenantId": tenant}
    credentials = azure.part("authSecretRef")
    for key in ("clientId", "tenantId"):
        if key in credentials:
            notes.add(f"{key} is no secret: write the value from {_place(credentials, key)}")
            notes.add(f"in place of {REPLACE}")
            given[key] = REPLACE
    if "serviceAccountRef" not in azure:
        if wide:
            if tenant:
                notes.add(
                    f"tenantId {tenant} is the controller's own setting here: AZURE_TENANT_ID"
                )
            notes.add("the operator's own identity signed in: the controller's does so now")
            return {"controllerIdentity": {}}
        notes.add("the operator's own identity signed in; a KeyVault has one of its namespace")
        return workload_identity(notes, "", **given)
    account = azure.part("serviceAccountRef")
    if account.words("audiences"):
        notes.add("serviceAccountRef.audiences has no match here: it is api://AzureADTokenExchange")
    namespace = account.text("namespace")
    if wide:
        given["namespace"] = namespace or REPLACE.lower()
        if not namespace:
            notes.add("serviceAccountRef has no namespace: each namespace used its own account;")
            notes.add(f"make a KeyVault in each instead, or write one in place of {REPLACE}")
    return workload_identity(notes, account.text("name"), **given)


def _principal(azure: Source, tenant: str, wide: bool, notes: Notes) -> dict[str, Any]:
    credentials = azure.part("authSecretRef")
    where = _place(credentials, "clientId") if "clientId" in credentials else "the app"
    notes.add(f"clientId is no secret: write the value from {where} in place of {REPLACE}")
    if "tenantId" in credentials:
        notes.add(f"tenantId is no secret: write the value from {_place(credentials, 'tenantId')}")
        tenant = tenant or REPLACE
    principal: dict[str, Any] = {"clientId": REPLACE, **named({"tenantId": tenant})}
    for theirs, ours in (("clientSecret", "secretRef"), ("clientCertificate", "certificateRef")):
        if theirs in credentials:
            principal[ours] = _key_of(credentials.part(theirs), wide, notes)
    if not principal.keys() & {"secretRef", "certificateRef"}:
        notes.add(f"it names no client secret: write one in place of {REPLACE}")
        namespace = {"namespace": REPLACE.lower()} if wide else {}
        principal["secretRef"] = {"name": REPLACE.lower(), "key": REPLACE, **namespace}
    return principal


def _key_of(selector: Source, wide: bool, notes: Notes) -> dict[str, Any]:
    reference = {key: selector.text(key) or REPLACE.lower() for key in ("name", "key")}
    namespace = selector.text("namespace")
    if wide:
        reference["namespace"] = namespace or REPLACE.lower()
        if not namespace:
            notes.add("authSecretRef has no namespace: each namespace used its own Secret;")
            notes.add(f"make a KeyVault in each instead, or write one in place of {REPLACE}")
    return reference


def _place(credentials: Source, key: str) -> str:
    selector = credentials.part(key)
    name = "/".join(filter(None, (selector.text("namespace"), selector.text("name"))))
    return f"key {selector.text('key')} of Secret {name}"


def _other(azure: Source, spec: Source, notes: Notes) -> None:
    cloud = azure.text("environmentType")
    if cloud in ("AzureStackCloud", "GermanCloud") or "customCloudConfig" in azure:
        notes.add("another cloud's vaults need the controller's --vault-suffixes and, for the")
        notes.add("authority, AZURE_AUTHORITY_HOST; one with AD FS cannot be asked")
        azure.whole("customCloudConfig")
    azure.flag("useAzureSDK")  # how their client is built; ours has one way only
    if spec.word("refreshInterval") not in ("", "0"):
        notes.add("the store's refreshInterval only checked the store: a poll earns Ready here")
    if "retrySettings" in spec:
        spec.whole("retrySettings")
        notes.add(
            "retrySettings is not needed: a vault that throttles is left alone as long as it says"
        )
    if spec.text("controller"):
        notes.add("spec.controller has no match here: one controller serves every vault")


def _allow(source: Source, spec: Source, notes: Notes) -> list[dict[str, Any]]:
    if source.text("kind") != CLUSTER_STORE:
        namespace = source.part("metadata").text("namespace")
        if not namespace:
            notes.add(f"write the store's namespace in place of {REPLACE}")
        return [{"namespaces": [namespace or REPLACE.lower()], "objects": ["*"]}]
    allowed: list[dict[str, Any]] = []
    conditions = spec.parts("conditions")
    for condition in conditions:
        if condition.words("namespaceRegexes"):
            notes.add("conditions.namespaceRegexes has no match here: name these namespaces, or")
            notes.add("label them, in spec.allow; nothing is allowed to them until then")
        if condition.words("namespaces"):
            allowed.append({"namespaces": condition.words("namespaces"), "objects": ["*"]})
        if "namespaceSelector" in condition:
            selector = condition.whole("namespaceSelector")
            allowed.append({"namespaceSelector": selector, "objects": ["*"]})
    if not conditions:
        notes.add("this store was open to every namespace, and so is this: narrow spec.allow")
        allowed.append({"namespaceSelector": {}, "objects": ["*"]})
    notes.add("objects can be narrowed for each namespace, too: spec.allow[].objects")
    return allowed
