"""What Flux and Argo CD do with objects, by Flux's own libraries and Argo CD's own Lua."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed import binaries, sources


def flux_apply(
    kubeconfig: Path, *manifests: str, timeout: str = "20s"
) -> tuple[dict[str, str], str]:
    """Apply and wait as for a Kustomization with ``wait: true``; ``timeout`` is a Go duration.

    Returns what was done to each object, by name, and Flux's error, empty where all is ready.
    """
    done = subprocess.run(
        [binaries.path("fluxapply"), str(kubeconfig), timeout],
        input="---\n".join(manifests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert bool(done.returncode) == bool(done.stderr.strip())
    lines = [line.split() for line in done.stdout.splitlines()]
    return {place.rpartition("/")[2]: action for place, action in lines}, done.stderr.strip()


@dataclass(frozen=True)
class Reconciler:
    """kustomize-controller for one repository on one cluster: it builds, applies and prunes."""

    kubeconfig: Path
    tree: Path
    """The repository as its last commit has it."""
    state: Path
    """Where the inventories are kept."""

    def build(self, kustomization: Mapping[str, Any]) -> str:
        """What Flux makes of its path, namespace, patches and variables."""
        with tempfile.TemporaryDirectory(prefix="flux-") as name:
            copy = Path(name) / "tree"
            shutil.copytree(self.tree, copy)
            file = Path(name) / "kustomization.json"
            file.write_text(json.dumps(kustomization))
            done = subprocess.run(
                [binaries.path("fluxbuild"), str(copy), str(file)],
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(
        self, kustomization: Mapping[str, Any], *, timeout: str = "20s", user: str = ""
    ) -> tuple[dict[str, str], str]:
        """Reconcile one Kustomization: what was done to each object, and Flux's error."""
        return self._apply(kustomization, self.build(kustomization), timeout, user)

    def delete(self, kustomization: Mapping[str, Any]) -> dict[str, str]:
        """What its finalizer does: everything of the inventory is pruned."""
        done, error = self._apply(kustomization, "", "5s", "")
        assert not error, error
        return done

    def _apply(
        self, kustomization: Mapping[str, Any], text: str, timeout: str, user: str
    ) -> tuple[dict[str, str], str]:
        metadata = kustomization["metadata"]
        place = f"{metadata['namespace']}/{metadata['name']}"
        inventory = self.state / place.replace("/", ".")
        more = [place, str(inventory), *([user] if user else [])]
        done = subprocess.run(
            [binaries.path("fluxapply"), str(self.kubeconfig), timeout, *more],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        return dict(line.split() for line in done.stdout.split("\n") if line), done.stderr.strip()


def flux_types(manifests: Iterable[str]) -> list[str]:
    """Read manifests, or events, into Flux's own types; their kinds, which an event has none of."""
    done = subprocess.run(
        [binaries.path("fluxtypes")],
        input="\n---\n".join(manifests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def kstatus(resource: Mapping[str, Any]) -> str:
    """Return what Flux says: Current, InProgress, Failed, Terminating and so on."""
    done = subprocess.run(
        [binaries.path("kstatus")],
        input=json.dumps(resource),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def argo_cd_rules(group: str, kind: str) -> list[str]:
    """Return the Lua that the versions of Argo CD have built in for a kind."""
    folders = [sources.folder(name) for name in ("argo-cd-3.4", "argo-cd-3.5")]
    names = [one / "resource_customizations" / group / kind / "health.lua" for one in folders]
    return [name.read_text() for name in names]


def argo_cd(rule: str, resource: Mapping[str, Any]) -> tuple[str, str]:
    """Return health and message by a rule in Lua, run by the interpreter that Argo CD has."""
    judge = f"local function health(obj)\n{rule}\nend\n"
    tell = f"local it = health({_lua(resource)})\nprint(it.status, it.message)"
    command = [str(binaries.path("glua")), "-e", judge + tell]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    health, _, message = done.stdout.strip().partition("\t")
    return health, message


def _lua(value: Any) -> str:
    """A value as Lua writes it."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"[{_lua(key)}]={_lua(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(_lua, value)) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(f"\\{byte:03}" for byte in str(value).encode()) + '"'
