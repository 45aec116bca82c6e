"""Asks a cluster for what ``seal status`` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sealer.cluster import resources
from sealer.cluster.answer import ClusterError
from sealer.cluster.controller import Controller
from sealer.diagnosis.objects import ObjectStatus, Ref, Said, said
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cluster.apiserver import ApiServer
    from sealer.cluster.location import Location

_WORDS = {
    "sealedsecret": "SealedSecret",
    "sealedsecrets": "SealedSecret",
    "ss": "SealedSecret",
    "keyvaultsecret": "KeyVaultSecret",
    "keyvaultsecrets": "KeyVaultSecret",
    "kvs": "KeyVaultSecret",
}


def refs_of(word: str, namespace: str) -> list[Ref]:
    """What ``NAME`` or ``KIND/NAME`` can mean; a name alone may be of either kind."""
    kind, slash, name = word.rpartition("/")
    if not slash:
        return [Ref(one, namespace, name) for one in resources.KINDS]
    if kind.lower() not in _WORDS:
        raise UsageError(
            f"{word}: {kind} is not a kind that has a status here",
            hint="sealedsecret/NAME or keyvaultsecret/NAME",
        )
    return [Ref(_WORDS[kind.lower()], namespace, name)]


def find(server: ApiServer, refs: Iterable[Ref]) -> list[ObjectStatus]:
    """The status of each of these objects that exists."""
    found = (resources.read(server, ref.kind, ref.namespace, ref.name) for ref in refs)
    return [ObjectStatus.of(manifest) for manifest in found if manifest]


def find_all(server: ApiServer, namespace: str) -> Iterator[ObjectStatus]:
    """The status of every object of both kinds; a cluster without Key Vault's CRDs has none."""
    for kind in resources.KINDS:
        try:
            for manifest in resources.read_all(server, kind, namespace):
                yield ObjectStatus.of(manifest)
        except resources.UnknownKindError:
            if kind == "SealedSecret":
                raise


def events_of(server: ApiServer, ref: Ref) -> list[Said]:
    """The Events on it, oldest first; ClusterError where this user may not read them."""
    return said(resources.events(server, ref.kind, ref.namespace, ref.name))


def current_fingerprint(location: Location) -> str:
    """Of the certificate that the cluster seals with; empty where the controller does not tell."""
    from sealer.keys.certificate import Certificate

    try:
        return Certificate.from_pem(Controller.at(location).certificate()).fingerprint
    except (ClusterError, SealerError):
        return ""
