"""Which files ``seal init`` writes, and what is in them. PURE: what the tree has in, files out."""

from __future__ import annotations

from dataclasses import dataclass

from sealer.errors import docs_page
from sealer.scaffold.jobs import JOBS

CERTIFICATE = "sealing.pem"
IGNORED = "*.key"
SERVICES = ("github", "azure", "gitlab")


@dataclass(frozen=True, slots=True)
class Tree:
    """What was seen of a repository; paths are relative to its root, with slashes."""

    clusters: tuple[str, ...] = ()
    """Folders that stand for a cluster each, such as ``clusters/prod``."""
    services: tuple[str, ...] = ()
    """Which CI services have files here, of ``SERVICES``."""
    ignored: tuple[str, ...] = ()
    """The lines of .gitignore."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One file to write; ``append`` adds the text to a file that exists."""

    path: str
    text: str
    append: bool = False


def plan(tree: Tree, *, version: str, service: str = "") -> list[Planned]:
    """The files for this tree; ``service`` is a CI service, "none", or empty for what is seen."""
    wanted = [service] if service else list(tree.services)
    files = [
        Planned(".seal.toml", _rules(tree.clusters)),
        Planned(".pre-commit-config.yaml", _hooks(version)),
    ]
    for one in wanted:
        if one in JOBS:
            path, text = JOBS[one]
            files.append(Planned(path, text.replace("VERSION", version)))
    if IGNORED not in tree.ignored:
        files.append(Planned(".gitignore", f"# Private keys.\n{IGNORED}\n", append=True))
    return files


def steps(tree: Tree) -> list[str]:
    """What is left for a person: the commands that fetch the certificates, and install hooks."""
    commands = [
        f"seal cert --context {folder.rpartition('/')[2]} -w {folder}/{CERTIFICATE}"
        for folder in tree.clusters
    ]
    fetch = commands or [f"seal cert -w {CERTIFICATE}"]
    return [*fetch, "pre-commit install", "seal git install"]


def _rules(clusters: tuple[str, ...]) -> str:
    head = f"# Which certificate each path is sealed with: {docs_page('config')}\n"
    rules = [(f"{folder}/**", f"{folder}/{CERTIFICATE}") for folder in clusters]
    return head + "".join(
        f"\n[[rule]]\npath = {_quoted(path)}\ncert = {_quoted(cert)}\n"
        for path, cert in rules or [("**", CERTIFICATE)]
    )


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _hooks(version: str) -> str:
    return f"""\
repos:
  - repo: https://github.com/sealer/sealer
    rev: v{version}
    hooks:
      - id: seal-no-raw-secrets
      - id: seal-check
"""
