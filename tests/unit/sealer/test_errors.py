"""The error tree keeps its promise: a message for people, a hint where there is one."""

from __future__ import annotations

from sealer.errors import (
    ManifestError,
    ManyErrors,
    Place,
    SealerError,
    TemplateError,
    UnsealError,
    each,
)


def test_an_error_prints_its_message_alone() -> None:
    error = ManifestError("secret.yaml:3: bad", hint="quote it")
    assert str(error) == "secret.yaml:3: bad"
    assert error.hint == "quote it"
    assert isinstance(error, SealerError)


def test_many_errors_keep_their_order_and_their_lines() -> None:
    many = ManyErrors([UnsealError("one"), ManifestError("two")])
    assert many.message == "one\ntwo"
    assert [type(error) for error in many.errors] == [UnsealError, ManifestError]


def test_a_template_error_names_its_key() -> None:
    assert TemplateError("does not render", key="config").key == "config"


def test_many_errors_are_taken_apart_at_any_depth() -> None:
    one, two, three = UnsealError("one"), ManifestError("two"), SealerError("three")
    assert list(each(ManyErrors([one, ManyErrors([two])]), three)) == [one, two, three]


def test_a_place_is_written_before_the_problem() -> None:
    error = ManifestError("is bad").at(Place("a: b.yaml", 3, "Secret db", ("data", "x.y")))
    assert str(error) == 'a: b.yaml:3: Secret db: data["x.y"]: is bad'
    assert (error.problem, error.hint) == ("is bad", None)
    assert error.at(Place("c.yaml")).message == f"c.yaml:1: {error.message}"
