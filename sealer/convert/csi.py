"""The Secrets Store CSI driver's Azure provider: SecretProviderClass.

Source: azure.github.io/secrets-store-csi-driver-provider-azure/docs/getting-started/usage and its
Go code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.convert.result import (
    REPLACE,
    Converted,
    Notes,
    host_label,
    made,
    named,
    workload_identity,
)
from sealer.convert.source import Source
from sealer.errors import SealerError
from sealer.keyvault.address import CLOUDS
from sealer.keyvault.references import MAX_HISTORY, past_key
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT
from sealer.manifest import read_documents

_CLOUDS = {
    "": CLOUDS[0],
    "azurepubliccloud": CLOUDS[0],
    "azurecloud": CLOUDS[0],
    "azureusgovernmentcloud": CLOUDS[1],
    "azureusgovernment": CLOUDS[1],
    "azurechinacloud": CLOUDS[2],
}
_TYPES = {"secret": "secret", "key": "key", "cert": "certificate"}
_TLS = "kubernetes.io/tls"
# The driver's own list; all others become Opaque.
_SECRET_TYPES = (
    "Opaque",
    "bootstrap.kubernetes.io/token",
    "kubernetes.io/basic-auth",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/service-account-token",
    "kubernetes.io/ssh-auth",
    _TLS,
)
_Objects = Mapping[str, Source]


def provider_class(source: Source) -> list[Converted]:
    """A class becomes a vault and a KeyVaultSecret for each of its secretObjects."""
    spec = source.part("spec")
    if spec.text("provider") != "azure":
        title = f"SecretProviderClass {source.part('metadata').text('name')}"
        return [Converted({}, [f"{title} is not of the azure provider: nothing was made of it"])]
    notes = Notes()
    parameters = spec.part("parameters")
    objects = _objects(parameters, notes)
    shared = parameters.word("useVMManagedIdentity").lower() == "true"
    vault = _vault(source, parameters, notes, shared=shared)
    reference = {
        "name": vault.manifest["metadata"]["name"],
        "kind": CLUSTER_KEY_VAULT if shared else KEY_VAULT,
    }
    wanted = spec.parts("secretObjects")
    secrets = [made_of for one in wanted if (made_of := _secret(source, one, objects, reference))]
    lines = [line.text("objectName") for one in wanted for line in one.parts("data")]
    used = {name if name in objects else name.rpartition("/")[0] for name in lines}
    if not wanted and objects:
        secrets = [_all(source, objects, reference)]
    elif unused := [alias for alias in objects if alias not in used]:
        notes.add(f"only mounted as files, and in no Secret: {', '.join(unused)};")
        notes.add("write an entry for each that is needed, and mount the Secret")
    notes.add("nothing is mounted by a volume of the driver now: mount the Secret instead")
    notes.left(parameters.left("spec.parameters"))
    notes.left(name for name in spec.left("spec") if not name.startswith("spec.parameters"))
    return [vault, *secrets]


def _vault(source: Source, parameters: Source, notes: Notes, *, shared: bool) -> Converted:
    name = parameters.word("keyvaultName").strip('"')
    word = parameters.word("cloudName")
    cloud = _CLOUDS.get(word.lower())
    if cloud is None:
        notes.add(
            f"the cloud {word} needs the controller's --vault-suffixes: write the vault's URL"
        )
    if parameters.word("cloudEnvFileName"):
        notes.add("cloudEnvFileName has no match here: see --vault-suffixes, AZURE_AUTHORITY_HOST")
    suffix = cloud.suffix if cloud else REPLACE.lower()
    spec: dict[str, Any] = {"url": f"https://{host_label(name)}.{suffix}"}
    client = parameters.word("clientID")
    identity = parameters.word("userAssignedIdentityID")
    tenants = [parameters.word(key) for key in ("tenantID", "tenantId")]  # the first one wins
    tenant = tenants[0] or tenants[1]
    if shared:
        spec["auth"] = {"managedIdentity": named({"clientId": identity})}
        namespace = source.part("metadata").text("namespace")
        spec["allow"] = [{"namespaces": [namespace or REPLACE.lower()], "objects": ["*"]}]
        notes.add("the node's identity is shared: a ClusterKeyVault allows namespaces and objects")
        if not namespace:
            notes.add(f"write the namespace in place of {REPLACE}")
    else:
        notes.add("the pod's service account signed in: name it")
        spec["auth"] = workload_identity(notes, "", clientId=client, tenantId=tenant)
        if not client:
            notes.add(
                "if the volume had a nodePublishSecretRef: servicePrincipal, with the clientid"
            )
            notes.add("of that Secret, and secretRef: {name: THAT, key: clientsecret}")
    if parameters.word("usePodIdentity").lower() == "true":
        notes.add("usePodIdentity is retired: use workload identity")
    kind = CLUSTER_KEY_VAULT if shared else KEY_VAULT
    return made(kind, source, spec, notes, name=name, derived=True)


def _objects(parameters: Source, notes: Notes) -> dict[str, Source]:
    """The objects by the name that secretObjects call them: alias or name."""
    found: dict[str, Source] = {}
    text = parameters.text("objects")
    try:
        for piece in Source.of(_parsed(text)).whole("array") or ():
            item = Source.of(_parsed(piece) if isinstance(piece, str) else piece)
            name, alias = item.word("objectName"), item.word("objectAlias")
            item.done()
            found[alias or name] = item
    except (SealerError, TypeError):
        parameters.fault("is no list of objects that can be read", "objects", "see its indentation")
        return {}
    if not found:
        notes.add("it has no objects: nothing but the vault was made of it")
    return found


def _parsed(text: str) -> Any:
    documents = [one for one in read_documents(text, "objects") if not one.is_empty]
    return documents[0].value if documents else {}


def _source(item: Source, notes: Notes, key: str = "") -> dict[str, Any]:
    """``from`` for an object; ``key`` is the key of a kubernetes.io/tls Secret."""
    name = item.word("objectName")
    word = item.word("objectType") or "secret"
    kind = _TYPES.get(word, "secret")
    if word not in _TYPES:
        notes.add(f"the objectType {word} of {name} is none of the provider's")
    form, encoding = item.word("objectFormat").lower(), item.word("objectEncoding").lower()
    source: dict[str, Any] = {kind: name}
    if item.word("objectVersion") not in ("", "latest"):
        source["version"] = item.word("objectVersion")
    if kind == "certificate":
        source["as"] = "Leaf"
    elif kind == "secret" and key == "tls.key" and form != "pfx" and not encoding.strip("utf-8"):
        notes.add(f"if {name} is no certificate, but a key in PEM: from: {{secret: {name}}}")
        source = {"certificate": name, **named({"version": source.get("version")}), "as": "Key"}
    elif kind == "secret" and form in ("pem", "pfx") and (form == "pem" or encoding == "base64"):
        source = {"certificate": name, **named({"version": source.get("version")})}
        source["as"] = form.upper()
        notes.add(f"objectFormat tells that {name} is a certificate: its entry is one")
    elif encoding in ("base64", "hex"):
        source["decode"] = encoding.capitalize()
    elif kind == "secret" and form != "pfx":
        notes.add("a secret that belongs to a certificate came as PEM: for such a one write")
        notes.add("from: {certificate: NAME, as: PEM}")
    if item.word("filePermission"):
        notes.add(f"filePermission of {name} has no match here: see defaultMode of the volume")
    notes.left(item.left(f"objects[{name}]"))
    return source


def _version_of(alias: str, objects: _Objects) -> tuple[str, int]:
    """An object and how far back; with a history its versions are files of a folder, from 0 on."""
    base, _, number = alias.rpartition("/")
    if alias in objects or not number.isdigit() or base not in objects:
        return alias, 0
    return base, int(number)


def _history(item: Source, source: dict[str, Any], notes: Notes) -> int:
    """How many versions before the newest there were; the provider counts that, too."""
    word, name = item.word("objectVersionHistory"), item.word("objectName")
    before = int(word) - 1 if word.isascii() and word.isdigit() and len(word) < 4 else 0
    if before > 0 and ("key" in source or "version" in source):
        notes.add(f"objectVersionHistory of {name} has no match here: pin versions, a key each")
        return 0
    if before > MAX_HISTORY:
        notes.add(f"{MAX_HISTORY} versions before the newest of {name} are the most there can be")
    return max(0, min(before, MAX_HISTORY))


def _secret(
    source: Source, wanted: Source, objects: _Objects, vault: dict[str, Any]
) -> Converted | None:
    notes = Notes()
    lines = {line.text("key"): line.text("objectName") for line in wanted.parts("data")}
    kind = wanted.text("type")
    if kind and kind not in _SECRET_TYPES:
        notes.add(f"the driver knew no type {kind} and made Opaque of it")
        kind = "Opaque"
    data: list[dict[str, Any]] = []
    if kind == _TLS:
        data += _tls(lines, objects, notes)
    for key, alias in lines.items():
        if data and "tls" in data[0] and key in ("tls.crt", "tls.key"):
            continue
        base, back = _version_of(alias, objects)
        item = objects.get(base)
        if item is None:
            notes.add(f"{alias} is not among the objects: nothing fills the key {key}")
            continue
        made_of = _source(item, notes, key if kind == _TLS else "")
        before = _history(item, made_of, notes)
        if back and before:
            made_of["history"] = before
            notes.add(f"{key} was {alias}: here that version is {past_key(key, back)}, beside the")
            notes.add(f"newest as {key}")
        data.append({"key": key or REPLACE, "from": made_of})
    if data and "tls" in data[0] and "ca.crt" in lines:
        notes.add(f"ca.crt is the root of the chain here, and not {lines['ca.crt']}")
        data = [one for one in data if one.get("key") != "ca.crt"]
    target = named({"type": kind})
    target |= named({each: wanted.texts(each) for each in ("labels", "annotations")})
    name = wanted.text("secretName")
    if not data:
        return Converted({}, [f"nothing was made of the Secret {name}", *notes.lines])
    spec = {"vaultRef": vault, "data": data, **named({"target": target})}
    return made("KeyVaultSecret", source, spec, notes, name=name)


def _tls(lines: Mapping[str, str], objects: _Objects, notes: Notes) -> list[dict[str, Any]]:
    """One ``tls`` entry where certificate and key are one object of the vault."""
    pair = [objects.get(lines.get(key, "")) for key in ("tls.crt", "tls.key")]
    crt, key = pair
    if crt is None or key is None:
        return []
    if key.word("objectType") == "cert":
        notes.add("an object of type cert has no private key: here the pair of that certificate is")
        notes.add("fetched, which its secret holds")
    names = {(one.word("objectName").lower(), one.word("objectVersion")) for one in (crt, key)}
    if len(names) > 1:
        return []
    for one in (crt, key):
        _source(one, Notes())  # read it
    version = key.word("objectVersion").replace("latest", "")
    entry = named({"certificate": key.word("objectName"), "version": version})
    if (crt.word("objectType"), key.word("objectType")) == ("cert", "secret"):
        entry["chain"] = "LeafOnly"
        notes.add("tls.crt was the certificate alone; chain: Full adds the intermediates")
    return [{"tls": entry}]


def _all(source: Source, objects: _Objects, vault: dict[str, Any]) -> Converted:
    notes = Notes()
    notes.add("the class only mounted files: mount this Secret where the volume was")
    data = []
    for alias, item in objects.items():
        made_of = _source(item, notes)
        before = _history(item, made_of, notes)
        if before:
            made_of["history"] = before
            notes.add(f"the files {alias}/0, {alias}/1 are the keys {alias}, {past_key(alias, 1)}")
        data.append({"key": alias, "from": made_of})
    return made("KeyVaultSecret", source, {"vaultRef": vault, "data": data}, notes)
