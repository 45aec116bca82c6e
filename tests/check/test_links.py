"""Trees that hold links to folders and submodules, as kustomize reads them; with real git."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.check.test_findings import pod, sealed
from tests.check.test_staged import repository as repository
from tests.check.test_staged import shell, write


def findings(root: Path, *options: str) -> list[tuple[str, str]]:
    out = shell(root, "seal", "check", "-q", "--format", "json", *options, code=None)
    return [(one["rule"], one["path"]) for one in json.loads(out)["findings"]]


def base(folder: str) -> dict[str, str]:
    return {
        f"{folder}/kustomization.yaml": "resources: [s.yaml, pod.yaml]\n",
        f"{folder}/s.yaml": sealed(),
        f"{folder}/pod.yaml": pod("name: db"),
    }


@pytest.mark.parametrize("options", [(), ("--staged",)], ids=["tree", "staged"])
def test_a_base_behind_a_link_is_built(repository: Path, options: tuple[str, ...]) -> None:
    overlay = "resources: [base]\nnamePrefix: p-\n"
    write(repository, {**base("bases/shop"), "prod/kustomization.yaml": overlay})
    (repository / "prod/base").symlink_to("../bases/shop")
    shell(repository, "git", "add", ".")
    assert ("renamed", "bases/shop/s.yaml") in findings(repository, *options)
    write(repository, {"prod/kustomization.yaml": "resources: [base]\n"})
    shell(repository, "git", "add", ".")
    assert findings(repository, *options) == []


@pytest.mark.parametrize("options", [(), ("--staged",)], ids=["tree", "staged"])
def test_a_base_in_a_submodule_is_built(repository: Path, options: tuple[str, ...]) -> None:
    module = repository.parent / "module"
    module.mkdir()
    shell(module, "git", "init", "-q", "-b", "main")
    write(module, base("shop"))
    shell(module, "git", "add", ".")
    shell(module, "git", "commit", "-qm", "base")
    words = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(module), "lib")
    shell(repository, "git", *words)
    write(repository, {"prod/kustomization.yaml": "resources: [../lib/shop]\n"})
    shell(repository, "git", "add", ".")
    assert findings(repository, *options) == []
