"""What ``seal vault check`` knows of the CRDs: the schemas of our kinds' specs, without words.

``python -m tests.docs.crd_schemas [--check]`` makes ``sealer/keyvault/schemas.json`` of ``crds/``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "sealer" / "keyvault" / "schemas.json"
# Defaults are the readers' own; rules in CEL are what the readers know as code.
_LEFT_OUT = frozenset({"default", "description", "x-kubernetes-validations"})


def bare(schema: Any) -> Any:
    """The schema without what is not a limit; a property may have any name."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    for key, value in kept.items():
        if key == "properties":
            kept[key] = {name: bare(below) for name, below in value.items()}
        elif key in ("items", "additionalProperties"):
            kept[key] = bare(value)
    return kept


def schemas() -> dict[str, Any]:
    """The spec of each kind."""
    found = {}
    for path in sorted((ROOT / "crds").glob("keyvault.sealer.dev_*.yaml")):
        crd = yaml.safe_load(path.read_text())["spec"]
        (version,) = crd["versions"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        found[crd["names"]["kind"]] = bare(spec)
    return found


def text() -> str:
    return json.dumps(schemas(), indent=1, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        if TARGET.read_text() != text():
            sys.stderr.write(f"{TARGET.relative_to(ROOT)} is not what crds/ say: make docs\n")
            return 1
        return 0
    TARGET.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
