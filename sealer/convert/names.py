"""External Secrets' ``dataFrom.find`` and ``rewrite`` into ``find`` and ``rename``.

Their patterns match any part of a name and replace each match; ours match the whole name. Both
are RE2.
"""

from __future__ import annotations

import re
import string
from typing import Any

from sealer.convert.result import Notes
from sealer.convert.source import Source
from sealer.keyvault.names import PatternError, compile_pattern

# Go's regexp.Expand: $name takes as many word characters as there are, ${name} says where it ends.
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)
_UPPER = re.compile(r"\{\{-?\s*\.value\s*\|\s*upper\s*-?\}\}")
_ENV = re.compile(
    r"(?P<head>[A-Z0-9_]*)\{\{-?\s*\.value\s*\|\s*(?:upper\s*\|\s*replace\s+\"-\"\s+\"_\""
    r"|replace\s+\"-\"\s+\"_\"\s*\|\s*upper)\s*-?\}\}(?P<tail>[A-Z0-9_]*)"
)
_ONE = re.compile(r"\\?-|\\W|\[[^\]]+\]")
_ALPHABET = string.ascii_letters + string.digits + "-"
"""What Azure's names are made of."""
_DASH = "(?P<head>.*?)-(?P<tail>.*)"
_UNDERSCORE = {"regex": _DASH, "to": "${head}_${tail}"}
_MANY = 8
_CAPITALS = (
    f"rewrite of - replaced each; here the first {_MANY} of a name. case: Env replaces all,",
    "and writes in capitals",
)


def find_names(find: Source, steps: list[Source], notes: Notes) -> dict[str, Any]:
    """A ``find`` entry."""
    made: dict[str, Any] = {}
    pattern = find.part("name").text("regexp")
    tags = find.texts("tags")
    if pattern not in ("", ".*", "^.*$", ".+"):
        made["regex"] = whole(pattern)
    elif pattern or not tags:
        made["name"] = "*"
    if tags:
        made["tags"] = tags
    if find.text("path"):
        notes.add("find.path has no match here: vaults have no folders")
    if find.text("decodingStrategy") not in ("", "None"):
        notes.add("decodingStrategy of find has no match here: name each secret, with decode")
    find.text("emptyResultPolicy")  # nothing found is no error
    find.text("conversionStrategy")  # Azure's names are keys that a Secret takes as they are
    notes.add("find passes over the secrets that belong to certificates: a tls entry fetches those")
    rewrite(steps, made, notes)
    return {"find": made}


def rewrite(steps: list[Source], made: dict[str, Any], notes: Notes) -> None:
    """Give ``made``, a ``find`` or an ``expand``, the ``rename`` and ``case`` of these steps."""
    renames: list[dict[str, str]] = []
    for step in steps:
        _rewrite(step, made, renames, notes)
    if renames:
        made["rename"] = renames


def whole(pattern: str) -> str:
    """Our patterns match the whole name, theirs any part of it."""
    pattern = pattern.removeprefix(".*")
    if pattern.endswith(".*") and not pattern.endswith("\\.*"):
        pattern = pattern[:-2]
    head, tail = pattern.startswith("^"), _ends(pattern)
    body = pattern[head : len(pattern) - tail]
    if "|" in body and (head or tail):
        # An anchor binds to one branch only: ``^a|b$``.
        return f".*(?:{pattern}).*"
    if head and tail:
        return body
    return ("" if head else ".*") + f"(?:{body})" + ("" if tail else ".*")


def _ends(pattern: str) -> bool:
    backslashes = len(pattern[:-1]) - len(pattern[:-1].rstrip("\\"))
    return pattern.endswith("$") and backslashes % 2 == 0


def _rewrite(
    step: Source, made: dict[str, Any], renames: list[dict[str, str]], notes: Notes
) -> None:
    if "merge" in step:
        step.whole("merge")
        notes.add("rewrite.merge has no match here: expand each secret in an entry of its own")
    elif "transform" in step:
        text = step.part("transform").text("template")
        env = _ENV.fullmatch(text.strip())
        dashed = renames[-_MANY:] == [_UNDERSCORE] * _MANY
        if env or (dashed and _UPPER.fullmatch(text.strip())):
            made["case"] = "Env"
            if env and (env["head"] or env["tail"]):
                renames.append({"regex": "(.*)", "to": env["head"] + "${1}" + env["tail"]})
            renames[:] = [one for one in renames if one != _UNDERSCORE]
            notes.lines[:] = [line for line in notes.lines if line not in _CAPITALS]
            return
        notes.add("rewrite.transform has no match here: rename by regexp, or case: Env, which")
        notes.add("makes MY_NAME of my-name")
    elif "regexp" in step:
        if "case" in made:
            notes.add("a rewrite after upper-casing has no match here: case: Env comes last")
        body = step.part("regexp")
        source, target = body.text("source"), body.text("target")
        # Fields of an object may have any character, objects of a vault few.
        renames.extend(_renames(source, target, notes, of_names="secret" not in made))


def _renames(source: str, target: str, notes: Notes, *, of_names: bool) -> list[dict[str, str]]:
    moved, target = _target(target, 1), _target(target, 0)
    if source.startswith("^") and _ends(source) and "|" not in source:
        return [{"regex": source[1:-1], "to": target}]
    if source.startswith("^") and "|" not in source:
        # What follows the match stays.
        return [{"regex": f"{source[1:]}(?P<tail>.*)", "to": target + "${tail}"}]
    if _is_dash(source):
        # Each step replaces one, and names have few.
        for line in _CAPITALS:
            notes.add(line)
        dashes = _DASH if of_names else f"(?P<head>.*?)(?:{source})(?P<tail>.*)"
        return [{"regex": dashes, "to": "${head}" + target + "${tail}"}] * _MANY
    notes.add(f"rewrite of {source} replaced each match; here the first only")
    if _ends(source):
        return [{"regex": f"(?P<head>.*?)(?:{source[:-1]})", "to": "${head}" + moved}]
    regex = f"(?P<head>.*?)(?:{source})(?P<tail>.*)"
    return [{"regex": regex, "to": "${head}" + moved + "${tail}"}]


def _is_dash(source: str) -> bool:
    """Whether of all that a name may have it matches the dash alone: ``-``, ``[^a-zA-Z0-9_]``."""
    if not _ONE.fullmatch(source):
        return False
    try:
        pattern = compile_pattern(source)
    except PatternError:
        return False
    return [char for char in _ALPHABET if pattern.fullmatch(char)] == ["-"]


def _target(target: str, shift: int) -> str:
    """Their replacement as ours; ``shift`` groups stand before theirs."""

    def ours(match: re.Match[str]) -> str:
        dollar, braced, bare = match.groups()
        name = braced or bare
        if name and name.isdigit():
            name = str(int(name) + shift) if int(name) else name
        return "$$" if dollar else "${" + name + "}"

    return _REFERENCE.sub(ours, target)
