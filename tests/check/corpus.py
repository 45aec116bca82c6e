"""Overlays, sound and broken, sealed by the real kubeseal: one repository, a folder a case.

``{NAME}`` in a file stands for a SealedSecret that kubeseal made; ``edit`` changes its text
afterwards, as people do. Whether a case is sound is not written here: kubeseal says so of what
kustomize, or Flux's own library, makes of it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.fixtures import need

ROOT = Path(__file__).parents[2]
COMPONENT = ROOT / "examples" / "kustomize" / "sealed-names"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: web
        envFrom:
        - secretRef: {name: db}
"""
BASE = "resources: [sealed.yaml, web.yaml]\n"
COMPONENTS = "components: [{component}]\n"


@dataclass(frozen=True)
class Case:
    """One overlay; ``flux`` is the spec of a Flux Kustomization that applies ``folder``."""

    name: str
    files: Mapping[str, str]
    folder: str = "prod"
    scope: str = "strict"
    namespace: str = "shop"
    secret: str = "db"
    flux: str = ""
    edit: Callable[[str], str] = field(default=lambda text: text)
    key: str = "one"


def overlay(settings: str, *, component: bool = False, base: str = BASE) -> dict[str, str]:
    """A base with a SealedSecret and a Deployment, and an overlay ``prod`` with settings."""
    return {
        "base/kustomization.yaml": base + (COMPONENTS if component else ""),
        "base/sealed.yaml": "{SEALED}",
        "base/web.yaml": DEPLOYMENT,
        "prod/kustomization.yaml": f"resources: [../base]\n{settings}",
    }


WIDE = "sealedsecrets.bitnami.com/namespace-wide"
ADD_WIDE = f"""\
patches:
- target: {{kind: SealedSecret}}
  patch: |-
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {{name: any, annotations: {{{WIDE}: "true"}}}}
"""
DROP_WIDE = f"""\
patches:
- target: {{kind: SealedSecret}}
  patch: |-
    - op: remove
      path: /metadata/annotations/{WIDE.replace("/", "~1")}
"""
RENAME = """\
patches:
- target: {kind: SealedSecret}
  patch: |-
    - op: replace
      path: /metadata/name
      value: other
"""
NESTED = {
    **overlay("namespace: shop\n"),
    "eu/kustomization.yaml": "resources: [../prod]\nnameSuffix: -eu\n",
}


def renames(old: str, new: str) -> Callable[[str], str]:
    """An edit of the outer name after sealing; the template's stays."""

    def edit(text: str) -> str:
        place = "  name: {}\n  namespace: shop\nspec"
        assert place.format(old) in text
        return text.replace(place.format(old), place.format(new))

    return edit


def json_patch(path: str, value: str) -> str:
    """A Flux spec with one JSON patch of every SealedSecret."""
    operation = f"- {{op: add, path: {path}, value: {value}}}"
    return f'{{patches: [{{target: {{kind: SealedSecret}}, patch: "{operation}"}}]}}'


ALONE = {"prod/kustomization.yaml": "resources: [s.yaml]\n", "prod/s.yaml": "{SEALED}"}
BARE = {"prod/sealed.yaml": "{SEALED}", "prod/sub/.web.yml": DEPLOYMENT}
ANNOTATION = "{sealedsecrets.bitnami.com/cluster-wide: 'true'}"

CASES = [
    Case("plain", overlay("")),
    Case("same-namespace", overlay("namespace: shop\n")),
    Case("labels", overlay("commonLabels: {team: a}\ncommonAnnotations: {note: b}\n")),
    Case("prefix", overlay("namePrefix: prod-\n")),
    Case("suffix", overlay("nameSuffix: -v2\n")),
    Case("namespace", overlay("namespace: shop-prod\n")),
    Case("rename-patch", overlay(RENAME)),
    Case("prefix-strict-component", overlay("namePrefix: prod-\n", component=True)),
    Case("prefix-wide", overlay("namePrefix: prod-\n", component=True), scope="namespace-wide"),
    Case("prefix-wide-bare", overlay("namePrefix: prod-\n"), scope="namespace-wide"),
    Case("namespace-wide-moved", overlay("namespace: shop-prod\n"), scope="namespace-wide"),
    Case("cluster-wide-moved", overlay("namespace: shop-prod\n"), scope="cluster-wide"),
    Case(
        "cluster-wide-both",
        overlay("namespace: x\nnamePrefix: p-\nnameSuffix: -s\n", component=True),
        scope="cluster-wide",
    ),
    Case("scope-added", overlay(ADD_WIDE)),
    Case("scope-removed", overlay(DROP_WIDE), scope="namespace-wide"),
    Case("scope-common-annotation", overlay(f'commonAnnotations: {{{WIDE}: "true"}}\n')),
    Case("nested-sound", {**NESTED, "eu/kustomization.yaml": "resources: [../prod]\n"}, "eu"),
    Case("nested-suffix", NESTED, "eu"),
    Case("nested-suffix-wide", NESTED, "eu", scope="namespace-wide"),
    Case(
        "sealed-for-the-end",
        overlay("namePrefix: prod-\n"),
        secret="prod-db",
        edit=renames("prod-db", "db"),
    ),
    Case("moved-to-where-it-was-sealed", overlay("namespace: shop-prod\n"), namespace="shop-prod"),
    Case("renamed-by-hand", ALONE, edit=renames("db", "db2")),
    Case("other-cluster", overlay(""), key="two"),
    Case("flux-plain", overlay(""), flux="{}"),
    Case("flux-same-namespace", overlay(""), flux="{targetNamespace: shop}"),
    Case("flux-target-namespace", overlay(""), flux="{targetNamespace: shop-prod}"),
    Case("flux-cures-namespace", overlay("namespace: wrong\n"), flux="{targetNamespace: shop}"),
    Case("flux-prefix", overlay(""), flux="{namePrefix: prod-}"),
    Case(
        "flux-prefix-replaces",
        overlay("namePrefix: a-\n"),
        secret="b-db",
        flux="{namePrefix: b-}",
        edit=renames("b-db", "db"),
    ),
    Case(
        "flux-prefix-wide",
        overlay("", component=True),
        scope="namespace-wide",
        flux="{namePrefix: prod-}",
    ),
    Case("flux-suffix", overlay(""), flux="{nameSuffix: -blue}"),
    Case("flux-rename-patch", overlay(""), flux=json_patch("/metadata/name", "other")),
    Case("flux-scope-patch", overlay(""), flux=json_patch("/metadata/annotations", ANNOTATION)),
    Case("flux-no-kustomization", BARE, flux="{targetNamespace: shop}"),
    Case("flux-no-kustomization-moved", BARE, flux="{targetNamespace: x}"),
    Case(
        "flux-variable-name",
        overlay(""),
        flux="{postBuild: {substitute: {TIER: db}}}",
        edit=renames("db", "${TIER}"),
    ),
    Case(
        "flux-variable-renames",
        overlay(""),
        flux="{postBuild: {substitute: {TIER: gold}}}",
        edit=renames("db", "${TIER}-db"),
    ),
]


