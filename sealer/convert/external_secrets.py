"""External Secrets Operator: ExternalSecret and ClusterExternalSecret into KeyVaultSecrets.

Source: external-secrets.io/latest/api/spec, the azurekv provider's page and its Go code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sealer.convert.names import find_names, rewrite
from sealer.convert.result import REPLACE, Converted, Notes, copied, made, named
from sealer.convert.source import Source
from sealer.convert.stores import CLUSTER_STORE
from sealer.convert.templates import template
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

_DELETION = {"": "", "Retain": "", "Delete": "DeleteSecret", "Merge": "RemoveKey"}
_TYPES = {"secret": "secret", "cert": "certificate", "key": "key"}
_Store = tuple[str, str]
"""Kind and name of a store."""


@dataclass
class _Data:
    """Entries by the store that they come from."""

    main: _Store
    notes: Notes
    entries: dict[_Store, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, source: Source, entry: dict[str, Any] | None) -> None:
        reference = source.part("sourceRef").part("storeRef")
        store = _store(reference) if reference else self.main
        if entry is not None:
            self.entries.setdefault(store, []).append(entry)

    def is_generated(self, source: Source) -> bool:
        reference = source.part("sourceRef")
        if "generatorRef" not in reference:
            return False
        generator = reference.part("generatorRef")
        generator.text("apiVersion")
        title = f"{generator.text('kind')} {generator.text('name')}"
        self.notes.add(f"the generator {title} has no match here: its keys are not made;")
        self.notes.add("keep that ExternalSecret for them, with a target of its own")
        return True


def cluster_external_secret(source: Source) -> list[Converted]:
    """One KeyVaultSecret for each namespace that it lists, or one to be put where it selects."""
    spec = source.part("spec")
    notes = Notes()
    namespaces = spec.words("namespaces")
    selectors = [key for key in ("namespaceSelector", "namespaceSelectors") if key in spec]
    for key in selectors:
        spec.whole(key)
    if selectors or not namespaces:
        notes.add("it chose namespaces by labels: put this into each of them, as a part of what")
        notes.add(f"makes the namespace, with its name in place of {REPLACE}")
        namespaces = [*namespaces, REPLACE.lower()]
    spec.text("refreshTime")
    metadata = spec.part("externalSecretMetadata")
    name = spec.text("externalSecretName") or source.part("metadata").text("name")
    body = spec.whole("externalSecretSpec")
    labels = named({key: metadata.texts(key) for key in ("labels", "annotations")})
    notes.left(spec.left("spec"))
    made_of: list[Converted] = []
    for namespace in namespaces:
        given = {"name": name, "namespace": namespace, **labels}
        one = Source.of({"kind": "ExternalSecret", "metadata": given, "spec": body})
        for each in external_secret(one):
            each.notes[:0] = notes.lines
            made_of.append(each)
        one.done()
    return made_of


def external_secret(source: Source) -> list[Converted]:
    """A KeyVaultSecret for each store that it reads, as a rule one."""
    notes = Notes()
    spec = source.part("spec")
    data = _Data(_store(spec.part("secretStoreRef")), notes)
    for one in spec.parts("data"):
        data.add(one, None if data.is_generated(one) else _value(one, notes))
    sets = spec.parts("dataFrom")
    for one in sets:
        if not data.is_generated(one):
            data.add(one, _set(one, notes))
    if len(sets) > 1 or (sets and spec.parts("data")):
        notes.add("two results for one key are an error here; theirs: the last one won")
    interval = _refresh(spec)
    if not data.entries:
        title = f"ExternalSecret {source.part('metadata').text('name')}"
        notes.left(spec.left("spec"))
        return [Converted({}, [f"nothing was made of {title}", *notes.lines])]
    first = data.main if data.main in data.entries else next(iter(data.entries))
    target = spec.part("target")
    name = target.text("name") or source.part("metadata").text("name")
    result = [_main(source, spec, target, first, data.entries[first], notes)]
    for store, entries in data.entries.items():
        if store == first:
            continue
        result[0].notes.append(f"what came from {store[1]} is a KeyVaultSecret of its own")
        more = {
            "vaultRef": _vault(store),
            "data": entries,
            "target": {"name": name, "creation": "Merge"},
        }
        own = Notes([f"adds to the Secret {name} what comes from another vault"])
        own_name = f"{source.part('metadata').text('name')}-{store[1]}"
        result.append(made("KeyVaultSecret", source, more, own, name=own_name))
    if len(result) > 1 and "template" in target:
        result[0].notes.append("its template sees only the keys of its own vault")
    notes.left(spec.left("spec"))
    for made_of in result:
        made_of.interval = interval
    return result


def _without_type(target: dict[str, Any], spec: dict[str, Any], notes: Notes) -> None:
    """A Merge says nothing of another's Secret but its own keys."""
    for place in (target, spec.get("template") or {}):
        for name in ("type", "immutable"):
            if place.pop(name, None):
                notes.add(f"{name} is left out: the Secret that it is merged into is another's")


