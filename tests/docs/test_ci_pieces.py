"""What CI services get from us: linted, and their shell run in a real repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealer.scaffold.jobs import JOBS
from tests.tree import Tree, make_tree, sealed_yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
TEMPLATE = yaml.safe_load((ROOT / "examples/ci/azure-pipelines.yml").read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A repository in which a key was added since its first commit, and a runner's folders."""
    tree = make_tree(tmp_path)
    tree.write("db.yaml", sealed_yaml({"k": "v"}))
    tree.git("init", "-q", "-b", "main")
    tree.git("add", "db.yaml")
    tree.git("commit", "-qm", "one")
    tree.git("update-ref", "refs/remotes/origin/main", "HEAD")
    tree.write("db.yaml", sealed_yaml({"k": "v", "more": "x"}))
    tree.git("commit", "-qam", "two")
    for key in ("one.key", "two.key"):
        (tree.root / key).unlink()
    (tree.home / "seal/bin").mkdir(parents=True)
    (tree.home / "seal/bin/seal").symlink_to(Path(sys.executable).parent / "seal")
    return tree


def step(name: str) -> str:
    """The shell of one of the action's steps."""
    return next(str(one["run"]) for one in ACTION["runs"]["steps"] if one["name"] == name)


def shell(tree: Tree, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as the runner does."""
    places = {"RUNNER_TEMP": str(tree.home), "AGENT_TEMPDIRECTORY": str(tree.home)}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tree.root,
        env={**tree.environment, **places, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def check(tree: Tree, **more: str) -> tuple[str, str]:
    """What the action's check prints, and the exit code that it hands on."""
    output = tree.home / "output"
    output.write_text("")
    settings = {"PATHS": "", "RAW_ONLY": "true", "STRICT": "false", "GITHUB_OUTPUT": str(output)}
    done = shell(tree, step("Check"), **(settings | more))
    assert done.returncode == 0, done.stderr
    return done.stdout, output.read_text()


def test_the_action_hands_on_what_the_check_found(tree: Tree) -> None:
    assert check(tree) == ("", "code=0\n")
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n"
    tree.write("bad secret.yaml", secret)
    tree.git("add", ".")
    annotations, code = check(tree)
    assert code == "code=1\n"
    assert annotations.startswith("::error file=bad secret.yaml")
    assert '"raw-secret"' in (tree.home / "seal.sarif").read_text()
    assert "hunter2" not in annotations
    assert check(tree, PATHS="db.yaml")[1] == "code=0\n"
    tree.write(".seal.toml", "[[rule]\n")
    tree.git("add", ".")
    assert check(tree)[1] == "code=3\n"
    assert shell(tree, step("Result"), CODE="3").returncode == 3


def test_the_actions_comment_names_the_keys_that_changed(tree: Tree) -> None:
    tree.write(".git/gh", "")
    fake = tree.home / "bin"
    fake.mkdir()
    (fake / "gh").write_text('#!/bin/sh\necho "$@"\n')
    (fake / "gh").chmod(0o755)
    path = f"{fake}{os.pathsep}{tree.environment['PATH']}"
    base = tree.git("rev-parse", "origin/main").strip()
    done = shell(tree, step("Comment the keys that changed"), PATH=path, BASE=base, NUMBER="7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pr comment 7 --edit-last")
    assert "| `more` | added" in (tree.home / "seal.md").read_text()


def test_no_expression_stands_in_the_actions_shell() -> None:
    for one in ACTION["runs"]["steps"]:
        assert "${{" not in one["run"], one["name"]
    done = subprocess.run(
        [Path(sys.executable).parent / "zizmor", "--offline", "--quiet", "action.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def bash_of(name: str) -> str:
    """The shell of one of the template's steps."""
    steps: list[dict[str, Any]] = TEMPLATE["jobs"][0]["steps"]
    return next(str(one["bash"]) for one in steps if one.get("displayName") == name)


def test_the_template_fails_on_findings_and_keeps_the_report(tree: Tree) -> None:
    settings = {"PATHS": ".", "RAW_ONLY": "True"}
    assert shell(tree, bash_of("Check"), **settings).returncode == 0
    assert "sarif" in (tree.home / "logs/seal.sarif").read_text()
    tree.write("bad.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: dg==}\n")
    tree.git("add", ".")
    done = shell(tree, bash_of("Check"), **settings)
    assert done.returncode == 1
    assert "[raw-secret]" in done.stdout
    shown = shell(tree, bash_of("Keys that changed"), TARGET="refs/heads/main")
    assert "task.uploadsummary" in shown.stdout
    assert "`more`" in (tree.home / "seal.md").read_text()


def test_the_jobs_of_init_name_what_this_repository_has() -> None:
    assert "examples/ci/azure-pipelines.yml@sealer" in JOBS["azure"][1]
    assert "sealer/sealer@v" in JOBS["github"][1]
    assert (ROOT / "action.yml").exists()


def test_the_gitlab_job_runs(tree: Tree) -> None:
    job = yaml.safe_load(JOBS["gitlab"][1])["seal-check"]
    for line in job["script"]:
        done = shell(tree, line, CI_MERGE_REQUEST_DIFF_BASE_SHA="origin/main")
        assert done.returncode == 0, done.stderr
