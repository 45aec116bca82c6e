"""Random mappings with merges and aliases are read as sigs.k8s.io/yaml, in helm, reads them."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

from sealer.errors import ManifestError
from sealer.manifest import Document
from tests.testbed import binaries
from tests.testbed.fixtures import need

TEXTS = 300
_TEMPLATE = """\
{{ range $path, $_ := .Files.Glob "texts/*" }}
###{{ base $path }} {{ $.Files.Get $path | fromYaml | toJson }}
{{ end }}
"""


def gos_values(home: Path, texts: list[str]) -> list[Any]:
    """What Go makes of each text; a mapping with ``Error`` where it refuses."""
    need("helm")
    for folder in ("texts", "templates"):
        (home / folder).mkdir()
    (home / "Chart.yaml").write_text("apiVersion: v2\nname: a\nversion: 0.1.0\n")
    (home / "templates" / "a.yaml").write_text(_TEMPLATE)
    for number, text in enumerate(texts):
        (home / "texts" / f"{number}").write_text(text, encoding="utf-8", newline="")
    command = [str(binaries.path("helm")), "template", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("###"):
            name, _, value = line[3:].partition(" ")
            found[int(name)] = json.loads(value)
    return [found[number] for number in range(len(texts))]


def merging_text(chance: random.Random) -> str:
    """Three anchored mappings, each merging some of those before it, at any place."""
    lines = []
    for number, name in enumerate("xzw"):
        entries = [f"{key}: {chance.randint(0, 9)}" for key in chance.sample("abcd", 3)]
        for _ in range(chance.randint(0, 2) if number else 0):
            known = ["*" + chance.choice("xzw"[:number]) for _ in range(chance.randint(1, 3))]
            source = known[0] if len(known) == 1 else f"[{', '.join(known)}]"
            entries.insert(chance.randint(0, len(entries)), f"<<: {source}")
        if chance.random() < 0.3:
            entries.insert(chance.randint(0, len(entries)), "<<: {a: 10, <<: {b: 11}, c: 12}")
        lines.append(f"{name}: &{name} {{{', '.join(entries)}}}\n")
    return "".join(lines)


def test_merges_are_read_as_go_reads_them(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 tests, reproducible
    texts = [merging_text(chance) for _ in range(TEXTS)]
    for text, expected in zip(texts, gos_values(tmp_path, texts), strict=True):
        assert Document(text).value == expected, text


WORDS = """
    y 5 5.5 0x10 08 ~ x << '5' '<<' 2001-01-01 2001-1-1T1:2:3Z 2001-13-01 true aGk= a- ._5 .5_3
    5_.3 .1e_1 -._5 +.5 .e5 5. 1e3 -0 0b1_1 _5
"""
TAGS = " ! !!str !!int !!float !!bool !!null !!timestamp !!binary !!map !!merge"


def test_tags_and_numbers_are_read_as_go_reads_them(tmp_path: Path) -> None:
    texts = [f"a: {tag} {word}\n" for tag in TAGS.split(" ") for word in WORDS.split()]
    texts += [
        f"a: {{{tag} {word}: {{b: 1}}}}\n" for tag in TAGS.split(" ") for word in ("<<", "'<<'")
    ]
    texts += [f"%YAML {version}\n---\na: y\n" for version in ("1.1", "1.2", "1.0")]
    for text, expected in zip(texts, gos_values(tmp_path, texts), strict=True):
        try:
            found = Document(text).value
        except ManifestError:
            # Go takes bytes that are no text for U+FFFD.
            assert "Error" in expected or "\ufffd" in expected["a"], text
            continue
        assert found == expected, text
        assert isinstance(found["a"], bool) == isinstance(expected["a"], bool), text
