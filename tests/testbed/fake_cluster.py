"""A cluster in memory that obeys ``controller.api.cluster.Cluster``: versions, conflicts, faults.

Only for what a real API server cannot show: the clock, and errors at a chosen moment.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from typing import Any

from controller.api.cluster import Manifest, WatchEvent
from controller.api.errors import AlreadyExistsError, ClusterError, ConflictError, NotFoundError

Key = tuple[str, str, str]


class FakeCluster:
    """Objects by kind, namespace and name; ``fail`` queues errors for the next calls of a verb."""

    def __init__(self) -> None:
        self.objects: dict[Key, Manifest] = {}
        self.events: list[Manifest] = []
        self.calls: list[str] = []
        self._version = 0
        self._faults: dict[str, list[ClusterError]] = {}
        self._watchers: list[asyncio.Queue[WatchEvent]] = []

    def fail(self, verb: str, *errors: ClusterError) -> None:
        """Let the next calls of this verb raise these, in order."""
        self._faults.setdefault(verb, []).extend(errors)

    def put(self, manifest: Mapping[str, Any]) -> Manifest:
        """Store an object as if somebody else had written it."""
        stored = copy.deepcopy(dict(manifest))
        metadata = stored["metadata"]
        self._version += 1
        if "name" not in metadata:
            metadata["name"] = f"{metadata['generateName']}{self._version}"
        metadata.setdefault("uid", f"uid-{self._version}")
        metadata["resourceVersion"] = str(self._version)
        key = (stored["kind"], metadata["namespace"], metadata["name"])
        kind = "MODIFIED" if key in self.objects else "ADDED"
        self.objects[key] = stored
        self._announce(kind, stored)
        return copy.deepcopy(stored)

    def drop(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object as if somebody else had."""
        self._announce("DELETED", self.objects.pop((kind, namespace, name)))

    async def get_secret(self, namespace: str, name: str) -> Manifest:
        return self._get("get_secret", ("Secret", namespace, name))

    async def get_sealed(self, namespace: str, name: str) -> Manifest:
        return self._get("get_sealed", ("SealedSecret", namespace, name))

    async def create_secret(
        self, manifest: Mapping[str, Any], *, dry_run: bool = False
    ) -> Manifest:
        self._called("create_secret")
        metadata = manifest["metadata"]
        if ("Secret", metadata["namespace"], metadata.get("name", "")) in self.objects:
            raise AlreadyExistsError("exists")
        return dict(manifest) if dry_run else self.put(manifest)

    async def replace_secret(self, manifest: Mapping[str, Any]) -> Manifest:
        self._called("replace_secret")
        metadata = manifest["metadata"]
        current = self.objects.get(("Secret", metadata["namespace"], metadata["name"]))
        if current is None:
            raise NotFoundError("gone")
        if current["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise ConflictError("changed")
        return self.put(manifest)

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        self._called("delete_secret")
        current = self.objects.get(("Secret", namespace, name))
        if current is None:
            raise NotFoundError("gone")
        if current["metadata"]["uid"] != uid:
            raise ConflictError("another")
        self.drop("Secret", namespace, name)

    async def patch_status(
        self, namespace: str, name: str, status: Mapping[str, Any], version: str
    ) -> Manifest:
        self._called("patch_status")
        key = ("SealedSecret", namespace, name)
        if key not in self.objects:
            raise NotFoundError("gone")
        if self.objects[key]["metadata"]["resourceVersion"] != version:
            raise ConflictError("changed")
        return self.put({**self.objects[key], "status": copy.deepcopy(dict(status))})

    async def create_event(self, manifest: Mapping[str, Any]) -> None:
        self._called("create_event")
        self.events.append(dict(manifest))

    async def watch_secrets(
        self, namespace: str, *, selector: str = "", metadata_only: bool = True
    ) -> AsyncIterator[WatchEvent]:
        label, _, value = selector.partition("=")
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self._watchers.append(queue)
        self._called("watch_secrets")
        for (kind, where, _), found in list(self.objects.items()):
            if kind == "Secret" and where == namespace and _labelled(found, label, value):
                yield WatchEvent("EXISTS", copy.deepcopy(found))
        yield WatchEvent("LISTED", {})
        while True:
            event = await queue.get()
            if _labelled(event.object, label, value):
                yield event

    def _get(self, verb: str, key: Key) -> Manifest:
        self._called(verb)
        if key not in self.objects:
            raise NotFoundError("not found")
        return copy.deepcopy(self.objects[key])

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        faults = self._faults.get(verb)
        if faults:
            raise faults.pop(0)

    def _announce(self, kind: str, manifest: Manifest) -> None:
        if manifest["kind"] == "Secret":
            for queue in self._watchers:
                queue.put_nowait(WatchEvent(kind, copy.deepcopy(manifest)))


def _labelled(manifest: Manifest, label: str, value: str) -> bool:
    return not label or (manifest["metadata"].get("labels") or {}).get(label) == value
