"""Many files re-encrypted: in batches, in parallel, each file whole or not at all.

A run that is stopped has done some files and not touched the others; the next goes on there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sealer.cli._inputs import SealedInputs
from sealer.cli._renewal import Items, Renewal
from sealer.cli._ui import UI
from sealer.errors import ManifestError, ManyErrors, SealerError
from sealer.fields import Path
from sealer.files.atomic import write_atomic
from sealer.files.lock import exclusive
from sealer.files.text import Encoding, display, manifests_below, read_text
from sealer.manifest import Document, Resource, read_documents
from sealer.manifest.edit import replace_scalars
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


def reseal_files(ui: UI, paths: Sequence[str], renewal: Renewal, *, write: bool = True) -> Outcome:
    """Re-encrypt files and everything below folders, in place; without ``write`` only count.

    What is wrong with one file is told in the outcome and never keeps another from being done;
    a cluster that does not answer ends it all.
    """
    files = expand(paths)
    outcome = Outcome()
    lock = threading.Lock()
    progress = ui.progress(len(files), "re-encrypting")

    def one_batch(batch: list[tuple[str, bool]]) -> None:
        read: list[_File] = []
        errors: list[SealerError] = []
        for path, named in batch:
            try:
                found = _read(ui, path, named)
            except SealerError as error:
                errors.append(error)
                continue
            if found is not None:
                read.append(found)
        changed = _renew_batch(read, renewal, errors, write=write)
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


def reseal_one(ui: UI, path: str, renewal: Renewal) -> bytes:
    """Return one file's bytes as they should be; raises what is wrong with it."""
    found = _read(ui, path, True)
    assert found is not None  # noqa: S101 a named file without any raises
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


def _read(ui: UI, path: str, named: bool) -> _File | None:
    """A file with its SealedSecrets; None for one of a folder that has none."""
    text, encoding = read_text(path)
    if not named and "SealedSecret" not in text:
        return None
    inputs = SealedInputs(ui)
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
    files: list[_File], renewal: Renewal, errors: list[SealerError], *, write: bool
) -> int:
    answers = iter(renewal.renew([sealed for file in files for _, _, sealed in file.found]))
    changed = 0
    for file in files:
        mine = [next(answers) for _ in file.found]
        try:
            text = _edited(file, mine, renewal)
            if text != file.text:
                if write:
                    before, after = map(file.encoding.encode, (file.text, text))
                    # Not held while the controller works: what others wrote meanwhile stays.
                    with exclusive(file.path):
                        write_atomic(file.path, [after], expected=before)
                changed += 1
        except SealerError as error:
            errors.append(error)
    return changed


def _edited(file: _File, answers: list[Items | SealerError], renewal: Renewal) -> str:
    errors: list[SealerError] = []
    values: dict[int, dict[Path, str]] = {}
    for (at, resource, _), answer in zip(file.found, answers, strict=True):
        if isinstance(answer, SealerError):
            errors.append(resource.locate(answer))
            continue
        new = {(*resource.path, *path): item for path, item in answer.items()}
        values.setdefault(at, {}).update(new)
    if errors:
        raise ManyErrors(errors)
    documents = list(file.documents)
    for at, new in values.items():
        if new:
            documents[at] = replace_scalars(documents[at], new, base64=True)
            renewal.note(list(new.values()))
    return "".join(document.text for document in documents)
