"""The Secret of a SealedSecret in the cluster: looked at, made, written, deleted."""

from __future__ import annotations

from controller.api.cluster import Cluster, Manifest
from controller.api.errors import NotFoundError
from controller.sealed.memory import Key, trigger
from controller.sealed.plan import Create, Owner, Plan, Recreate, Update, is_owned
from sealer.errors import SealerError
from sealer.keys.custody import Custody


async def look(cluster: Cluster, key: Key) -> Manifest | None:
    """Return the Secret, None where there is none."""
    try:
        return await cluster.get_secret(*key)
    except NotFoundError:
        return None


class OutdatedError(SealerError):
    """The SealedSecret was changed or deleted while its Secret was compared."""


async def confirm(cluster: Cluster, key: Key, body: Manifest) -> None:
    """See that a SealedSecret is still this one, after its Secret was looked at; OutdatedError.

    The write that follows is bound to the state of the Secret that was looked at. Where another
    controller wrote a newer generation since, that state is gone; where it has not yet, because
    the SealedSecret was changed only now or this process was stopped for a while, this tells.
    """
    try:
        current = await cluster.get_sealed(*key)
    except NotFoundError:
        raise OutdatedError("it is gone") from None
    if trigger(current) != trigger(body):
        raise OutdatedError("it was changed")


async def apply(cluster: Cluster, decided: Plan, actual: Manifest | None) -> Manifest:
    """Do what was decided and return the Secret as it is now; ClusterError's classes."""
    if isinstance(decided, Create):
        return await cluster.create_secret(decided.manifest)
    if isinstance(decided, Update):
        return await cluster.replace_secret(decided.manifest)
    assert isinstance(decided, Recreate)  # noqa: S101 the last of the plans
    assert actual is not None  # noqa: S101 it is there to be re-made
    metadata = dict(decided.manifest["metadata"])
    metadata["generateName"] = f"{metadata.pop('name')}-"
    # One that would be refused must not cost the one that is there.
    await cluster.create_secret({**decided.manifest, "metadata": metadata}, dry_run=True)
    metadata = actual["metadata"]
    await cluster.delete_secret(metadata["namespace"], metadata["name"], metadata["uid"])
    return await cluster.create_secret(decided.manifest)


async def delete(cluster: Cluster, key: Key, *, owner: Owner, custody: Custody) -> None:
    """Delete the Secret if it is this SealedSecret's, and no sealing key."""
    actual = await look(cluster, key)
    if actual is None or custody.covers(actual) or not is_owned(actual, owner):
        return
    try:
        await cluster.delete_secret(*key, actual["metadata"]["uid"])
    except NotFoundError:
        return