def _main(
    source: Source,
    spec: Source,
    target: Source,
    store: _Store,
    entries: list[dict[str, Any]],
    notes: Notes,
) -> Converted:
    made_spec: dict[str, Any] = {"vaultRef": _vault(store), "data": entries}
    made_target = named({"name": target.text("name")})
    if target.flag("immutable") is not None:
        made_target["immutable"] = target.flag("immutable")
    creation = target.text("creationPolicy")
    if creation in ("Orphan", "Merge"):
        made_target["creation"] = creation
    elif creation == "None":
        notes.add("creationPolicy None made no Secret; this makes one")
    elif creation == "CreateOrMerge":
        notes.add("creationPolicy CreateOrMerge has no match here: this makes the Secret, and")
        notes.add("it goes with this; where it is there already say target.creation: Merge")
    elif creation not in ("", "Owner"):
        target.fault("is no creationPolicy", "creationPolicy")
    if "template" in target:
        made_spec |= template(target.part("template"), entries, notes)
    else:
        made_target |= copied(source)
    if creation == "Merge":
        _without_type(made_target, made_spec, notes)
    if made_target:
        made_spec["target"] = made_target
    deletion = _DELETION.get(target.text("deletionPolicy"))
    if deletion is None:
        target.fault("is no deletionPolicy", "deletionPolicy")
    if deletion:
        made_spec["onVaultDelete"] = deletion
    if deletion == "DeleteSecret":
        notes.add("deletionPolicy Delete waited until every object was gone; here the Secret goes")
        notes.add("with the first that must be there, and with the last of those that find found:")
        notes.add("onVaultDelete: RemoveKey takes only its keys")
    if refresh := {"CreatedOnce": "Once", "OnChange": "OnChange"}.get(spec.text("refreshPolicy")):
        made_spec["refresh"] = refresh
    elif spec.word("refreshInterval") in ("0", "0s", "0h", "0m"):
        made_spec["refresh"] = "Once"
    order = ("vaultRef", "data", "target", "template", "onVaultDelete", "refresh")
    made_spec = {key: made_spec[key] for key in order if key in made_spec}
    return made("KeyVaultSecret", source, made_spec, notes)


def _refresh(spec: Source) -> str:
    """``refreshInterval`` where the Secret is read again at all."""
    interval = spec.word("refreshInterval")
    periodic = spec.text("refreshPolicy") in ("", "Periodic")
    return interval if periodic and interval.rstrip("hms") != "0" else ""


def _store(reference: Source) -> _Store:
    kind = reference.text("kind") or "SecretStore"
    return kind, reference.text("name")


def _vault(store: _Store) -> dict[str, str]:
    kind, name = store
    return {
        "name": name or REPLACE.lower(),
        "kind": CLUSTER_KEY_VAULT if kind == CLUSTER_STORE else KEY_VAULT,
    }


