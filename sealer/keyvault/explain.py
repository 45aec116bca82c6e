"""What a KeyVaultSecret will do, in words: what is fetched, as whom, and how to grant that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from sealer import duration
from sealer.keyvault.address import AddressError, parse
from sealer.keyvault.references import (
    CERTIFICATE,
    KEY,
    Entry,
    ExpandEntry,
    FindEntry,
    TlsEntry,
    past_key,
)
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import USE_LABEL, Auth, VaultResource

SECRETS_ROLE = "Key Vault Secrets User"
# Reading a key gives its public half only; "Key Vault Crypto User" would let it sign and decrypt.
KEYS_ROLE = "Key Vault Reader"
_REFRESH = {
    "Periodic": "whenever the vault has something new",
    "Once": "once, and never again",
    "OnChange": "when this resource changes",
}
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
    yield f"  refresh: {_REFRESH[secret.refresh]}{when if secret.refresh == 'Periodic' else ''}"
    if vault is None:
        yield "  its vault is not among the files: add it to see identity and roles"


def explain_vault(vault: VaultResource, secrets: Sequence[KeyVaultSecret]) -> Iterator[str]:
    """Yield who asks this vault on behalf of these, and how to let it; for none, of secrets."""
    yield f"{vault.title}, {vault.url}"
    entries = [entry for secret in secrets for entry in secret.entries]
    types = {"secret" if isinstance(one, FindEntry) else one.ref.type for one in entries}
    if CERTIFICATE in types:
        yield "  a certificate and its private key are read as the secret of its name"
    yield from identity(vault, secrets=types != {KEY}, keys=KEY in types)


def identity(vault: VaultResource, *, secrets: bool = True, keys: bool = False) -> Iterator[str]:
    """Yield who asks this vault, and the commands that let it.

    The commands can be pasted: what only the reader knows is a shell variable.
    """
    auth = vault.auth
    yield f"  identity: {_who(vault, auth)}"
    yield from _cloud(vault.url)
    yield from _variables(vault, auth)
    client = quote(auth.client_id) if auth.client_id else '"$CLIENT_ID"'
    name = quote(vault.url.removeprefix("https://").split(".")[0])
    for needed, role in ((secrets, SECRETS_ROLE), (keys, KEYS_ROLE)):
        if needed:
            yield f'  it needs the role "{role}" on the vault {name}:'
            yield f'    az role assignment create --role "{role}" --assignee {client} \\'
            yield f'      --scope "$(az keyvault show --name {name} --query id --output tsv)"'
    permissions = " --secret-permissions get list" * secrets + " --key-permissions get" * keys
    yield "  or, where the vault has access policies in place of roles:"
    yield f"    az keyvault set-policy --name {name} --spn {client}{permissions}"
    if auth.kind == "workloadIdentity":
        yield from _federation(vault, auth)


def _variables(vault: VaultResource, auth: Auth) -> Iterator[str]:
    """What the commands below need to be told, and how to find it."""
    if auth.kind == "controllerIdentity":
        yield "  set CLIENT_ID first: the chart's keyVault.workloadIdentity.clientId"
    elif auth.kind == "workloadIdentity":
        space = "" if _space(vault) else "NAMESPACE, "
        yield f"  set {space}IDENTITY (a user-assigned managed identity), GROUP (its resource"
        yield "  group), CLUSTER and CLUSTER_GROUP first"
        if not auth.client_id:
            yield '    CLIENT_ID="$(az identity show --name "$IDENTITY" \\'
            yield '      --resource-group "$GROUP" --query clientId --output tsv)"'
    elif auth.kind == "managedIdentity" and not auth.client_id:
        yield "  set CLUSTER and CLUSTER_GROUP first; on AKS it is the kubelet's identity:"
        yield '    CLIENT_ID="$(az aks show --name "$CLUSTER" --resource-group "$CLUSTER_GROUP" \\'
        yield '      --query identityProfile.kubeletidentity.clientId --output tsv)"'


def _federation(vault: VaultResource, auth: Auth) -> Iterator[str]:
    space, account = _space(vault), quote(auth.service_account)
    subject = f"system:serviceaccount:{space or '$NAMESPACE'}:{auth.service_account}"
    subject = quote(subject) if space else f'"{subject}"'
    where = f"--namespace {quote(space)}" if space else '--namespace "$NAMESPACE"'
    yield "  Entra must trust the service account:"
    yield "    az identity federated-credential create --name sealer \\"
    yield '      --identity-name "$IDENTITY" --resource-group "$GROUP" \\'
    yield '      --issuer "$(az aks show --name "$CLUSTER" --resource-group "$CLUSTER_GROUP" \\'
    yield '        --query oidcIssuerProfile.issuerUrl --output tsv)" \\'
    yield f"      --subject {subject} --audiences {AUDIENCE}"
    yield f"    kubectl {where} label serviceaccount {account} {USE_LABEL}=true"
    if not auth.client_id:
        yield f"    kubectl {where} annotate serviceaccount {account} \\"
        yield '      azure.workload.identity/client-id="$CLIENT_ID"'


def _space(vault: VaultResource) -> str:
    """Where the service account is, if the manifest says so."""
    return vault.namespace or vault.auth.namespace


def _cloud(url: str) -> Iterator[str]:
    try:
        cloud = parse(url).cloud
    except AddressError as error:
        yield f"  {error.message}"
        return
    if cloud is not None and cloud.name != "AzureCloud":
        yield f"  the vault is in another cloud: az cloud set --name {cloud.name}"


def _who(vault: VaultResource, auth: Auth) -> str:
    if auth.kind == "workloadIdentity":
        account = f"{_space(vault)}/{auth.service_account}".lstrip("/")
        return f"service account {account}, federated with Entra"
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
    if isinstance(entry, FindEntry):
        return _found(entry)
    optional = " (optional)" if entry.optional else ""
    if isinstance(entry, TlsEntry):
        return f"tls.crt, tls.key, ca.crt: the {entry.ref}, chain {entry.chain}{optional}"
    if isinstance(entry, ExpandEntry):
        fields = f"each top-level field of the {entry.format} in the {entry.ref}"
        return fields + _renamed(entry) + optional
    words = f"{entry.key}: the {entry.ref}"
    if entry.property:
        words += f", its property {entry.property}"
    if entry.form:
        words += f", as {entry.form}"
    if entry.decode != "None":
        words += f", decoded from {entry.decode}"
    if entry.history:
        last = past_key(entry.key, entry.history)
        words += f", and {entry.history} versions before it as {past_key(entry.key, 1)} to {last}"
    return words + optional


def _found(entry: FindEntry) -> str:
    words = f"all secrets whose names match {entry.regex}" if entry.regex else "all secrets"
    if entry.glob:
        words = f"all secrets named {entry.glob}"
    if entry.tags:
        words += " with tags " + ", ".join(f"{key}={value}" for key, value in entry.tags)
    return f"{words}{_renamed(entry)}; not those of certificates"


def _renamed(entry: FindEntry | ExpandEntry) -> str:
    words = "".join(f", {step.regex} renamed to {step.to}" for step in entry.rename)
    case = {
        "Env": ", in the case of variables: MY_NAME",
        "Key": ", _ for what no key may have",
    }
    return words + case.get(entry.case, "")


def _creation(secret: KeyVaultSecret) -> str:
    return {
        "Owner": "made by it, and deleted with it",
        "Orphan": "made by it, and left behind when it is deleted",
        "Merge": "must exist; its keys are added, and taken out when it is deleted",
    }[secret.target.creation]


def _deletion(secret: KeyVaultSecret) -> str:
    policy = secret.on_vault_delete
    if policy == "Keep":
        return "the Secret stays as it was, optional and found keys too"
    if policy == "RemoveKey":
        words = "the key is removed, after two polls"
        tls = any(isinstance(entry, TlsEntry) for entry in secret.entries)
        return f"{words}; those of tls stay, since a Secret of its type needs them" * tls or words
    if secret.target.creation == "Merge":
        return "all keys that it added are taken out, after two polls; the Secret is not its own"
    return "the Secret is deleted, after two polls"
