"""A stream sealed as values: pieces of text out, what is said on the way to who listens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from sealer.errors import ManyErrors, UsageError
from sealer.manifest import read_documents
from sealer.notices import SILENT, Steps
from sealer.stream import Request, SealingStream
from tests.sealing_keys import pair

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: v}\n"
OTHER = "kind: ConfigMap   # as it is\n"


@dataclass
class Listener:
    """Keeps what it hears."""

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def progress(self, total: int, what: str) -> Steps:
        return SILENT.progress(total, what)


def request() -> Request:
    return Request(certificate=pair("one").certificate)


def test_secrets_are_sealed_and_all_else_passes_to_the_byte() -> None:
    stream = SealingStream(request(), "in.yaml")
    text = "".join(stream.run(f"{OTHER}---\n{SECRET}"))
    assert text.startswith(OTHER)
    kinds = [one.kind for one in read_documents(text, "out") if not one.is_empty]
    assert kinds == ["ConfigMap", "SealedSecret"]
    assert (stream.secrets, stream.sealed, stream.sealed_before) == (1, 1, 0)


def test_an_output_goes_on_where_another_input_ended() -> None:
    first = SealingStream(request(), "a.yaml")
    text = "".join(first.run(SECRET))
    second = SealingStream(request(), "b.yaml", end=first.end)
    text += "".join(second.run(SECRET))
    assert [one.kind for one in read_documents(text, "out")] == ["SealedSecret"] * 2


def test_everything_that_fails_is_raised_together_with_its_place() -> None:
    stream = SealingStream(request(), "in.yaml")
    with pytest.raises(ManyErrors) as caught:
        list(stream.run(SECRET.replace("{k: v}", "{k: yes}") + f"---\n{SECRET}---\nkind: [\n"))
    places = [one.place.line for one in caught.value.errors if one.place]
    assert places == [4, 11]
    assert stream.sealed == 1


def test_what_deserves_a_look_is_told_to_who_listens() -> None:
    listener = Listener()
    list(SealingStream(request(), "in.yaml", listener).run(SECRET.replace("{k: v}", '{k: "${X}"}')))
    assert listener.warnings == [
        "in.yaml:1: Secret prod/db: data.k: is a variable, and is sealed as it stands"
    ]
    sealed = "".join(SealingStream(request(), "in.yaml").run(SECRET))
    list(SealingStream(request(), "out.yaml", listener).run(sealed))
    assert listener.notes == ["out.yaml: is already sealed"]


def test_nothing_is_sealed_without_a_certificate() -> None:
    with pytest.raises(ManyErrors) as caught:
        list(SealingStream(replace(request(), certificate=None), "in.yaml").run(SECRET))
    assert isinstance(caught.value.errors[0], UsageError)
