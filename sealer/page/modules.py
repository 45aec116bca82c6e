"""ES modules joined into one: a page opened from a file can load none.

Written for sources that keep to three forms, and refuses all others: ``import { a, b } from
"./name.js";`` before anything else, ``export`` before a declaration, and top-level names that occur
once among all modules. So joining needs no parser and changes no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_IMPORT = re.compile(r'^import \{([\s\w,]+)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)
_DECLARED = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|const|let|var|class) +(\w+|[{\[])", re.MULTILINE
)
_OTHER = re.compile(r"^(?:import|export)\b|\bimport\s*\(|\bimport\.meta\b", re.MULTILINE)


class ModuleError(Exception):
    """Sources that do not keep to the forms; for whoever changes them, never for users."""


def join(sources: Mapping[str, str], entry: str) -> str:
    """One module of these, by file name, each before those that import it; ``entry`` is last."""
    order = list(dict.fromkeys(_in_order(sources, entry, [])))
    if left := sources.keys() - set(order):
        raise ModuleError(f"nobody imports {', '.join(sorted(left))}")
    owners: dict[str, str] = {}
    for name in order:
        for declared in _DECLARED.findall(sources[name]):
            if owners.setdefault(declared, name) != name or declared in "{[":
                raise ModuleError(f"{name}: {declared} is declared in {owners[declared]}, too")
    return "\n".join(_body(sources, name) for name in order)


def _in_order(sources: Mapping[str, str], name: str, above: list[str]) -> Iterator[str]:
    if name in above:
        raise ModuleError(f"modules import each other: {' -> '.join([*above, name])}")
    if name not in sources:
        raise ModuleError(f"there is no {name}")
    for _, other in _IMPORT.findall(sources[name]):
        yield from _in_order(sources, other, [*above, name])
    yield name


def _body(sources: Mapping[str, str], name: str) -> str:
    text = sources[name]
    for words, other in _IMPORT.findall(text):
        exported = set(_DECLARED.findall("\n".join(_exports(sources[other]))))
        wanted = {word.strip() for word in words.split(",") if word.strip()}
        if unknown := sorted(wanted - exported):
            raise ModuleError(f"{name}: {other} exports no {', '.join(unknown)}")
    code = re.sub(r"^//.*\n|/\*.*?\*/", "", text, flags=re.MULTILINE | re.DOTALL)
    head = code[: max((match.end() for match in _IMPORT.finditer(code)), default=0)]
    if _IMPORT.sub("", head).strip():
        raise ModuleError(f"{name}: an import stands below other code")
    body = _EXPORT.sub("", _IMPORT.sub("", text))
    if other_form := _OTHER.search(_EXPORT.sub("", _IMPORT.sub("", code))):
        raise ModuleError(f"{name}: a form that cannot be joined: {other_form[0]}")
    return f"// ---- {name} ----\n{body}"


def _exports(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("export ")]