class Corpus:
    """The cases on disk, and kubeseal's verdict on each."""

    def __init__(self, home: Path) -> None:
        self.home, self.repository = home, home / "repository"
        need("kubeseal", "kustomize", "kubectl", "fluxbuild")
        self.kubeseal, self.kustomize = binaries.path("kubeseal"), binaries.path("kustomize")
        for name in ("one", "two"):
            key = pair(name)
            (home / f"{name}.pem").write_bytes(key.certificate.pem)
            (home / f"{name}.key").write_bytes(key.private_pem())

    def write(self) -> None:
        """Write every case and commit nothing: what Git would take is looked at, too."""
        shutil.copytree(COMPONENT, self.repository / "sealed-names")
        subprocess.run(["git", "init", "-q", self.repository], check=True)
        for case in CASES:
            for path, text in case.files.items():
                place = self.repository / "cases" / case.name / path
                place.parent.mkdir(parents=True, exist_ok=True)
                text = text.replace("{component}", "../../../sealed-names")
                if text == "{SEALED}":
                    text = case.edit(self.sealed(case))
                place.write_text(text)
            if case.flux:
                self._write_flux(case)

    def sealed(self, case: Case) -> str:
        """What kubeseal prints for the case's Secret, less its ``---``."""
        secret = (
            "apiVersion: v1\nkind: Secret\n"
            f"metadata: {{name: {case.secret}, namespace: {case.namespace}}}\n"
            "stringData: {password: hunter2}\n"
        )
        cert = str(self.home / f"{case.key}.pem")
        command = [str(self.kubeseal), "--cert", cert, "--scope", case.scope]
        done = subprocess.run(
            [*command, "-o", "yaml"], input=secret.encode(), capture_output=True, check=True
        )
        return done.stdout.decode().replace("---\n", "")

    def _write_flux(self, case: Case) -> None:
        text = (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            f"metadata: {{name: {case.name}, namespace: flux-system}}\n"
            f"spec:\n  path: ./cases/{case.name}/{case.folder}\n"
            "  sourceRef: {kind: GitRepository, name: flux-system}\n"
        )
        settings = case.flux.strip().removeprefix("{").removesuffix("}")
        # The settings are one flow mapping in the table; as block keys they read like Flux's.
        lines = "".join(f"  {part}\n" for part in _split(settings))
        place = self.repository / "clusters" / f"{case.name}.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text + lines)

    def opens(self, case: Case) -> bool:
        """Whether kubeseal opens every SealedSecret of what is really applied, with key one."""
        documents = self.built(case).split("\n---\n")
        sealed = [text for text in documents if "kind: SealedSecret" in text]
        assert sealed
        return all(self._opens(text) for text in sealed)

    def _opens(self, text: str) -> bool:
        key = str(self.home / "one.key")
        command = [str(self.kubeseal), "--recovery-unseal", "--recovery-private-key", key]
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        return done.returncode == 0

    def built(self, case: Case) -> str:
        """What kustomize, or Flux, applies."""
        if not case.flux:
            folder = self.repository / "cases" / case.name / case.folder
            command: list[str | Path] = [self.kustomize, "build", folder]
        else:
            copy = self.home / "copies" / case.name
            shutil.copytree(self.repository, copy, ignore=shutil.ignore_patterns(".git"))
            flux = copy / "clusters" / f"{case.name}.yaml"
            command = [binaries.path("fluxbuild"), copy, flux]
        return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def _split(settings: str) -> list[str]:
    """Cut a flow mapping's entries apart at its top level."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(settings):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(settings[start:index].strip())
            start = index + 1
    return [part for part in (*parts, settings[start:].strip()) if part]
