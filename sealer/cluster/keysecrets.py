"""The sealing keys of a cluster, through the Kubernetes API and with the user's own rights.

Key Secrets hold private keys: they are read into key pairs at once, and no message, repr or
error has a byte of them. Nothing is deleted that was not named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from sealer.cluster.answer import ClusterError
from sealer.cluster.apiserver import ApiServer
from sealer.errors import KeyFileError, SealerError
from sealer.keys.custody import ACTIVE, KEY_LABEL, filled_by_manifest
from sealer.keys.keyfile import key_pair_of
from sealer.keys.pair import KeyPair
from sealer.keys.record import RECORD_NAME, KeyRecord, only_unseals
from sealer.keys.ring import KeyRing
from sealer.sealed import API_VERSION, KIND
from sealer.secret import Secret

RETIRED = "retired"
"""The label's value of keys that controllers must no longer take; they can be put back."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key Secret; a damaged one has a ``problem`` instead of a pair."""

    name: str
    state: str
    """The label's value: ``active``, ``retired``, or what somebody else wrote."""
    created: str
    """RFC 3339, as the API server says."""
    pair: KeyPair | None = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)
    problem: str = ""
    refused: bool = False
    """Whether a manifest filled it, so that the controller does not take it."""
    only_unseals: bool = False
    """Whether our controller hands it out to nobody: it was restored, or came from outside."""

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> StoredKey:
        """Read one item of the API server's list."""
        metadata = manifest["metadata"]
        state = (metadata.get("labels") or {}).get(KEY_LABEL, "")
        pair, problem = None, ""
        created = metadata.get("creationTimestamp") or ""
        if filled_by_manifest(manifest):
            problem = "a SealedSecret or a KeyVaultSecret fills it, whose author knows it"
            return cls(metadata["name"], state, created, None, manifest, problem, refused=True)
        try:
            pair = key_pair_of(Secret.from_dict({**manifest, "apiVersion": "v1", "kind": "Secret"}))
        except SealerError as error:
            problem = error.message
        return cls(metadata["name"], state, created, pair, manifest, problem)

    @property
    def fingerprint(self) -> str:
        """The certificate's fingerprint, empty where it is not known."""
        return self.pair.fingerprint if self.pair else ""


class KeyStore:
    """The key Secrets of a controller's namespace."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self._server = server
        self._path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets"
        self.namespace = namespace

    def read(self) -> list[StoredKey]:
        """Every key Secret, active or not, newest certificate first."""
        what = f"list the key Secrets in {self.namespace}"
        listed = list(_list(self._server, self._path, KEY_LABEL, what=what))
        _, record = self._record()
        found = [_held(StoredKey.of(item), record) for item in listed]
        ring = KeyRing.of([key.pair for key in found if key.pair])
        order = {id(pair): at for at, pair in enumerate(ring.keys)}
        return sorted(found, key=lambda key: order.get(id(key.pair), len(order)))

    def create(self, manifest: dict[str, Any]) -> str:
        """Make a key Secret; return the name it got."""
        what = f"make a key Secret in {self.namespace}"
        answer = self._server.ask("POST", self._path, manifest, what=what)
        return str(answer["metadata"]["name"])

    def let_seal(self, fingerprint: str) -> None:
        """Let our controller seal with this key, as soon as it is the newest."""
        manifest, record = self._record()
        if manifest is None or record is None:
            # It is Bitnami's, or never ran: whatever is there then may seal, unless it says not.
            return
        record = record.having(fingerprint, seals=True)
        what = f"remember the sealing keys in {self.namespace}"
        version = {"resourceVersion": manifest["metadata"]["resourceVersion"]}
        fields = {"metadata": version, "data": record.data()}
        if self._server.ask("PATCH", f"{self._path}/{RECORD_NAME}", fields, what=what) is None:
            raise ClusterError(f"Secret {self.namespace}/{RECORD_NAME} was deleted just now")

    def annotate(self, name: str, annotations: dict[str, str | None]) -> None:
        """Write annotations on a key Secret, or take those away that are None."""
        path = f"{self._path}/{quote(name, safe='')}"
        what = f"annotate Secret {self.namespace}/{name}"
        if (
            self._server.ask("PATCH", path, {"metadata": {"annotations": annotations}}, what=what)
            is None
        ):
            raise ClusterError(f"there is no Secret {self.namespace}/{name}")

    def _record(self) -> tuple[dict[str, Any] | None, KeyRecord | None]:
        """What the controller remembers of its keys; None where it is Bitnami's, or new."""
        what = f"read Secret {self.namespace}/{RECORD_NAME}"
        manifest = self._server.ask("GET", f"{self._path}/{RECORD_NAME}", what=what)
        return manifest, KeyRecord.of(manifest) if manifest else None

    def label(self, name: str, state: str) -> None:
        """Give a key Secret another state; its key stays where it is."""
        fields = {"metadata": {"labels": {KEY_LABEL: state}}}
        path = f"{self._path}/{quote(name, safe='')}"
        what = f"label Secret {self.namespace}/{name}"
        if self._server.ask("PATCH", path, fields, what=what) is None:
            raise ClusterError(f"there is no Secret {self.namespace}/{name}")

    def delete(self, name: str) -> None:
        """Delete a key Secret for good."""
        path = f"{self._path}/{quote(name, safe='')}"
        self._server.ask("DELETE", path, what=f"delete Secret {self.namespace}/{name}")


