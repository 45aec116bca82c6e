"""What the chart has from elsewhere: its README's value tables, and its copies of the CRDs.

``python -m tests.docs.chart_reference [--check]``. The tables are made of values.yaml: a comment
that starts with ``# --`` describes the key below it, ``# @section`` begins a table.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "sealer"
BEGIN = "<!-- values: made by `make docs` -->\n"
END = "<!-- end of values -->\n"


@dataclass(frozen=True)
class Value:
    """One row: the dotted key, its default and what its comment says."""

    key: str
    default: Any
    text: str
    section: str


def values() -> list[Value]:
    """Return every value of values.yaml in its order; ValueError names one without a comment."""
    text = (CHART / "values.yaml").read_text()
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return list(_walk(root, "", lines))


def _walk(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[Value]:
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        line = key_node.start_mark.line
        text = _comment(lines, line)
        if not text and isinstance(value_node, yaml.MappingNode) and value_node.value:
            yield from _walk(value_node, f"{key}.", lines)
            continue
        if not text:
            raise ValueError(f"values.yaml:{line + 1}: {key} has no comment")
        default = yaml.safe_load(yaml.serialize(value_node))
        yield Value(key, default, text, _section(lines, line))


def _comment(lines: list[str], line: int) -> str:
    match = re.fullmatch(r"\s*# -- (.*)", lines[line - 1]) if line else None
    return match.group(1) if match else ""


def _section(lines: list[str], line: int) -> str:
    for above in reversed(lines[:line]):
        if above.startswith("# @section "):
            return above.removeprefix("# @section ")
    raise ValueError(f"values.yaml:{line + 1} is above the first section")


def tables() -> str:
    """Return the tables as Markdown."""
    parts: list[str] = []
    section = ""
    for value in values():
        if value.section != section:
            section = value.section
            parts.append(
                f"\n### {section}\n\n| value | default | what it does |\n| --- | --- | --- |"
            )
        default = json.dumps(value.default)
        text = value.text.replace("|", "\\|")
        parts.append(f"| `{value.key}` | `{default}` | {text} |")
    return "\n".join(parts) + "\n\n"


def readme() -> str:
    """Return the README with its tables as they must be."""
    before, rest = (CHART / "README.md").read_text().split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def made() -> dict[Path, str]:
    """Return every file that is made, with its text."""
    files = {CHART / "README.md": readme()}
    for crd in (ROOT / "crds").glob("*.yaml"):
        files[CHART / "files" / "crds" / crd.name] = crd.read_text()
    return files


def main() -> None:
    """Write the files, or with --check exit 1 if one is stale."""
    files = made()
    left_over = set((CHART / "files" / "crds").glob("*.yaml")) - set(files)
    for path, text in files.items():
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.relative_to(ROOT)} is stale: run make docs")
    if left_over:
        sys.exit(f"no such file in crds/: {', '.join(sorted(path.name for path in left_over))}")


if __name__ == "__main__":
    main()
