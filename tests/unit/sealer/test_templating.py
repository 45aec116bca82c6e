"""template.data and sealed values make the Secret's data, by the rules of Bitnami's 0.40."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from sealer.errors import ManyErrors, MissingKeyError, TemplateError
from sealer.sealed import SealedSecret, SecretTemplate
from sealer.sealing import seal
from sealer.secret import Secret
from sealer.templating import Templates, doubts, make, render_data
from sealer.unsealing import open_items, unseal
from tests.sealing_keys import pair, ring

VALUES = {"user": b"app", "pass": b"hunter2-canary"}


def failed_keys(caught: pytest.ExceptionInfo[ManyErrors]) -> list[str | None]:
    assert all(isinstance(error, TemplateError) for error in caught.value.errors)
    return [getattr(error, "key", None) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("templates", "data"),
    [
        pytest.param({}, VALUES, id="none"),
        pytest.param(
            {"url": "db://{{ .user }}:{{ .pass }}"},
            {**VALUES, "url": b"db://app:hunter2-canary"},
            id="added",
        ),
        pytest.param({"user": "{{ .user }}!"}, VALUES, id="the-sealed-value-wins"),
        pytest.param({"pass": None}, {"user": b"app"}, id="null-drops-a-key"),
        pytest.param(
            {"pass": None, "url": "{{ .pass }}"},
            {"user": b"app", "url": b"hunter2-canary"},
            id="a-dropped-key-is-in-sight",
        ),
        pytest.param(
            {"a": "{{ .b }}", "b": "{{ .user }}"},
            {**VALUES, "a": b"{{ .user }}", "b": b"app"},
            id="siblings-are-seen-raw",
        ),
        pytest.param({"nothing": None}, VALUES, id="null-of-no-key"),
    ],
)
def test_data_is_what_is_sealed_and_what_templates_make(
    templates: Templates, data: dict[str, bytes]
) -> None:
    assert render_data(templates, VALUES) == data


def test_a_template_that_loses_to_a_sealed_value_may_fail_all_the_same() -> None:
    with pytest.raises(ManyErrors) as caught:
        render_data({"user": "{{ len 1 }}"}, VALUES)
    assert failed_keys(caught) == ["user"]


def test_every_template_that_fails_is_told_of_and_no_value_with_it() -> None:
    with pytest.raises(ManyErrors) as caught:
        render_data({"a": "{{ index .pass .pass }}", "b": "{{ end }}", "c": "fine"}, VALUES)
    assert failed_keys(caught) == ["a", "b"]
    assert "canary" not in caught.value.message


def test_strict_makes_a_missing_key_an_error() -> None:
    assert render_data({"a": "{{ .nope }}"}, {}) == {"a": b"<no value>"}
    with pytest.raises(ManyErrors) as caught:
        render_data({"a": "{{ .nope }}"}, {}, strict=True)
    assert failed_keys(caught) == ["a"]


@pytest.mark.parametrize(
    ("text", "lax"),
    [
        pytest.param('{{ index . "nope" }}', b"", id="index"),
        pytest.param('{{ index (fromJson .json) "a" "nope" }}', b"<no value>", id="nested-index"),
        pytest.param('{{ index . "nope" | b64enc }}', b"", id="index-and-on"),
        pytest.param("{{ fromJson .user }}", b"<no value>", id="no-json"),
        pytest.param("{{ (fromJson .json).none }}", b"<no value>", id="null"),
        pytest.param("{{ $x := fromJson .user }}{{ $x }}", b"<no value>", id="variable"),
        pytest.param("{{ fromJson .user | html }}", b"&lt;no value&gt;", id="html"),
        pytest.param('{{ printf "%s" (fromJson .user) }}', b"%!s(<nil>)", id="printf"),
        pytest.param("{{ fromJson .user | toString }}", b"<nil>", id="to-string"),
        pytest.param("{{ list | first }}", b"<no value>", id="first-of-none"),
        pytest.param('{{ block "x" . }}{{ fromJson .user }}{{ end }}', b"<no value>", id="block"),
    ],
)
def test_strict_writes_nothing_that_is_missing(text: str, lax: bytes) -> None:
    values = {**VALUES, "json": b'{"a": {"b": "canary"}, "none": null}'}
    assert render_data({"t": text}, values)["t"] == lax
    with pytest.raises(ManyErrors) as caught:
        render_data({"t": text}, values, strict=True)
    assert failed_keys(caught) == ["t"]
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "made"),
    [
        pytest.param('{{ index . "user" }}', VALUES["user"], id="index"),
        pytest.param('{{ index (fromJson .json) "a" "b" }}', b"x", id="nested-index"),
        pytest.param('{{ index (list "a" "b") 1 }}', b"b", id="index-of-a-list"),
        pytest.param('{{ fromJson .user | default "none" }}', b"none", id="default"),
        pytest.param("{{ with fromJson .user }}x{{ else }}y{{ end }}", b"y", id="with"),
        pytest.param("{{ (fromJson .json).none | toJson }}", b"null", id="json"),
        pytest.param('{{ print "" }}{{ "" }}', b"", id="empty"),
    ],
)
def test_strict_leaves_alone_what_is_there_or_only_asked_for(text: str, made: bytes) -> None:
    values = {**VALUES, "json": b'{"a": {"b": "x"}, "none": null}'}
    assert render_data({"t": text}, values, strict=True)["t"] == made
    assert render_data({"t": text}, values)["t"] == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        pytest.param('{{ .opt | default "none" }}', b"none", id="default"),
        pytest.param("{{ if .opt }}x{{ else }}y{{ end }}", b"y", id="if"),
        pytest.param("{{ with .opt }}{{ . }}{{ end }}", b"", id="with"),
        pytest.param('{{ index . "opt" | default "none" }}', b"none", id="index"),
        pytest.param('{{ or .opt .user | eq .user }}{{ coalesce .opt "z" }}', b"truez", id="or"),
    ],
)  # fmt: skip
def test_a_template_may_ask_for_what_may_be_missing(text: str, made: bytes) -> None:
    assert make({"t": text}, VALUES, strict=True, optional=["opt"]).data["t"] == made
    assert render_data({"t": text}, VALUES)["t"] == made


@pytest.mark.parametrize(
    "text", ["{{ .opt }}", "{{ .opt | b64enc }}", '{{ index . "opt" }}', '{{ printf "%s" .opt }}']
)
def test_what_may_be_missing_is_never_printed(text: str) -> None:
    with pytest.raises(ManyErrors) as caught:
        make({"t": text}, VALUES, strict=True, optional=["opt"])
    assert failed_keys(caught) == ["t"]


def sealed_with(templates: Templates) -> SealedSecret:
    secret = Secret(name="db", namespace="prod", data=VALUES)
    return replace(seal(secret, pair().certificate), template=SecretTemplate(data=templates))


def test_unseal_renders_and_open_items_does_not() -> None:
    sealed = sealed_with({"n": "{{ len .pass }}", "bad": "{{"})
    assert open_items(sealed, ring())["pass"][0] == VALUES["pass"]
    with pytest.raises(ManyErrors):
        unseal(sealed, ring())
    good = sealed_with({"n": "{{ len .pass }}"})
    assert unseal(good, ring()).data == {**VALUES, "n": b"14"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("{{ .user }}", [], id="fine"),
        pytest.param("{{ .usr }}", ['template: t:1:3: no key "usr"'], id="typo"),
        pytest.param("{{ .t }}{{ .none }}", [], id="sibling-and-null"),
        pytest.param("{{ if .usr }}{{ .usr }}{{ end }}", [], id="asked-for"),
        pytest.param("{{ range . }}{{ .usr }}{{ end }}", [], id="another-dot"),
        pytest.param("{{ range . }}{{ $.usr }}{{ end }}", ["template: t:1:17: "], id="dollar"),
        pytest.param('{{ index . "usr" }}', ["template: t:1:11: "], id="index"),
        pytest.param('{{ print (len .usr) }}', ["template: t:1:14: "], id="nested"),
        pytest.param(
            '{{ define "x" }}{{ .usr }}{{ end }}{{ template "x" . }}',
            ["template: t:1:19: "],
            id="called-with-the-context",
        ),
        pytest.param(
            '{{ define "x" }}{{ .usr }}{{ end }}{{ template "x" .user }}', [], id="called-with-less"
        ),
        pytest.param("{{ if }}", ["template: t:1: missing value for if"], id="no-template"),
    ],
)  # fmt: skip
def test_doubtful_templates_are_told_of(text: str, told: list[str]) -> None:
    found = list(doubts({"t": text, "none": None}, {**VALUES, "none": b""}))
    assert [doubt.key for doubt in found] == ["t"] * len(told)
    assert all(doubt.message.startswith(start) for doubt, start in zip(found, told, strict=True))


def test_a_key_that_nothing_fills_is_named_beside_the_message() -> None:
    [missing, broken] = doubts({"t": "{{ .usr }}", "u": "{{ if }}"}, VALUES)
    assert isinstance(missing, MissingKeyError)
    assert missing.missing == "usr"
    assert not isinstance(broken, MissingKeyError)


def test_what_a_random_function_makes_is_told_apart() -> None:
    made = make({"a": "{{ print .user }}", "b": "{{ randAlpha 3 }}", "c": None}, VALUES)
    assert made.unstable == {"b"}


def test_nothing_of_the_engine_is_imported_without_a_template() -> None:
    code = (
        "import sys; from sealer.templating import render_data; render_data({'a': None}, {});"
        "sys.exit(any(name.startswith('sealer.template.') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
