"""The Secret of a SealedSecret in the cluster: looked at, made, written, deleted."""

from __future__ import annotations

from controller.api.cluster import Cluster, Manifest
from controller.api.errors import NotFoundError
from controller.sealed.memory import Key
from controller.sealed.plan import Create, Owner, Plan, Recreate, Update, is_owned
from sealer.keys.custody import Custody


async def look(cluster: Cluster, key: Key) -> Manifest | None:
    """Return the Secret, None where there is none."""
    try:
        return await cluster.get_secret(*key)
    except NotFoundError:
        return None


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
