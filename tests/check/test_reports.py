"""Each report says the same, and nothing in a name can become a command."""

from __future__ import annotations

import json

import jsonschema
import pytest

from sealer.check.findings import RULES, Finding, Place, Related
from sealer.check.report import FORMATS, write

PLAIN = Finding(
    Place("apps/base/db.yaml", 4),
    "renamed",
    "SealedSecret shop/db ends up as shop/p-db",
    "seal it again",
    (Related(Place("apps/prod/kustomization.yaml", 2), "namePrefix"),),
)
WARNING = Finding(Place("a b.yaml"), "wide-scope", "wide")
NASTY = Finding(
    Place("a\n::error::x%,:;].yaml", 1), "raw-secret", "bad\r\n##vso[task.complete]\x1b[31m"
)
# The parts of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0.json) that a consumer relies on.
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                },
                "region": {
                    "type": "object",
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        },
        "message": {"type": "object", "required": ["text"]},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "level", "locations"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "locations": {"type": "array", "items": LOCATION},
                                "relatedLocations": {"type": "array", "items": LOCATION},
                            },
                        },
                    }
                },
            },
        },
    },
}


def test_text() -> None:
    assert write([PLAIN], "text", "1") == (
        "apps/base/db.yaml:4: error: SealedSecret shop/db ends up as shop/p-db [renamed]\n"
        "  apps/prod/kustomization.yaml:2: namePrefix\n"
        "  cure: seal it again\n"
    )


def test_json() -> None:
    (one, two) = json.loads(write([PLAIN, WARNING], "json", "1"))["findings"]
    assert (one["rule"], one["severity"], one["line"]) == ("renamed", "error", 4)
    assert one["related"][0]["path"] == "apps/prod/kustomization.yaml"
    assert two["severity"] == "warning"


def test_github() -> None:
    assert write([PLAIN, WARNING], "github", "1").splitlines() == [
        "::error file=apps/base/db.yaml,line=4,title=seal renamed::SealedSecret shop/db ends up as "
        "shop/p-db; apps/prod/kustomization.yaml:2: namePrefix; cure: seal it again",
        "::warning file=a b.yaml,line=1,title=seal wide-scope::wide",
    ]


def test_azure() -> None:
    assert write([WARNING], "azure", "1") == (
        "##vso[task.logissue type=warning;sourcepath=a b.yaml;linenumber=1;code=wide-scope;]wide\n"
    )


def test_sarif() -> None:
    report = json.loads(write([PLAIN, WARNING, NASTY], "sarif", "1"))
    jsonschema.validate(report, SARIF)
    (run,) = report["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    uri = run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b.yaml"


@pytest.mark.parametrize("name", ["text", "github", "azure"])
def test_names_cannot_start_a_line_of_their_own(name: str) -> None:
    lines = write([NASTY], name, "1").splitlines()
    assert len(lines) == 1
    assert "\x1b" not in lines[0]
    assert lines[0].count("##vso[") == int(name == "azure")
    assert "##vso[task.complete" not in lines[0]


def test_every_rule_has_a_title_and_every_format_a_name() -> None:
    assert set(FORMATS) == {"text", "json", "github", "sarif", "azure"}
    assert all(rule.title and rule.id == key for key, rule in RULES.items())
