"""Many files re-encrypted: in batches, in parallel, each file whole or not at all.

A run that is stopped has done some files and not touched the others; the next goes on there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sealer.changes import noted
from sealer.cluster.answer import ClusterError
from sealer.cluster.authenticity import UntrustedError
from sealer.errors import ManifestError, ManyErrors, SealerError
from sealer.fields import Path
from sealer.files.atomic import write_atomic
from sealer.files.lock import exclusive
from sealer.files.text import Encoding, display, manifests_below, read_text
from sealer.inputs.sealed import SealedInputs
from sealer.manifest import Document, Resource, read_documents
from sealer.manifest.edit import replace_scalars
from sealer.notices import Notices
from sealer.rotation.journal import Entry
from sealer.rotation.renewal import Items, Renewal, Renewals, place_of
from sealer.sealed import SealedSecret

_BATCH_FILES = 80
# More than there are processors: most of the time is waiting for the disk and for the controller.
_THREADS = 12
_BATCH_CHARACTERS = 4 * 2**20


@dataclass
class Outcome:
    """What became of the files."""

    changed: int = 0
    unchanged: int = 0
    errors: list[SealerError] = field(default_factory=list)


@dataclass
class _File:
    path: str
    text: str
    encoding: Encoding
    documents: list[Document]
    found: list[tuple[int, Resource, SealedSecret]]


def reseal_files(
    notices: Notices,
    paths: Sequence[str],
    renewals: Renewals,
    *,
    namespace: str = "",
    write: bool = True,
) -> Outcome:
    """Re-encrypt files and everything below folders, in place; without ``write`` only count.

    What is wrong with one file is told in the outcome and never keeps another from being done;
    a cluster that does not answer ends it all.
    """
    files = _within(notices, paths)
    outcome = Outcome()
    lock = threading.Lock()
    progress = notices.progress(len(files), "re-encrypting")

    def one_batch(batch: list[tuple[str, bool]]) -> None:
        read: list[_File] = []
        errors: list[SealerError] = []
        for path, named in batch:
            try:
                found = _read(notices, path, named, namespace)
            except SealerError as error:
                errors.append(error)
                continue
            if found is not None:
                read.append(found)
        changed = _renew_batch(read, renewals, errors, write=write)
        with lock:
            outcome.errors.extend(errors)
            outcome.changed += changed
            outcome.unchanged += len(read) - changed
            for _ in batch:
                progress.step()

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for _ in pool.map(one_batch, _batches(files)):
                pass
        finally:
            pool.shutdown(cancel_futures=True)
            progress.close()
    outcome.errors.sort(key=lambda error: error.message)
    return outcome


def reseal_one(notices: Notices, path: str, renewals: Renewals, *, namespace: str = "") -> bytes:
    """Return one file's bytes as they should be; raises what is wrong with it."""
    found = _read(notices, path, True, namespace)
    assert found is not None  # noqa: S101 a named file without any raises
    renewal = renewals.for_path(path)
    edited = _edited(found, renewal.renew([sealed for _, _, sealed in found.found]), renewal)
    return found.encoding.encode(edited)


def expand(paths: Sequence[str]) -> list[tuple[str, bool]]:
    """Files as named, and those below folders; True for what the user named."""
    listed: dict[str, bool] = {}
    for path in paths:
        below = manifests_below(path)
        if below is None:
            listed[path] = True
        else:
            for name in below:
                listed.setdefault(name, False)
    return list(listed.items())


def _within(notices: Notices, paths: Sequence[str]) -> list[tuple[str, bool]]:
    """What ``expand`` finds, but for links that lead out of the folders that were named.

    Whoever may put a link into a tree must not choose a file of somebody else's that is written.
    """
    roots = [os.path.join(os.path.realpath(path), "") for path in paths]  # noqa: PTH118
    kept: list[tuple[str, bool]] = []
    for path, named in expand(paths):
        if not named and os.path.islink(path):  # noqa: PTH114 pathlib costs more, for thousands
            target = os.path.realpath(path)
            if not any(target.startswith(root) for root in roots):
                notices.warn(f"{path}: left as it is: a link that leads out of the folder")
                continue
        kept.append((path, named))
    return kept


def _batches(files: list[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    batch: list[tuple[str, bool]] = []
    size = 0
    for path, named in files:
        try:
            size += os.stat(path).st_size  # noqa: PTH116 pathlib costs more, for thousands
        except OSError:
            size += 0
        batch.append((path, named))
        if len(batch) == _BATCH_FILES or size > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(notices: Notices, path: str, named: bool, namespace: str) -> _File | None:
    """A file with its SealedSecrets; None for one of a folder that has none."""
    text, encoding = read_text(path)
    if not named and "SealedSecret" not in text:
        return None
    inputs = SealedInputs(notices, namespace=namespace)
    documents = list(read_documents(text, display(path)))
    found = [
        (at, resource, sealed)
        for at, document in enumerate(documents)
        if "SealedSecret" in document.text
        for resource, sealed in inputs.of(document)
    ]
    if not found and named and not inputs.errors:
        inputs.errors.append(ManifestError(f"{display(path)}: there is no SealedSecret in it"))
    if inputs.errors:
        raise ManyErrors(inputs.errors)
    return _File(path, text, encoding, documents, found) if found else None


def _renew_batch(
    files: list[_File], renewals: Renewals, errors: list[SealerError], *, write: bool
) -> int:
    by_renewal: dict[Renewal, list[_File]] = {}
    for file in files:
        try:
            by_renewal.setdefault(renewals.for_path(file.path), []).append(file)
        except (ClusterError, UntrustedError):
            raise
        except SealerError as error:
            errors.append(error)
    changed = 0
    for renewal, group in by_renewal.items():
        answers = iter(renewal.renew([sealed for file in group for _, _, sealed in file.found]))
        for file in group:
            mine = [next(answers) for _ in file.found]
            try:
                changed += _renew_one(file, mine, renewal, write=write)
            except SealerError as error:
                errors.append(error)
    return changed


def _renew_one(
    file: _File, answers: list[Items | SealerError], renewal: Renewal, *, write: bool
) -> bool:
    """Write a file's new items; tell whether there are any."""
    text = _edited(file, answers, renewal)
    if text == file.text:
        return False
    if write:
        before, after = map(file.encoding.encode, (file.text, text))
        # Not held while the controller works: what others wrote meanwhile stays.
        with exclusive(file.path):
            write_atomic(file.path, [after], expected=before)
    return True


def _edited(file: _File, answers: list[Items | SealerError], renewal: Renewal) -> str:
    errors: list[SealerError] = []
    values: dict[int, dict[Path, str]] = {}
    entries: list[Entry] = []
    for (at, resource, sealed), answer in zip(file.found, answers, strict=True):
        if isinstance(answer, SealerError):
            errors.append(resource.locate(answer))
            continue
        new = {(*resource.path, *path): item for path, item in answer.items()}
        values.setdefault(at, {}).update(new)
        place = place_of(sealed)
        entries += [(place, item) for path, item in answer.items() if path != noted.PATH]
    if errors:
        raise ManyErrors(errors)
    documents = list(file.documents)
    for at, new in values.items():
        if new:
            documents[at] = replace_scalars(documents[at], new, base64=True)
    renewal.note(entries)
    return "".join(document.text for document in documents)
