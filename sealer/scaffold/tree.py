"""Looks at a repository for ``seal init``: its clusters, its CI service, what it ignores."""

from __future__ import annotations

from pathlib import Path

from sealer.scaffold.plan import Tree

_PARENTS = ("clusters", "overlays", "environments", "envs")
_SIGNS = {
    "github": (".github",),
    "azure": ("azure-pipelines.yml", ".azuredevops", ".azure-pipelines"),
    "gitlab": (".gitlab-ci.yml",),
}


def look(root: Path) -> Tree:
    """What a repository has; links are not followed."""
    ignore = root / ".gitignore"
    return Tree(
        clusters=_clusters(root),
        services=tuple(
            name for name, signs in _SIGNS.items() if any((root / sign).exists() for sign in signs)
        ),
        ignored=tuple(ignore.read_text(errors="replace").split("\n")) if ignore.is_file() else (),
    )


def _clusters(root: Path) -> tuple[str, ...]:
    """The folders below the first of the usual parents that has some with manifests."""
    for parent in _PARENTS:
        folder = root / parent
        if not folder.is_dir() or folder.is_symlink():
            continue
        found = sorted(one for one in folder.iterdir() if one.is_dir() and not one.is_symlink())
        named = [f"{parent}/{one.name}" for one in found if _has_manifests(one)]
        if named:
            return tuple(named)
    return ()


def _has_manifests(folder: Path) -> bool:
    return any(one.suffix in (".yaml", ".yml") for one in folder.iterdir())
