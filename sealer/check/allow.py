"""Findings that are known and accepted: by a comment beside them, or by ``[[allow]]``.

``# seal:allow RULE reason`` counts for the line it stands on, for the next line, and, at the head
of a document, for all of it. Without a reason it allows nothing, and is a finding itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sealer.check.findings import RULES, Finding, Place
from sealer.config.rules import Allowance, matches

_COMMENT = re.compile(r"#\s*seal:allow\s+(?P<rule>[\w-]+)[:\s]*(?P<reason>.*)$")


@dataclass(frozen=True, slots=True)
class _Comment:
    rule: str
    first: int
    last: int


def split_allowed(
    findings: Iterable[Finding],
    texts: Mapping[str, str],
    allowances: Iterable[tuple[str, Allowance]],
) -> tuple[list[Finding], int]:
    """Return what is left, and how many were allowed.

    ``allowances`` come with the folder, relative to the root, that their paths start from.
    """
    allowed = list(allowances)
    comments: dict[str, list[_Comment]] = {}
    left: list[Finding] = []
    count = 0
    for finding in findings:
        path = finding.place.path
        if path not in comments:
            comments[path] = list(_comments(texts.get(path, "")))
        if _by_comment(finding, comments[path]) or _by_table(finding, allowed):
            count += 1
        else:
            left.append(finding)
    return left, count


def without_reason(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Allow comments that give no reason, or name no rule there is."""
    for path, text in texts.items():
        if "seal:allow" not in text:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found = _COMMENT.search(line)
            if found and (not found["reason"] or found["rule"] not in RULES):
                words = "gives no reason" if found["rule"] in RULES else "names no rule there is"
                yield Finding(
                    Place(path, number),
                    "allow-without-reason",
                    f"seal:allow {found['rule']} {words}, and allows nothing",
                    "write: # seal:allow RULE reason",
                )


def _comments(text: str) -> Iterator[_Comment]:
    if "seal:allow" not in text:
        return
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line)
        if not found or not found["reason"]:
            continue
        first = last = number
        if line.lstrip().startswith("#"):
            last = _next_content(lines, number)
            if _at_head(lines, number):
                last = _end_of_document(lines, number)
        yield _Comment(found["rule"], first, last)


def _next_content(lines: list[str], number: int) -> int:
    while number < len(lines) and lines[number].lstrip().startswith("#"):
        number += 1
    return number + 1


def _at_head(lines: list[str], number: int) -> bool:
    for line in reversed(lines[: number - 1]):
        if line.startswith("---"):
            return True
        if line.strip() and not line.lstrip().startswith("#"):
            return False
    return True


def _end_of_document(lines: list[str], number: int) -> int:
    for index in range(number, len(lines)):
        # A marker straight after the head of a file begins its first document.
        if lines[index].startswith("---") and any(
            line.strip() and not line.startswith("#") for line in lines[number:index]
        ):
            return index
    return len(lines)


def _by_comment(finding: Finding, comments: Iterable[_Comment]) -> bool:
    return any(
        one.rule == finding.rule and one.first <= finding.place.line <= one.last for one in comments
    )


def _by_table(finding: Finding, allowances: Iterable[tuple[str, Allowance]]) -> bool:
    for folder, one in allowances:
        prefix = f"{folder}/" if folder else ""
        path = finding.place.path
        if one.rule not in (finding.rule, "*") or not path.startswith(prefix):
            continue
        if matches(one.path, path.removeprefix(prefix)):
            return True
    return False
