"""JSON values to YAML and JSON text, so that Kubernetes reads back the same values.

PyYAML would write ``name: n`` bare, which Kubernetes reads as false: every string that this
project's own reader would not read back as itself is quoted.
"""

from __future__ import annotations

from typing import Any

import yaml

from sealer.manifest.yaml_syntax import resolve

_STRING = "tag:yaml.org,2002:str"
_BREAKS = frozenset("\x85\u2028\u2029")


class _Dumper(yaml.CSafeDumper):
    pass


def _represent_string(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if _BREAKS & set(text):
        # A line break to YAML 1.1 and none to 1.2: escaped, both read the same.
        style = '"'
    elif "\n" in text:
        style = "|"
    elif resolve(text) != text or not _is_string_in_yaml_1_1(dumper, text):
        style = '"'
    return dumper.represent_scalar(_STRING, text, style=style)


def _is_string_in_yaml_1_1(dumper: Any, text: str) -> bool:
    """Ask PyYAML, which knows dates and base 60; few first characters make it worth asking."""
    if text[0] not in "0123456789+-.=<":
        return True
    return bool(dumper.resolve(yaml.ScalarNode, text, (True, False)) == _STRING)


_Dumper.add_representer(str, _represent_string)
_Dumper.ignore_aliases = lambda self, data: True  # type: ignore[method-assign]


def to_yaml(value: Any, *, width: int = 2**31 - 1) -> str:
    """Write one document as block-style YAML without a ``---`` line; keys keep their order.

    ``width``: the column from which on long plain text is folded; never, unless asked for.
    """
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=width,
    )
    return text


def to_json(value: Any) -> str:
    """Write one document as JSON, indented by two spaces, with a newline at its end."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
