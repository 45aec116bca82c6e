"""What a KeyVaultSecret will do, in words: what is fetched, as whom, and how to grant that."""

from __future__ import annotations

from collections.abc import Iterator

from sealer.keyvault import duration
from sealer.keyvault.address import AddressError, parse
from sealer.keyvault.references import (
    KEY,
    Entry,
    ExpandEntry,
    FindEntry,
    KeyEntry,
    TlsEntry,
)
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import USE_LABEL, Auth, VaultResource

SECRETS_ROLE = "Key Vault Secrets User"
KEYS_ROLE = "Key Vault Crypto User"
AUDIENCE = "api://AzureADTokenExchange"


def explain(secret: KeyVaultSecret, vault: VaultResource | None) -> Iterator[str]:
    """Yield lines; ``vault`` is the one it refers to, where its manifest is known."""
    target = f"{secret.namespace}/{secret.target.name}".lstrip("/")
    yield f"KeyVaultSecret {secret.key.lstrip('/')} fills the Secret {target}"
    yield f"  from {secret.vault_kind} {secret.vault_name}" + (f", {vault.url}" if vault else "")
    for entry in secret.entries:
        yield f"  - {_entry(entry)}"
    for key, text in secret.template.data.items():
        yield f"  - {key}: " + ("left out" if text is None else "rendered from a template")
    if secret.omit:
        yield f"  left out: {', '.join(secret.omit)}"
    yield f"  target: {_creation(secret)}"
    yield f"  when an object is gone from the vault: {_deletion(secret)}"
    when = "" if vault is None else f", looked at every {duration.words(vault.interval)}"
    yield f"  refresh: {secret.refresh}{when}"
    if vault is None:
        yield "  its vault is not among the files: add it to see identity and roles"
        return
    needs_keys = any(isinstance(one, KeyEntry) and one.ref.type == KEY for one in secret.entries)
    needs_secrets = any(
        not isinstance(one, KeyEntry) or one.ref.type != KEY for one in secret.entries
    )
    yield from identity(vault, secrets=needs_secrets, keys=needs_keys)


def identity(vault: VaultResource, *, secrets: bool = True, keys: bool = False) -> Iterator[str]:
    """Yield who asks this vault, and the commands that let it."""
    auth = vault.auth
    yield f"  identity: {_who(vault, auth)}"
    client = auth.client_id or "<client-id>"
    name = vault.url.removeprefix("https://").split(".")[0]
    yield from _cloud(vault.url)
    for needed, role in ((secrets, SECRETS_ROLE), (keys, KEYS_ROLE)):
        if needed:
            yield f'  it needs the role "{role}" on the vault {name}:'
            yield f'    az role assignment create --role "{role}" --assignee {client} \\'
            yield f'      --scope "$(az keyvault show --name {name} --query id --output tsv)"'
    if auth.kind == "workloadIdentity":
        namespace = vault.namespace or auth.namespace
        yield "  Entra must trust the service account:"
        yield "    az identity federated-credential create --name sealer \\"
        yield "      --identity-name <identity> --resource-group <group> \\"
        yield "      --issuer <the cluster's OIDC issuer> \\"
        yield f"      --subject system:serviceaccount:{namespace}:{auth.service_account} \\"
        yield f"      --audiences {AUDIENCE}"
        account = f"serviceaccount {auth.service_account}"
        yield f"    kubectl --namespace {namespace} label {account} {USE_LABEL}=true"
        if not auth.client_id:
            yield f"    kubectl --namespace {namespace} annotate {account} \\"
            yield "      azure.workload.identity/client-id=<client-id>"


def _cloud(url: str) -> Iterator[str]:
    try:
        cloud = parse(url).cloud
    except AddressError as error:
        yield f"  {error.message}"
        return
    if cloud is not None and cloud.name != "AzureCloud":
        yield f"  the vault is in another cloud: az cloud set --name {cloud.name}"


def _who(vault: VaultResource, auth: Auth) -> str:
    where = vault.namespace or auth.namespace
    if auth.kind == "workloadIdentity":
        return f"service account {where}/{auth.service_account}, federated with Entra"
    if auth.kind == "managedIdentity":
        return f"managed identity {auth.client_id or 'assigned to the node'}"
    if auth.kind == "controllerIdentity":
        return "the controller's own federated identity"
    reference = auth.secret or auth.certificate
    place = f"{vault.namespace or (reference.namespace if reference else '')}"
    what = "client secret" if auth.secret else "certificate"
    held = f"{place}/{reference.name}" if reference else "?"
    return f"service principal {auth.client_id}, its {what} in Secret {held}"


def _entry(entry: Entry) -> str:
    if isinstance(entry, TlsEntry):
        return f"tls.crt, tls.key, ca.crt: the {entry.ref}, chain {entry.chain}"
    if isinstance(entry, ExpandEntry):
        return f"each top-level field of the {entry.format} in the {entry.ref}"
    if isinstance(entry, FindEntry):
        which = entry.glob or entry.regex or "*"
        tags = ", ".join(f"{key}={value}" for key, value in entry.tags)
        return f"all secrets named {which}" + (f" with tags {tags}" if tags else "")
    words = f"{entry.key}: the {entry.ref}"
    if entry.property:
        words += f", its property {entry.property}"
    if entry.form:
        words += f", as {entry.form}"
    if entry.decode != "None":
        words += f", decoded from {entry.decode}"
    return words + (" (optional)" if entry.optional else "")


def _creation(secret: KeyVaultSecret) -> str:
    return {
        "Owner": "made by it, and deleted with it",
        "Orphan": "made by it, and left behind when it is deleted",
        "Merge": "must exist; its keys are added, and taken out when it is deleted",
    }[secret.target.creation]


def _deletion(secret: KeyVaultSecret) -> str:
    return {
        "Keep": "the key stays as it was",
        "RemoveKey": "the key is removed, after two polls",
        "DeleteSecret": "the Secret is deleted, after two polls",
    }[secret.on_vault_delete]
