"""What `seal init` would write."""

from __future__ import annotations

import tomllib

from sealer.config.rules import RuleFile
from sealer.manifest import read_documents
from sealer.scaffold.plan import Tree, plan, steps


def texts(tree: Tree, service: str = "") -> dict[str, str]:
    """Each file's text."""
    return {one.path: one.text for one in plan(tree, version="1.2.3", service=service)}


def test_each_cluster_has_a_rule_of_its_own() -> None:
    tree = Tree(clusters=("clusters/dev", 'clusters/od"d'))
    rules = RuleFile.from_dict(tomllib.loads(texts(tree)[".seal.toml"]), ".", "x")
    found = rules.rule_for("clusters/dev/app/db.yaml")
    assert found is not None
    assert found.certs == ("clusters/dev/sealing.pem",)
    assert rules.rules[1].path == 'clusters/od"d/**'
    assert steps(tree)[0] == "seal cert --context dev -w clusters/dev/sealing.pem"


def test_a_tree_without_clusters_has_one_rule() -> None:
    rules = RuleFile.from_dict(tomllib.loads(texts(Tree())[".seal.toml"]), ".", "x")
    assert [one.path for one in rules.rules] == ["**"]
    assert steps(Tree())[0] == "seal cert -w sealing.pem"


def test_the_ci_job_is_that_of_the_service_that_has_files_here() -> None:
    seen = texts(Tree(services=("gitlab",)))
    assert ".gitlab-ci.sealed-secrets.yml" in seen
    assert "sealer==1.2.3" in seen[".gitlab-ci.sealed-secrets.yml"]
    assert not any("ci" in path for path in texts(Tree(services=("gitlab",)), "none"))
    assert ".github/workflows/sealed-secrets.yml" in texts(Tree(), "github")


def test_every_file_is_one_that_its_reader_understands() -> None:
    for service in ("github", "azure", "gitlab"):
        for path, text in texts(Tree(), service).items():
            if path.endswith((".yml", ".yaml")):
                assert next(read_documents(text, path)).value, path


def test_private_keys_are_ignored_once() -> None:
    assert ".gitignore" in texts(Tree())
    assert ".gitignore" not in texts(Tree(ignored=("*.key",)))
