"""No template brings a value into an error, or gets at anything but its context."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator

import pytest

from sealer.errors import TemplateError
from sealer.template import Template, render
from sealer.template.functions import all_functions
from sealer.template.registry import Signature

CANARY = "C4nary/Zq9 %x"
CONTEXT = {"secret": CANARY.encode(), "number": b"735113"}
FORMS = {
    CANARY,
    "735113",
    CANARY.upper(),
    CANARY.lower(),
    CANARY[::-1],
    base64.b64encode(CANARY.encode()).decode(),
    base64.b32encode(CANARY.encode()).decode(),
    CANARY.encode().hex(),
    urllib.parse.quote(CANARY),
    urllib.parse.quote_plus(CANARY),
    "C4nary",
}
VALUES = (
    ".secret",
    ".number",
    "(int .number)",
    '(list .secret .number)',
    '(dict .secret .number)',
    "nil",
    "3",
    "1.5",
    "-1",
    "true",
    '"("',
)  # fmt: skip


def calls(name: str, signature: Signature) -> Iterator[str]:
    """Call a function with every value at every place, and with too few or many."""
    count = len(signature.fixed) + (signature.variadic is not None)
    yield name
    for value in VALUES:
        yield " ".join((name, *[value] * max(count, 1)))
        yield " ".join((name, *[value] * (count + 1)))
        yield f"{value} | {name}"
        for place in range(count):
            filling = ["$f"] * count
            filling[place] = value
            for fill in ('"a"', "1", "$", "(dict)", "(list)"):
                yield f"$f := {fill} }}}}{{{{ {' '.join((name, *filling))}"


EXPENSIVE = frozenset(
    name
    for name, function in all_functions().items()
    if function.cost > 1000 or name.startswith("gen")
)


@pytest.mark.parametrize("name", sorted(set(all_functions()) - EXPENSIVE))
def test_no_function_tells_a_value_when_it_fails(name: str) -> None:
    for call in calls(name, all_functions()[name].signature):
        message = error_of(f"{{{{ {call} }}}}")
        assert message is None or message.startswith("template: cfg:1")
        leaked = {form for form in FORMS if form in (message or "")}
        assert not leaked, call


@pytest.mark.parametrize("name", sorted(EXPENSIVE))
def test_no_expensive_function_tells_a_value_when_it_fails(name: str) -> None:
    count = len(all_functions()[name].signature.fixed)
    for filling in (".secret", ".number", "nil", "(list .secret)"):
        message = error_of(f"{{{{ {name} {' '.join([filling] * count)} }}}}")
        assert not {form for form in FORMS if form in (message or "")}


def error_of(text: str) -> str | None:
    """Render, and return the error's message, if there is one."""
    try:
        render("cfg", text, CONTEXT)
    except TemplateError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    "text",
    [
        "{{ fail .secret }}",
        "{{ fail (b64enc .secret) }}",
        '{{ fail (printf "%x" .secret) }}',
        "{{ template .secret }}",
        "{{ range .secret }}{{ end }}",
        "{{ index . .secret | len | index . }}",
        "{{ .secret.user }}",
        "{{ $x := .secret }}{{ $x.y }}",
        "{{ eq .secret 1 }}",
        "{{ len .secret | upper }}",
        '{{ if hasPrefix "C" .secret }}{{ fail "x" }}{{ end }}',
        "{{ toDate .secret .secret | mustToDate }}",
        "{{ semver .secret }}",
        "{{ mustRegexMatch .secret .secret }}{{ mustRegexFind (cat .secret \"(\") \"\" }}",
        "{{ mustFromJson .secret }}",
    ],
)  # fmt: skip
def test_an_error_tells_nothing_of_the_value(text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render("cfg", text, CONTEXT)
    assert not {form for form in FORMS if form in caught.value.message}
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        "{{ .secret.__class__ }}",
        "{{ (now).__class__ }}",
        "{{ (now).__init__.__globals__ }}",
        "{{ (list).append 1 }}",
        "{{ (list).__len__ }}",
        '{{ (semver "1.2.3").parse }}',
        '{{ (semver "1.2.3").major }}',
        "{{ (now).methods }}",
        "{{ call print }}",
        "{{ eval 1 }}",
        "{{ env \"HOME\" }}",
        "{{ expandenv \"$HOME\" }}",
        "{{ getHostByName \"localhost\" }}",
        "{{ include \"x\" . }}",
        "{{ readFile \"/etc/passwd\" }}",
    ],
)  # fmt: skip
def test_a_template_reaches_nothing_of_the_interpreter(text: str) -> None:
    with pytest.raises(TemplateError):
        render("cfg", text, CONTEXT)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("{{ .secret | upper }}", set(), id="none"),
        pytest.param("{{ now | date \"2006\" }}", {"now", "date"}, id="pipe"),
        pytest.param("{{ if false }}{{ uuidv4 }}{{ end }}", {"uuidv4"}, id="branch-not-taken"),
        pytest.param("{{ $x := (randAlpha 3) }}", {"randAlpha"}, id="in-parentheses"),
        pytest.param("{{ (genCA \"x\" 1).Cert }}", {"genCA"}, id="chain"),
        pytest.param('{{ range 1 }}{{ else }}{{ bcrypt "x" }}{{ end }}', {"bcrypt"}, id="else"),
        pytest.param('{{ define "t" }}{{ htpasswd "" "" }}{{ end }}', {"htpasswd"}, id="define"),
        pytest.param("{{ template \"t\" (shuffle .secret) }}", {"shuffle"}, id="argument"),
        pytest.param("{{ derivePassword 1 \"long\" \"a\" \"b\" \"c\" }}", set(), id="derived"),
    ],
)  # fmt: skip
def test_functions_that_give_another_result_each_time_are_known(text: str, names: set[str]) -> None:
    assert Template.parse("cfg", text).nondeterministic == names
