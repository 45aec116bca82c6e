"""The Secrets that KeyVaultSecrets fill: who fills which, and how they are written and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.api.cluster import Manifest
from controller.api.errors import ConflictError
from controller.keyvault.cluster import Objects
from controller.keyvault.lines import Status, read_objects
from controller.keyvault.target import ownership
from controller.keyvault.target.desired import Desired
from controller.keyvault.target.templates import rendered
from controller.reasons import Reason
from controller.work.workers import Workers
from sealer.keys.custody import Custody
from sealer.keyvault.resource import KeyVaultSecret

Key = tuple[str, str]
"""Namespace and name."""
# An apply that names a resourceVersion is refused where the object has another one, and creates it
# where there is none (k8s.io/apiserver registry.Store.Update). Revision 1 is that of an empty etcd,
# which no object ever has: so it says "there must be none", for which an apply has no word.
_THERE_IS_NONE = "1"
_NOTHING, _NO_CREDENTIALS = "Cg==", "e30="  # an empty line, {}
# Keys that a Secret of these types must have: they stay, and their values go.
_DEMANDED = {
    "kubernetes.io/tls": {"tls.crt": "", "tls.key": ""},
    "kubernetes.io/ssh-auth": {"ssh-privatekey": _NOTHING},
    "kubernetes.io/basic-auth": {"username": "", "password": ""},
    "kubernetes.io/dockerconfigjson": {".dockerconfigjson": _NO_CREDENTIALS},
    "kubernetes.io/dockercfg": {".dockercfg": _NO_CREDENTIALS},
}


@dataclass
class Targets:
    """Runs on the event loop; raises ClusterError's classes and TargetError."""

    objects: Objects
    custody: Custody = field(default_factory=Custody)
    """Where sealing keys are: nothing here makes, changes or deletes one."""
    workers: Workers = field(default_factory=Workers)
    """Where templates are rendered."""
    _fillers: dict[Key, set[Key]] = field(default_factory=dict)
    """Which KeyVaultSecrets fill a Secret: one, or several that quarrel."""
    _merged: dict[Key, set[str]] = field(default_factory=dict)
    """Secrets of others with keys of ours, and whose: a restart reads it from them."""

    def note(self, metadata: Mapping[str, Any], *, deleted: bool = False) -> set[Key]:
        """Read a Secret's metadata; return whose keys are in it, by namespace and alias."""
        place = (metadata["namespace"], metadata["name"])
        names = set() if deleted else ownership.mergers({"metadata": metadata})
        if not names:
            self._merged.pop(place, None)
            return set()
        self._merged[place] = names
        return {(place[0], name) for name in names}

    def mergers(self) -> set[Key]:
        """Return the KeyVaultSecrets with keys in Secrets of others, by alias."""
        return {(place[0], name) for place, names in self._merged.items() for name in names}

    def aim(self, key: Key, old: KeyVaultSecret | None, new: KeyVaultSecret | None) -> None:
        """Note what a KeyVaultSecret filled and fills."""
        if old is not None:
            place = (old.namespace, old.target.name)
            self._fillers.get(place, set()).discard(key)
            if not self._fillers.get(place):
                self._fillers.pop(place, None)
        if new is not None:
            self._fillers.setdefault((new.namespace, new.target.name), set()).add(key)

    def fillers(self, place: Key) -> tuple[Key, ...]:
        """Return the KeyVaultSecrets that fill a Secret."""
        return tuple(self._fillers.get(place, ()))

    def places(self) -> tuple[Key, ...]:
        """Return the Secrets that are filled."""
        return tuple(self._fillers)

    async def find(self, secret: KeyVaultSecret) -> Manifest | None:
        """Return the Secret as it is, None where there is none; TargetError if it is not ours."""
        live = await self.objects.find_secret(secret.namespace, secret.target.name)
        self._guard(live)
        ownership.check(secret, live)
        return live

    async def ours(self, secret: KeyVaultSecret) -> ownership.Ours | None:
        """Return which fields of the Secret are ours, None where there is none."""
        live = await self.objects.find_secret(secret.namespace, secret.target.name)
        return None if live is None else ownership.ours(live, secret.name)

    async def recall(self, secret: KeyVaultSecret, told: Status) -> ownership.Ours | None:
        """Return which fields are ours; None where it has not all that the status tells of."""
        if (told.get("target") or secret.target.name) != secret.target.name:
            return None
        keys = {key for line in read_objects(told).values() for key in line.keys}
        ours = await self.ours(secret)
        return ours if ours is not None and keys - set(secret.omit) <= ours.data else None

    async def write(self, secret: KeyVaultSecret, made: Desired, live: Manifest | None) -> Manifest:
        """Apply, all or nothing; return the Secret as it is then.

        ``live`` None: there is none as far as anybody knows; one that is there is looked at then.
        Where ``live`` is no more what is there, nothing is written: ConflictError, or TargetError.
        """
        templates = await self.workers.render(
            secret.namespace,
            secret.template.data,
            made.data,
            strict=True,
            optional=secret.optional_keys,
            partial=bool(made.gone),
        )
        manifest = ownership.manifest(secret, rendered(secret, made, templates, live), live)
        self._guard(manifest)
        self._guard(live)
        ownership.check_keys(secret, live, manifest)
        ownership.check_immutable(secret, live, manifest)
        who, version = ownership.manager(secret.name), _THERE_IS_NONE
        if live is not None:
            patch = ownership.removal(live, manifest, secret.name)
            if patch is not None:
                place = (secret.namespace, secret.target.name)
                live = await self.objects.patch_secret(*place, patch, manager=who)
            version = live["metadata"]["resourceVersion"]
            # Gone meanwhile, it would be made anew: a Merge makes no Secret.
            manifest["metadata"]["uid"] = live["metadata"]["uid"]
        manifest["metadata"]["resourceVersion"] = version
        try:
            written = await self.objects.apply_secret(manifest, manager=who, force=live is not None)
        except ConflictError:
            there = await self.find(secret)  # somebody was faster: may be it is not ours now
            if live is not None or there is None:
                raise
            return await self.write(secret, made, there)
        self.note(written["metadata"])
        return written

    def _guard(self, secret: Manifest | None) -> None:
        """Raise TargetError for a sealing key, there or to be made: its author would know it."""
        if secret is not None and self.custody.covers(secret):
            raise ownership.TargetError(
                f"the Secret {secret['metadata']['name']} is a sealing key, or would be taken for "
                "one: no KeyVaultSecret writes it",
                reason=Reason.TARGET_NOT_OWNED,
                hint="name another target",
            )

    async def leave(self, secret: KeyVaultSecret, name: str) -> None:
        """The target was another Secret before: what is ours of that goes."""
        live = await self.objects.find_secret(secret.namespace, name)
        if live is None or self.custody.covers(live):
            return
        if ownership.is_owned_by(live, secret):
            await self.objects.delete_secret(secret.namespace, name, live["metadata"]["uid"])
        else:
            await self.unmerge(secret.namespace, name, secret.name)

    async def delete(self, secret: KeyVaultSecret, live: Manifest) -> None:
        """Delete it, or take our keys out of it (Merge)."""
        if secret.target.creation == "Merge":
            await self.unmerge(secret.namespace, secret.target.name, secret.name)
            return
        self._guard(live)
        uid = live["metadata"]["uid"]
        await self.objects.delete_secret(secret.namespace, secret.target.name, uid)

    async def unmerge_all(self, key: Key) -> None:
        """The KeyVaultSecret is gone: take its keys out wherever they are."""
        name = ownership.alias(key[1])
        for place, names in tuple(self._merged.items()):
            if place[0] == key[0] and name in names:
                await self.unmerge(*place, name)
                names.discard(name)

    async def unmerge(self, namespace: str, target: str, name: str) -> None:
        """Take exactly our keys out of a foreign Secret; ``managedFields`` tell which they are."""
        live = await self.objects.find_secret(namespace, target)
        if live is None or self.custody.covers(live):
            return
        if ownership.alias(name) not in ownership.mergers(live):
            return
        patch = ownership.removal(live, {}, name)
        if patch is None:
            return
        demanded = _DEMANDED.get(str(live.get("type")), {})
        if "data" in patch:
            patch["data"] = {key: demanded.get(key) for key in patch["data"]}
        who = ownership.manager(name)
        await self.objects.patch_secret(namespace, target, patch, manager=who)
