"""Which sources of Flux are this repository: what another one holds is not to be seen here.

Never an OCIRepository or Bucket. A GitRepository is this one if the tree does not tell more of it,
if it is what ``flux bootstrap`` made (``flux-system``), or if it has that one's URL and ref, or,
where the tree does not have that one, the URL of the remote ``origin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sealer.check.builds.sourceignore import Pattern, patterns
from sealer.check.tree import Source, mapping, text_of

GROUP = "source.toolkit.fluxcd.io"
KIND = "GitRepository"
_ROOT = "flux-system"
_MAIN = ("", "main", "master")
_URL = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^/:]+)(?::\d+(?=/))?[:/]+(?P<path>.*?)/?(?:\.git)?/?"
)


@dataclass(frozen=True)
class Origins:
    """The GitRepositories of a tree, and the URL of its remote."""

    repositories: tuple[Mapping[str, Any], ...]
    remote: str = ""
    """Empty where there is none."""

    @classmethod
    def of(cls, sources: Iterable[Source], remote: str = "") -> Origins:
        """Read them; ``sources`` are no patches."""
        return cls(tuple(one.value for one in sources), remote)

    def is_here(self, kustomization: Mapping[str, Any]) -> bool:
        """Whether a Flux Kustomization applies files of this repository."""
        kind = text_of(kustomization, "spec", "sourceRef", "kind")
        if kind not in ("", KIND):
            return False
        found = self._named(kustomization)
        return not found or any(map(self._is_this, found))

    def ignored(self, kustomization: Mapping[str, Any]) -> list[Pattern]:
        """The patterns of its source's ``spec.ignore``."""
        texts = (text_of(one, "spec", "ignore") for one in self._named(kustomization))
        return [pattern for text in texts for pattern in patterns(text)]

    def _named(self, kustomization: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        reference = mapping(mapping(kustomization.get("spec")).get("sourceRef"))
        own = text_of(kustomization, "metadata", "namespace")
        namespace = text_of(reference, "namespace") or own
        return [
            one
            for one in self.repositories
            if text_of(one, "metadata", "name") == text_of(reference, "name")
            and text_of(one, "metadata", "namespace") in ("", namespace or "", _any(namespace, one))
        ]

    def _is_this(self, repository: Mapping[str, Any]) -> bool:
        if text_of(repository, "metadata", "name") == _ROOT:
            return True
        url = plain_url(text_of(repository, "spec", "url"))
        roots = [one for one in self.repositories if text_of(one, "metadata", "name") == _ROOT]
        if roots:
            return any(
                url == plain_url(text_of(root, "spec", "url")) and _ref(repository) == _ref(root)
                for root in roots
            )
        if self.remote:
            main = mapping(_ref(repository)).get("branch", "") in _MAIN
            return url == plain_url(self.remote) and main
        return len({plain_url(text_of(one, "spec", "url")) for one in self.repositories}) == 1


def _any(namespace: str, repository: Mapping[str, Any]) -> str:
    """A Kustomization without a namespace may come into any."""
    return "" if namespace else text_of(repository, "metadata", "namespace")


def _ref(repository: Mapping[str, Any]) -> Any:
    return mapping(repository.get("spec")).get("ref")


def plain_url(url: str) -> str:
    """A URL without scheme, user and ``.git``, so that ssh's and https' are one."""
    found = _URL.fullmatch(url.strip())
    return f"{found['host']}/{found['path']}".casefold() if found else url
