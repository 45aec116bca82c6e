"""akv2k8s: AzureKeyVaultSecret.

Source: akv2k8s.io/reference/azure-key-vault-secret and its controller's Go code.
"""

from __future__ import annotations

from typing import Any

from sealer.convert.result import (
    REPLACE,
    Converted,
    Notes,
    copied,
    host_label,
    made,
    named,
    workload_identity,
)
from sealer.convert.source import Source

_TLS = "kubernetes.io/tls"
# Types whose key the type tells, and dataKey does not.
_KEYS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/ssh-auth": "ssh-privatekey",
}
_STEPS = {"trim": "trim", "base64decode": "b64dec", "base64encode": "b64enc"}
_BASIC = "kubernetes.io/basic-auth"


def vault_secret(source: Source) -> list[Converted]:
    """It becomes a KeyVault (the same for all of one vault) and a KeyVaultSecret."""
    spec = source.part("spec")
    vault = spec.part("vault")
    name = vault.text("name")
    vault_notes, notes = Notes(), Notes()
    vault_notes.add("akv2k8s had one identity for all: give each namespace its own")
    auth = workload_identity(vault_notes)
    url = f"https://{host_label(name)}.vault.azure.net"
    made_spec = {"url": url, "auth": auth}
    made_vault = made("KeyVault", source, made_spec, vault_notes, name=name, derived=True)
    output = spec.part("output")
    wanted = output.part("secret")
    if "configMap" in output:
        config = output.part("configMap")
        place = f"the ConfigMap {config.text('name')}, key {config.text('dataKey')}"
        if wanted:
            notes.add(f"output.configMap has no match here: {place}, is not filled")
        else:
            notes.add("output.configMap has no match here: a Secret is made; read it in place of")
            notes.add(place)
            wanted = config
    if not output:
        notes.add("it fed the injector: mount this Secret, or use its keys as variables")
    transform = output.words("transform") or output.words("transforms")
    if "azureIdentity" in vault:
        vault.part("azureIdentity").text("name")
        notes.add("vault.azureIdentity is the KeyVault's auth here")
    made_secret: dict[str, Any] = {"vaultRef": {"name": made_vault.manifest["metadata"]["name"]}}
    made_secret |= _entry(vault.part("object"), wanted, transform, notes)
    target = named({key: wanted.text(key) for key in ("name", "type")}) | copied(source)
    if target:
        order = ("vaultRef", "data", "target", "template")
        made_secret["target"] = target
        made_secret = {key: made_secret[key] for key in order if key in made_secret}
    notes.left(spec.left("spec"))
    secret = made("KeyVaultSecret", source, made_secret, notes)
    secret.shares_target = True
    return [made_vault, secret]


def _entry(item: Source, wanted: Source, transform: list[str], notes: Notes) -> dict[str, Any]:
    """``data``, and ``template`` where the value is to be taken apart."""
    kind, name = item.text("type") or "secret", item.text("name") or REPLACE
    version = named({"version": item.text("version")})
    content, key, order = (
        item.text("contentType"),
        wanted.text("dataKey"),
        wanted.text("chainOrder"),
    )
    output_type = wanted.text("type")
    if kind == "multi-key-value-secret":
        form = "YAML" if "yaml" in content else "JSON"
        return {"data": [{"expand": {"secret": name, **version, "format": form}}]}
    if kind not in ("secret", "certificate", "key"):
        item.fault("is no type of akv2k8s", "type")
    if order:
        notes.add("chainOrder is not needed: the chain is always leaf first")
    if output_type == _TLS and kind != "key":
        if kind == "secret":
            notes.add(f"the secret {name} is read as a certificate: its content type must be")
            notes.add("application/x-pkcs12 or application/x-pem-file")
        _transforms(transform, {}, notes)
        return {"data": [{"tls": {"certificate": name, **version}}]}
    source: dict[str, Any] = {kind: name, **version}
    if kind == "certificate":
        source["as"] = "PFX" if output_type == "Opaque" else "Leaf"
        if output_type == "Opaque":
            notes.add(f"{name} comes as PFX; as: PEM if that is how the vault holds it")
    if kind == "key":
        notes.add(f"the key {name} came as its modulus alone; here as: PEM or JWK")
    steps: list[str] = []
    if kind == "secret":
        steps = _transforms(transform, source, notes)
    elif transform:
        notes.add("transform is for secrets only, there as here")
    if output_type == _BASIC:
        parts = {
            "username": '{{ (splitn ":" 2 .login)._0 }}',
            "password": '{{ (splitn ":" 2 .login)._1 }}',
        }
        template = {"data": parts, "omit": ["login"]}
        return {"data": [{"key": "login", "from": source}], "template": template}
    key = _KEYS.get(output_type) or key or name
    made_of: dict[str, Any] = {"data": [{"key": key, "from": source}]}
    if steps:
        text = " | ".join([f'index . "{key}"', *steps])
        made_of["template"] = {"data": {key: f"{{{{ {text} }}}}"}, "omit": [key]}
    return made_of


def _transforms(transform: list[str], source: dict[str, Any], notes: Notes) -> list[str]:
    """What a template must do; ``decode`` does a first Base64, whatever white space is about."""
    steps: list[str] = []
    for step in transform:
        first = "decode" not in source and not set(steps) - {"trim"}
        if step == "base64decode" and "secret" in source and first:
            source["decode"], steps = "Base64", []
        elif step in _STEPS and "secret" in source:
            steps.append(_STEPS[step])
        else:
            notes.add(f"the transform {step} has no match here: use a template")
    return steps
