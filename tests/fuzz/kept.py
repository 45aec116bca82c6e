"""The kept corpus: a folder a target, an input a file, findings of before among them."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
NAMES = (
    "yaml",
    "json",
    "manifests",
    "envelope",
    "template-lexer",
    "template-parser",
    "der",
    "pfx",
    "http-body",
    "kubeconfig",
    "rules",
    "keys",
)
"""Of the targets; known here so that nothing has to be imported before it is instrumented."""
