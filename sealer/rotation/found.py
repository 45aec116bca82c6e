"""Every SealedSecret of files, folders or a cluster, to see which key each one needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from sealer.cluster.apiserver import ApiServer
from sealer.cluster.keysecrets import sealed_secrets
from sealer.cluster.location import Location
from sealer.errors import ManifestError, SealerError
from sealer.files.text import display, read_text
from sealer.inputs.sealed import SealedInputs
from sealer.keys.ring import KeyRing
from sealer.manifest import read_documents
from sealer.notices import Notices
from sealer.rotation.reseal_files import expand
from sealer.rotation.usage import Found, Need, needs
from sealer.sealed import SealedSecret


def found_in_cluster(location: Location, errors: list[SealerError]) -> Iterator[Found]:
    """Every SealedSecret of the cluster; one that is none in truth goes to ``errors``."""
    for manifest in sealed_secrets(ApiServer(location)):
        metadata = manifest.get("metadata") or {}
        names = (metadata.get("namespace"), metadata.get("name"))
        title = f"SealedSecret {'/'.join(name for name in names if name)}"
        try:
            yield Found("cluster", title, SealedSecret.from_dict(manifest))
        except SealerError as error:
            errors.append(ManifestError(f"cluster: {title}: {error.message}"))


def found_in_files(
    notices: Notices, paths: Sequence[str], errors: list[SealerError], namespace: str = ""
) -> Iterator[Found]:
    """Every SealedSecret of files and folders; what cannot be read goes to ``errors``."""
    inputs = SealedInputs(notices, errors, namespace)
    for path, named in expand(paths):
        try:
            text, _ = read_text(path)
        except SealerError as error:
            errors.append(error)
            continue
        if not named and "SealedSecret" not in text:
            continue
        for document in read_documents(text, display(path)):
            for resource, sealed in inputs.of(document):
                yield Found(resource.place().spot, resource.title, sealed)


def needs_in(
    notices: Notices,
    paths: Sequence[str],
    location: Location | None,
    ring: KeyRing,
    *,
    namespace: str = "",
) -> tuple[list[Need], list[SealerError]]:
    """Which key each SealedSecret of files, and of a cluster if one is named, needs; what failed.

    Needs are sorted by key, then place; ``namespace`` is of SealedSecrets that name none.
    """
    errors: list[SealerError] = []
    sources = [found_in_files(notices, paths, errors, namespace)]
    if location is not None:
        sources.append(found_in_cluster(location, errors))
    found: list[Need] = []
    for one in needs(chain(*sources), ring):
        if isinstance(one, SealerError):
            errors.append(one)
        else:
            found.append(one)
    return sorted(found, key=lambda need: (need.fingerprint, need.where, need.title)), errors
