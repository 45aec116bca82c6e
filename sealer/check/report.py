"""Findings as text, JSON, GitHub annotations, SARIF 2.1.0 and Azure Pipelines log issues.

Names come from files that others wrote: what could be read as a command by a terminal or by a CI
system is escaped in each format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sealer.check.findings import RULES, Finding, Place, Severity

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_PAGE = "docs/checks.md"
_UNSAFE = "%\r\n:,"


def write(findings: Sequence[Finding], format_name: str, version: str) -> str:
    """The report; formats are those of ``FORMATS``."""
    return FORMATS[format_name](findings, version)


def _text(findings: Sequence[Finding], version: str) -> str:
    lines: list[str] = []
    for one in findings:
        head = f"{_shown(str(one.place))}: {one.severity.value}: {_shown(one.message)}"
        lines.append(f"{head} [{one.rule}]")
        lines += [f"  {_shown(str(at.place))}: {_shown(at.message)}" for at in one.related]
        if one.hint:
            lines.append(f"  cure: {_shown(one.hint)}")
    return "".join(f"{line}\n" for line in lines)


def _json(findings: Sequence[Finding], version: str) -> str:
    entries = [
        {
            "rule": one.rule,
            "severity": one.severity.value,
            "path": one.place.path,
            "line": one.place.line,
            "message": one.message,
            "cure": one.hint,
            "related": [
                {"path": at.place.path, "line": at.place.line, "message": at.message}
                for at in one.related
            ],
        }
        for one in findings
    ]
    return json.dumps({"version": version, "findings": entries}, indent=2) + "\n"


def _github(findings: Sequence[Finding], version: str) -> str:
    """Source: docs.github.com, workflow commands (escapes: actions/toolkit command.ts)."""
    lines = []
    for one in findings:
        properties = {
            "file": one.place.path,
            "line": str(one.place.line),
            "title": f"seal {one.rule}",
        }
        words = ",".join(
            f"{key}={_shown(_percent(value, _UNSAFE))}" for key, value in properties.items()
        )
        message = _shown(_percent(_with_related(one), "%\r\n"))
        lines.append(f"::{one.severity.value} {words}::{message}\n")
    return "".join(lines)


def _azure(findings: Sequence[Finding], version: str) -> str:
    """Source: learn.microsoft.com, Azure Pipelines logging commands (task.logissue)."""
    lines = []
    for one in findings:
        properties = {
            "type": one.severity.value,
            "sourcepath": one.place.path,
            "linenumber": str(one.place.line),
            "code": one.rule,
        }
        words = "".join(f"{key}={_azure_escaped(value)};" for key, value in properties.items())
        lines.append(f"##vso[task.logissue {words}]{_azure_escaped(_with_related(one))}\n")
    return "".join(lines)


def _sarif(findings: Sequence[Finding], version: str) -> str:
    used = sorted({one.rule for one in findings})
    rules = [
        {
            "id": key,
            "shortDescription": {"text": RULES[key].title},
            "defaultConfiguration": {"level": RULES[key].severity.value},
            "help": {"text": f"{RULES[key].title}. See {_PAGE}, {key}."},
        }
        for key in used
    ]
    driver = {"name": "seal", "version": version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {"ROOT": {"description": {"text": "the repository's root"}}},
        "results": [_sarif_result(one, used.index(one.rule)) for one in findings],
        "columnKind": "unicodeCodePoints",
    }
    report = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(report, indent=2) + "\n"


def _sarif_result(finding: Finding, index: int) -> dict[str, Any]:
    words = f"{finding.message}. Cure: {finding.hint}." if finding.hint else f"{finding.message}."
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": words},
        "locations": [_sarif_location(finding.place)],
    }
    if finding.related:
        result["relatedLocations"] = [
            {**_sarif_location(at.place), "message": {"text": at.message}} for at in finding.related
        ]
    return result


def _sarif_location(place: Place) -> dict[str, Any]:
    artifact = {"uri": _uri(place.path), "uriBaseId": "ROOT"}
    region = {"startLine": place.line}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


FORMATS: dict[str, Callable[[Sequence[Finding], str], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
    "azure": _azure,
}


def failed(findings: Sequence[Finding], *, strict: bool) -> bool:
    """Whether the run fails: on an error, and with ``strict`` on a warning."""
    return any(strict or one.severity is Severity.ERROR for one in findings)


def _with_related(finding: Finding) -> str:
    words = [finding.message]
    words += [f"{at.place}: {at.message}" for at in finding.related]
    if finding.hint:
        words.append(f"cure: {finding.hint}")
    return "; ".join(words)


def _percent(text: str, unsafe: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in unsafe else char for char in text)


def _uri(path: str) -> str:
    """A relative reference (RFC 3986): all but unreserved characters and ``/`` as %XX."""
    safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"
    data = path.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in data)


def _azure_escaped(text: str) -> str:
    text = text.replace("##vso[", "## vso[")
    for char, word in (("%", "%AZP25"), (";", "%3B"), ("\r", "%0D"), ("\n", "%0A"), ("]", "%5D")):
        text = text.replace(char, word)
    return _shown(text)


def _shown(text: str) -> str:
    """For a terminal, and for a CI system that reads commands out of its log."""
    printable = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    # GitHub takes lines that begin with ::, Azure's agent ##vso[ anywhere.
    safe = printable.replace("##vso[", "## vso[")
    return f"./{safe}" if safe.startswith("::") else safe