def _object(remote: Source, notes: Notes) -> tuple[str, str]:
    """Type and name: External Secrets puts the type before the name, and drops what follows."""
    parts = remote.text("key").split("/")
    if len(parts) == 1:
        return "secret", parts[0]
    if parts[0] not in _TYPES:
        notes.add(f"the type {parts[0]} of {remote.text('key')} is none of Azure Key Vault's")
    elif len(parts) > 2:
        notes.add(f"{remote.text('key')} is more than a type and a name: is its store of Azure?")
    return _TYPES.get(parts[0], "secret"), parts[1]


def _value(entry: Source, notes: Notes) -> dict[str, Any] | None:
    remote = entry.part("remoteRef")
    kind, name = _object(remote, notes)
    key = entry.text("secretKey") or REPLACE
    remote.text("conversionStrategy")  # about keys that dataFrom makes
    if remote.text("metadataPolicy") == "Fetch":
        remote.text("property")
        remote.text("decodingStrategy")
        remote.text("version")
        notes.add(f"metadataPolicy Fetch gave the tags of {name}, which are not fetched here:")
        notes.add(f"nothing fills the key {key}")
        return None
    source: dict[str, Any] = {kind: name, **named({"version": remote.text("version")})}
    path, decoding = remote.text("property"), remote.text("decodingStrategy")
    if kind != "secret":
        source["as"] = {"certificate": "Leaf", "key": "JWK"}[kind]
        if kind == "certificate":
            notes.add(f"cert/{name} gave DER, and this gives PEM; a tls entry gives its key, too")
        if decoding not in ("", "None"):
            notes.add(f"decodingStrategy of {remote.text('key')} has no match here: it is as it is")
        return {"key": key, "from": source}
    if path:
        source["property"] = path.replace("\\.", ".")
        if re.search(r"[#|@*?!]|\\[^.]", path):
            notes.add(f"the property of {name} is a gjson query: here it is a dotted path, and")
            notes.add("a template can do the rest (fromJson)")
    if decoding == "Auto":
        notes.add(f"decodingStrategy Auto of {name} guesses: say decode: Base64 if it is encoded")
    elif decoding not in ("", "None"):
        source["decode"] = decoding
    return {"key": key, "from": source}


def _set(entry: Source, notes: Notes) -> dict[str, Any] | None:
    if "find" in entry:
        return find_names(entry.part("find"), entry.parts("rewrite"), notes)
    # v1alpha1 had the reference here itself.
    extract = entry if "key" in entry else entry.part("extract")
    kind, name = _object(extract, notes)
    steps = entry.parts("rewrite")
    extract.text("metadataPolicy")
    if extract.text("conversionStrategy") == "Unicode":
        notes.add(f"conversionStrategy Unicode of {name} has no match here: a field that is no key")
        notes.add("of a Secret is an error")
    cure = "{key: KEY, from: {secret: " + name + ", property: FIELD}} for each field"
    if extract.text("metadataPolicy") == "Fetch" or kind != "secret" or not name:
        _pass_over(steps)
        notes.add(f"extract of {extract.text('key')} has no match here: nothing was made of it")
        return None
    if extract.text("property"):
        _pass_over(steps)
        notes.add(f"extract of {name} with a property has no match here: nothing was made of it;")
        notes.add(f"write {cure}, with property: {extract.text('property')}.FIELD")
        return None
    if extract.text("decodingStrategy") not in ("", "None"):
        notes.add(f"decodingStrategy of extract {name} has no match here: write {cure},")
        notes.add("with decode")
    more: dict[str, Any] = named({"version": extract.text("version")})
    if extract.text("emptyResultPolicy") == "Ignore":
        more["optional"] = True
    made: dict[str, Any] = {"secret": name, **more}
    rewrite(steps, made, notes)
    if extract.text("conversionStrategy") in ("", "Default"):
        # What no key may have became _, as it does here.
        made.setdefault("case", "Key")
    return {"expand": made}


def _pass_over(steps: list[Source]) -> None:
    """These are about what was told to have no match: not one by one as well."""
    for step in steps:
        for key in ("regexp", "transform", "merge"):
            step.whole(key)
