"""The Secrets Store CSI driver's Azure provider: SecretProviderClass.

Source: azure.github.io/secrets-store-csi-driver-provider-azure/docs/getting-started/usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.convert.result import REPLACE, Converted, Notes, made, workload_identity
from sealer.errors import SealerError
from sealer.keyvault.address import CLOUDS
from sealer.manifest import read_documents

Manifest = Mapping[str, Any]
_CLOUDS = {
    "": CLOUDS[0],
    "AzurePublicCloud": CLOUDS[0],
    "AzureUSGovernmentCloud": CLOUDS[1],
    "AzureChinaCloud": CLOUDS[2],
}
_TYPES = {"secret": "secret", "key": "key", "cert": "certificate"}


def provider_class(source: Manifest) -> list[Converted]:
    """A class becomes a vault and a KeyVaultSecret for each of its secretObjects."""
    notes = Notes()
    spec = source.get("spec") or {}
    if spec.get("provider") != "azure":
        notes.add("this class is not of the azure provider: nothing was made of it")
        return [Converted({}, tuple(notes.lines))]
    parameters = spec.get("parameters") or {}
    name = str(parameters.get("keyvaultName", REPLACE)).strip('"')
    cluster = str(parameters.get("useVMManagedIdentity", "")).lower() == "true"
    vault = _vault(source, parameters, name, cluster, notes)
    kind = "ClusterKeyVault" if cluster else "KeyVault"
    objects = _objects(parameters.get("objects"), notes)
    reference = {"name": name, "kind": kind}
    wanted = spec.get("secretObjects") or ()
    secrets = [_secret(source, one, objects, reference) for one in wanted]
    if not wanted:
        secrets = [_all(source, objects, reference)]
    return [vault, *secrets]


def _vault(
    source: Manifest, parameters: Manifest, name: str, cluster: bool, notes: Notes
) -> Converted:
    cloud = _CLOUDS.get(str(parameters.get("cloudName", "")))
    if cloud is None:
        notes.add(f"the cloud {parameters['cloudName']} is not known: see --vault-suffixes")
    suffix = cloud.suffix if cloud else REPLACE.lower()
    client = parameters.get("clientID") or ""
    spec: dict[str, Any] = {"url": f"https://{name}.{suffix}"}
    if cluster:
        identity = parameters.get("userAssignedIdentityID")
        spec["auth"] = {"managedIdentity": {"clientId": identity} if identity else {}}
        namespace = (source.get("metadata") or {}).get("namespace") or REPLACE
        spec["allow"] = [{"namespaces": [namespace], "objects": ["*"]}]
        notes.add("the node's identity is shared: a ClusterKeyVault allows namespaces and objects")
    else:
        notes.add("the pod's service account signed in: name it")
        tenant = parameters.get("tenantId") or parameters.get("tenantID")
        spec["auth"] = workload_identity(notes, "", clientId=client, tenantId=tenant)
    if str(parameters.get("usePodIdentity", "")).lower() == "true":
        notes.add("usePodIdentity is retired: use workload identity")
    return made("ClusterKeyVault" if cluster else "KeyVault", source, spec, notes, name)


def _objects(text: Any, notes: Notes) -> dict[str, Manifest]:
    """The objects by the name that secretObjects call them: alias or name."""
    found: dict[str, Manifest] = {}
    try:
        for piece in _parsed(str(text or "")).get("array") or ():
            item = _parsed(piece) if isinstance(piece, str) else piece
            name = str(item.get("objectName", REPLACE))
            found[str(item.get("objectAlias") or name)] = item
    except (SealerError, AttributeError):
        notes.add("parameters.objects cannot be read: no entry was made")
    return found


def _parsed(text: str) -> Any:
    documents = [one for one in read_documents(text, "objects") if not one.is_empty]
    return documents[0].value if documents else {}


def _source(item: Manifest, notes: Notes) -> dict[str, Any]:
    kind = _TYPES.get(str(item.get("objectType", "secret")), "secret")
    source: dict[str, Any] = {kind: item.get("objectName", REPLACE)}
    if item.get("objectVersion"):
        source["version"] = item["objectVersion"]
    encoding = str(item.get("objectEncoding", "")).lower()
    if encoding in ("base64", "hex"):
        source["decode"] = encoding.capitalize()
    if kind == "certificate":
        source["as"] = "Leaf"
    if str(item.get("objectFormat", "")).lower() == "pfx":
        source = {"certificate": item.get("objectName", REPLACE), "as": "PFX"}
    if str(item.get("objectVersionHistory", "0")) not in ("", "0", "1"):
        notes.add(f"objectVersionHistory of {item.get('objectName')} has no match: pin versions")
    return source


def _secret(
    source: Manifest, wanted: Manifest, objects: Mapping[str, Manifest], vault: dict[str, Any]
) -> Converted:
    notes = Notes()
    lines = wanted.get("data") or ()
    names = {line.get("key"): line.get("objectName") for line in lines}
    data: list[dict[str, Any]] = []
    if wanted.get("type") == "kubernetes.io/tls" and names.get("tls.crt") == names.get("tls.key"):
        item = objects.get(str(names["tls.crt"]), {})
        data.append({"tls": {"certificate": item.get("objectName", names["tls.crt"])}})
    else:
        for line in lines:
            item = objects.get(str(line.get("objectName")), {"objectName": line.get("objectName")})
            data.append({"key": line.get("key", REPLACE), "from": _source(item, notes)})
    target = {key: wanted[key] for key in ("type", "labels", "annotations") if wanted.get(key)}
    spec = {"vaultRef": vault, "data": data, **({"target": target} if target else {})}
    return made("KeyVaultSecret", source, spec, notes, wanted.get("secretName", ""))


def _all(source: Manifest, objects: Mapping[str, Manifest], vault: dict[str, Any]) -> Converted:
    notes = Notes()
    notes.add("the class only mounted files: mount this Secret where the volume was")
    data = [{"key": alias, "from": _source(item, notes)} for alias, item in objects.items()]
    return made("KeyVaultSecret", source, {"vaultRef": vault, "data": data}, notes)
