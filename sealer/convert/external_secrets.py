"""External Secrets Operator: SecretStore, ClusterSecretStore (azurekv) and ExternalSecret.

Source: external-secrets.io/latest/api/spec and the azurekv provider's page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sealer.convert.result import REPLACE, Converted, Notes, made, workload_identity

Manifest = Mapping[str, Any]
_DELETION = {"Retain": "Keep", "Delete": "DeleteSecret", "Merge": "RemoveKey"}
_DECODING = {"None": None, "Base64": "Base64", "Base64URL": "Base64URL"}


def store(source: Manifest) -> list[Converted]:
    """A store becomes a vault; a store that is not Azure's becomes a note."""
    notes = Notes()
    spec = source.get("spec") or {}
    azure = (spec.get("provider") or {}).get("azurekv")
    if not azure:
        notes.add("this store is not of Azure Key Vault: nothing was made of it")
        return [Converted({}, tuple(notes.lines))]
    cluster = source.get("kind") == "ClusterSecretStore"
    auth_type = azure.get("authType") or "ServicePrincipal"
    if auth_type == "ManagedIdentity" and not cluster:
        notes.add("managedIdentity is the node's, so it needs a ClusterKeyVault that allows this")
        notes.add("namespace; change vaultRef.kind of what refers to it")
        cluster = True
    auth = _auth(azure, auth_type, cluster, notes)
    made_spec: dict[str, Any] = {
        "url": str(azure.get("vaultUrl", REPLACE)).rstrip("/"),
        "auth": auth,
    }
    if cluster:
        made_spec["allow"] = _allow(source, spec, notes)
    if spec.get("refreshInterval"):
        made_spec["poll"] = {"interval": f"{spec['refreshInterval']}s"}
    known = ("vaultUrl", "tenantId", "authType", "authSecretRef", "serviceAccountRef")
    notes.unknown("azurekv", azure, *known, "identityId", "environmentType")
    return [made("ClusterKeyVault" if cluster else "KeyVault", source, made_spec, notes)]


def _auth(azure: Manifest, auth_type: str, cluster: bool, notes: Notes) -> dict[str, Any]:
    tenant = azure.get("tenantId")
    if auth_type == "ManagedIdentity":
        client = azure.get("identityId")
        return {"managedIdentity": {"clientId": client} if client else {}}
    if auth_type == "WorkloadIdentity":
        account = azure.get("serviceAccountRef") or {}
        if not account and cluster:
            if tenant:
                notes.add(f"tenantId {tenant} is the controller's own setting here")
            return {"controllerIdentity": {}}
        more = {"namespace": account.get("namespace") or REPLACE} if cluster else {}
        return workload_identity(notes, account.get("name", ""), tenantId=tenant, **more)
    secrets = azure.get("authSecretRef") or {}
    client = secrets.get("clientId") or {}
    where = f"key {client.get('key')} of Secret {client.get('name')}" if client else "the app"
    notes.add(f"clientId is no secret: write the value from {where} in place of {REPLACE}")
    principal: dict[str, Any] = {"clientId": REPLACE, **({"tenantId": tenant} if tenant else {})}
    for theirs, ours in (("clientSecret", "secretRef"), ("clientCertificate", "certificateRef")):
        if secrets.get(theirs):
            kept = ("name", "key", "namespace") if cluster else ("name", "key")
            principal[ours] = {key: secrets[theirs][key] for key in kept if key in secrets[theirs]}
    return {"servicePrincipal": principal}


def _allow(source: Manifest, spec: Manifest, notes: Notes) -> list[dict[str, Any]]:
    allowed: list[dict[str, Any]] = []
    for condition in spec.get("conditions") or ():
        if condition.get("namespaceRegexes"):
            notes.add("conditions.namespaceRegexes has no match here: list namespaces or labels")
        allowed.extend(
            {key: condition[key], "objects": ["*"]}
            for key in ("namespaces", "namespaceSelector")
            if condition.get(key) is not None
        )
    namespace = (source.get("metadata") or {}).get("namespace")
    if source.get("kind") == "SecretStore":
        return [{"namespaces": [namespace or REPLACE], "objects": ["*"]}]
    if not allowed:
        notes.add("this store was open to every namespace, and so is this: narrow spec.allow")
        allowed.append({"namespaceSelector": {}, "objects": ["*"]})
    notes.add("objects can be narrowed for each namespace, too: spec.allow[].objects")
    return allowed


