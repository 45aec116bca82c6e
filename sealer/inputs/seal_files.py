"""Files sealed: into one output, each into a file of its own, or one for several clusters.

Nothing of an output is written unless everything that goes into it could be sealed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from operator import itemgetter

from sealer.errors import ManyErrors, SealerError
from sealer.files.atomic import BackgroundWriter, make_directory, write_atomic
from sealer.files.spool import Spool
from sealer.files.text import display, open_text, read_text
from sealer.notices import Notices
from sealer.stream import Request, SealingStream


@contextmanager
def seal_together(requests: Mapping[str, Request], notices: Notices) -> Iterator[Spool]:
    """Seal files, or ``-``, into one output, in their order; yield it finished.

    Raises ManyErrors with all that failed, and then there is no output.
    """
    errors: list[SealerError] = []
    with closing(Spool()) as out:
        end = ""
        for path, request in requests.items():
            try:
                with open_text(path) as (lines, _):
                    stream = SealingStream(request, display(path), notices, end)
                    for piece in stream.run(lines):
                        out.write(piece.encode())
                    end = stream.end
            except SealerError as error:
                errors.append(error)
        _raise(errors)
        yield out


def seal_each(
    requests: Mapping[str, Request], notices: Notices, *, folder: str | None = None
) -> None:
    """Seal each file in its place, or into a file of its name in ``folder``.

    A file that fails is left as it is and keeps no other from being sealed; ManyErrors at the end.
    """
    errors: list[tuple[int, SealerError]] = []
    progress = notices.progress(len(requests), "sealing")
    with BackgroundWriter() as writer:
        for at, (path, request) in enumerate(requests.items()):
            try:
                text, encoding = read_text(path)
                stream = SealingStream(request, display(path), notices)
                pieces = [piece.encode() for piece in stream.run(text)]
                if folder:
                    make_directory(folder)
            except SealerError as error:
                errors.append((at, error))
            else:
                target = f"{folder}/{base_name(path)}" if folder else path
                if folder or stream.sealed:
                    before = None if folder else encoding.encode(text)
                    writer.put(at, target, [encoding.output_bom, *pieces], expected=before)
            progress.step()
    progress.close()
    errors.extend(writer.errors)
    _raise([error for _, error in sorted(errors, key=itemgetter(0))])


def seal_outputs(outputs: Mapping[str, Sequence[tuple[str, Request]]], notices: Notices) -> None:
    """Seal each plaintext for several clusters: every form is made before any is written.

    ``outputs`` has by file what to write and how to seal it. Raises ManyErrors.
    """
    errors: list[SealerError] = []
    made: list[tuple[str, list[bytes]]] = []
    for path, target, request in [(p, *one) for p, forms in outputs.items() for one in forms]:
        chosen = replace(request, output_format=request.output_format or format_of(target))
        try:
            with open_text(path) as (lines, encoding):
                stream = SealingStream(chosen, display(path), notices)
                pieces = [piece.encode() for piece in stream.run(lines)]
                made.append((target, [encoding.output_bom, *pieces]))
        except SealerError as error:
            errors.append(error)
    _raise(errors)
    for target, pieces in made:
        make_directory(os.path.dirname(target) or ".")  # noqa: PTH120
        write_atomic(target, pieces)
        notices.note(f"{target}: written")


def format_of(path: str) -> str | None:
    """The format that a file's name asks for; None where it asks for none."""
    if path.endswith((".yaml", ".yml")):
        return "yaml"
    return "json" if path.endswith(".json") else None


def base_name(path: str) -> str:
    """The last part of a path."""
    return os.path.basename(path)  # noqa: PTH119 pathlib costs 5 ms at start


def _raise(errors: list[SealerError]) -> None:
    if errors:
        raise ManyErrors(errors)