def ring_of(keys: list[StoredKey]) -> KeyRing:
    """The keys that open something, those that are retired included."""
    return KeyRing.of([key.pair for key in keys if key.pair])


def newest(keys: list[StoredKey]) -> StoredKey | None:
    """The key that a controller seals with: the newest active one."""
    usable = (key for key in keys if key.state == ACTIVE and key.pair and not key.only_unseals)
    return next(usable, None)


def _held(key: StoredKey, record: KeyRecord | None) -> StoredKey:
    """The key with what our controller makes of it; a new one it will judge by its annotation."""
    if record is not None and record.knows(key.fingerprint):
        return replace(key, only_unseals=key.fingerprint not in record.sealing)
    return replace(key, only_unseals=only_unseals(key.manifest))


def find(keys: list[StoredKey], word: str) -> StoredKey:
    """The one key with this name, or whose fingerprint begins so; KeyFileError otherwise."""
    found = [key for key in keys if key.name == word]
    if not found and len(word) >= 6:
        found = [key for key in keys if key.fingerprint.startswith(word.lower())]
    if len(found) == 1:
        return found[0]
    problem = "several keys begin so" if found else "there is no such key"
    raise KeyFileError(f"{word}: {problem}", hint="see seal keys list")


def sealed_secrets(server: ApiServer) -> Iterator[dict[str, Any]]:
    """Yield the manifest of every SealedSecret of the cluster, page by page."""
    path = "/apis/bitnami.com/v1alpha1/sealedsecrets"
    for item in _list(server, path, "", what="list the SealedSecrets"):
        yield {**item, "apiVersion": API_VERSION, "kind": KIND}


def read_secret(server: ApiServer, namespace: str, name: str) -> Secret | None:
    """Return a Secret in clear, None where there is none."""
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}"
    answer = server.ask("GET", path, what=f"read Secret {namespace}/{name}")
    return Secret.from_dict(answer) if answer else None


def _list(server: ApiServer, path: str, selector: str, *, what: str) -> Iterator[dict[str, Any]]:
    query = {"limit": str(_PAGE)}
    if selector:
        query["labelSelector"] = selector
    while True:
        answer = server.ask("GET", f"{path}?{urlencode(query)}", what=what)
        if answer is None:
            raise ClusterError(f"cannot {what}: the cluster does not know them")
        yield from answer.get("items") or []
        token = (answer.get("metadata") or {}).get("continue")
        if not token:
            return
        query["continue"] = token