def external_secret(source: Manifest) -> list[Converted]:
    """An ExternalSecret becomes a KeyVaultSecret."""
    notes = Notes()
    spec = source.get("spec") or {}
    reference = spec.get("secretStoreRef") or {}
    kinds = {"ClusterSecretStore": "ClusterKeyVault"}
    kind = kinds.get(reference.get("kind", ""), "KeyVault")
    made_spec: dict[str, Any] = {
        "vaultRef": {"name": reference.get("name", REPLACE), "kind": kind},
        "data": [_value(one, notes) for one in spec.get("data") or ()],
    }
    for one in spec.get("dataFrom") or ():
        made_spec["data"].append(_set(one, notes))
    target = spec.get("target") or {}
    made_spec |= _target(target, notes)
    _template(target.get("template"), made_spec, notes)
    if target.get("deletionPolicy") in _DELETION:
        made_spec["onVaultDelete"] = _DELETION[target["deletionPolicy"]]
    policy, interval = spec.get("refreshPolicy"), str(spec.get("refreshInterval", ""))
    if policy == "CreatedOnce" or interval in ("0", "0s"):
        made_spec["refresh"] = "Once"
    elif policy == "OnChange":
        made_spec["refresh"] = "OnChange"
    elif interval:
        notes.add(f"refreshInterval {interval} belongs to the vault here: spec.poll.interval")
    known = ("secretStoreRef", "data", "dataFrom", "target", "refreshInterval", "refreshPolicy")
    notes.unknown("spec", spec, *known)
    return [made("KeyVaultSecret", source, made_spec, notes)]


def _object(remote: Manifest, notes: Notes) -> tuple[str, str]:
    """Type and name: External Secrets puts the type before the name."""
    prefix, slash, name = str(remote.get("key", "")).partition("/")
    if not slash:
        return "secret", prefix
    kinds = {"secret": "secret", "cert": "certificate", "key": "key"}
    if prefix not in kinds:
        notes.add(f"the type {prefix} of {remote.get('key')} is not known")
    return kinds.get(prefix, "secret"), name


def _value(entry: Manifest, notes: Notes) -> dict[str, Any]:
    remote = entry.get("remoteRef") or {}
    kind, name = _object(remote, notes)
    source: dict[str, Any] = {kind: name}
    for field in ("version", "property"):
        if remote.get(field):
            source[field] = remote[field]
    if re.search(r"[#|@*?]", str(remote.get("property", ""))):
        notes.add(f"the property of {name} is a gjson query: here it is a dotted path")
    if kind == "certificate":
        source["as"] = "Leaf"
        notes.add(f"cert/{name} gave DER without its key, this gives PEM; or use a tls entry")
    decoding = remote.get("decodingStrategy")
    if decoding == "Auto":
        notes.add(f"decodingStrategy Auto of {name} guesses: say decode: Base64 if it is")
    elif _DECODING.get(decoding or "None"):
        source["decode"] = decoding
    if remote.get("metadataPolicy") == "Fetch":
        notes.add(f"metadataPolicy Fetch of {name} has no match here")
    return {"key": entry.get("secretKey", REPLACE), "from": source}


def _set(entry: Manifest, notes: Notes) -> dict[str, Any]:
    if entry.get("extract"):
        _, name = _object(entry["extract"], notes)
        if entry.get("rewrite"):
            notes.add(f"rewrite of extract {name} has no match here")
        return {"expand": {"secret": name}}
    find = entry.get("find") or {}
    made_find: dict[str, Any] = {}
    pattern = (find.get("name") or {}).get("regexp")
    if pattern:
        made_find["regex"] = _whole(pattern)
    if find.get("tags"):
        made_find["tags"] = find["tags"]
    if find.get("path"):
        notes.add("find.path has no match here: vaults have no folders")
    for rewrite in entry.get("rewrite") or ():
        step = rewrite.get("regexp")
        if not step:
            notes.add("a rewrite that is no regexp has no match here")
            continue
        rename = {"regex": step.get("source", "").strip("^$"), "to": step.get("target", "")}
        notes.add("rename must match the whole name here")
        made_find.setdefault("rename", []).append(rename)
    if not made_find:
        notes.add("an entry of dataFrom was not understood")
        made_find["name"] = REPLACE
    return {"find": made_find}


def _whole(pattern: str) -> str:
    """Our patterns match the whole name, theirs any part of it."""
    head = "" if pattern.startswith("^") else ".*"
    tail = "" if pattern.endswith("$") else ".*"
    body = pattern.removeprefix("^").removesuffix("$")
    return f"{head}(?:{body}){tail}" if head or tail else body


def _target(target: Manifest, notes: Notes) -> dict[str, Any]:
    ours = {key: target[key] for key in ("name", "immutable") if target.get(key) is not None}
    creation = target.get("creationPolicy")
    if creation in ("Orphan", "Merge"):
        ours["creation"] = creation
    elif creation == "None":
        notes.add("creationPolicy None has no match here")
    return {"target": ours} if ours else {}


def _template(template: Any, spec: dict[str, Any], notes: Notes) -> None:
    if not template:
        return
    ours: dict[str, Any] = {}
    for key in ("metadata", "type", "data"):
        if template.get(key):
            ours[key] = template[key]
    if template.get("data") and template.get("mergePolicy") != "Merge":
        raw = [one["key"] for one in spec["data"] if "key" in one]
        omit = [key for key in raw if key not in template["data"]]
        if omit:
            ours["omit"] = omit
        if len(raw) != len(spec["data"]):
            notes.add("keys of expand and find stay beside the template's: name them in omit")
    if template.get("templateFrom"):
        notes.add("template.templateFrom has no match here: write the templates into data")
    if ours.get("data"):
        notes.add("templates run on the SealedSecret's engine: run seal vault check")
    spec["template"] = ours
