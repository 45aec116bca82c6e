"""``--staged`` and the hooks look at what will be committed; with real git and pre-commit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.check.test_findings import overlay, pod, sealed
from tests.testbed import binaries
from tests.testbed.fixtures import need

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
RAW = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: hunter2canary}\n"
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    need("kustomize")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/kustomize").symlink_to(binaries.path("kustomize"))
    root = tmp_path / "repository"
    root.mkdir()
    shell(root, "git", "init", "-q", "-b", "main")
    return root


def shell(root: Path, *words: str, code: int | None = 0) -> str:
    environment = {
        "PATH": os.pathsep.join([str(root.parent / "bin"), str(BIN), os.environ["PATH"]]),
        "HOME": str(root.parent),
        "PRE_COMMIT_HOME": str(root.parent / "pre-commit"),
        **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    done = subprocess.run(
        words, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def staged(root: Path, *options: str) -> list[tuple[str, str]]:
    out = shell(root, "seal", "check", "--staged", "-q", "--format", "json", *options, code=None)
    return [(one["rule"], one["path"]) for one in json.loads(out)["findings"]]


def test_a_secret_that_is_staged_is_found_though_the_file_is_clean_again(repository: Path) -> None:
    write(repository, {"s.yaml": RAW})
    shell(repository, "git", "add", ".")
    write(repository, {"s.yaml": GOOD})
    assert staged(repository) == [("raw-secret", "s.yaml")]


def test_a_secret_that_is_not_staged_is_no_finding(repository: Path) -> None:
    write(repository, {"s.yaml": GOOD})
    shell(repository, "git", "add", ".")
    write(repository, {"s.yaml": RAW, "untracked.yaml": RAW})
    assert staged(repository) == []


def test_what_was_committed_before_is_not_told_again(repository: Path) -> None:
    write(repository, {"old.yaml": RAW})
    shell(repository, "git", "add", ".")
    shell(repository, "git", "commit", "-qm", "old")
    write(repository, {"new.yaml": GOOD})
    shell(repository, "git", "add", ".")
    assert staged(repository) == []
    assert staged(repository, "old.yaml") == [("raw-secret", "old.yaml")]


def test_overlays_are_rendered_as_staged(repository: Path) -> None:
    write(repository, overlay("", s=sealed(), pod=pod("name: db")))
    shell(repository, "git", "add", ".")
    shell(repository, "git", "commit", "-qm", "sound")
    broken = "resources: [../base]\nnamePrefix: p-\n"
    write(repository, {"prod/kustomization.yaml": broken})
    shell(repository, "git", "add", ".")
    write(repository, {"prod/kustomization.yaml": "resources: [../base]\n"})
    assert sorted(rule for rule, _ in staged(repository)) == ["dangling-reference", "renamed"]


def test_a_staged_deletion_is_no_fault(repository: Path) -> None:
    write(repository, {"s.yaml": RAW, "t.yaml": GOOD})
    shell(repository, "git", "add", ".")
    shell(repository, "git", "commit", "-qm", "both")
    shell(repository, "git", "rm", "-q", "s.yaml")
    assert staged(repository) == []


def test_no_value_of_a_secret_is_written_anywhere_while_kustomize_runs(
    repository: Path,
) -> None:
    """A kustomize of our own looks through the mirror that it is given before it builds.

    Only with --remote may it start other programs and write what it sees.
    """
    home = repository.parent
    write(
        repository,
        {
            "a/kustomization.yaml": "resources: [s.yaml]\nsecretGenerator:\n- name: g\n"
            "  literals: [p=hunter2canary]\npatches:\n- target: {kind: Secret}\n"
            "  patch: '[{op: add, path: /stringData/q, value: hunter2canary}]'\n",
            "a/s.yaml": RAW,
            "b/kustomization.yaml": "resources: [s.yaml]\nsecretGenerator:\n- name: g\n"
            "  literals: [p=hunter2canary]\n  envs: [.env]\n",
            "b/s.yaml": RAW,
            "b/.env": "P=hunter2canary\n",
            "k.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: a, namespace: b}\nspec: {path: ./a, namePrefix: p-}\n",
        },
    )
    shell(repository, "git", "add", ".")
    write(repository, {"a/s.yaml": RAW + "\n"})
    real = str(binaries.path("kustomize"))
    spy = home / "spy"
    spy.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        f'find "$last/.." -type f -exec cat {{}} + >> "{home}/seen"\nexec "{real}" "$@"\n'
    )
    spy.chmod(0o755)
    paths = ["a", "b", "k.yaml"]
    found = staged(repository, "--remote", "--kustomize", str(spy), *paths)
    assert ("raw-secret", "a/s.yaml") in found
    seen = (home / "seen").read_text()
    assert "redacted" in seen
    assert "hunter2canary" not in seen


def hooks() -> list[dict[str, object]]:
    """The published hooks, to run from where they are installed already."""
    published = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return [{**hook, "language": "system"} for hook in published]


def test_the_published_hooks_are_valid(repository: Path) -> None:
    shell(repository, "pre-commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))
    assert {hook["id"] for hook in hooks()} == {"seal-check", "seal-no-raw-secrets"}


def test_pre_commit_refuses_a_commit_that_leaks_and_lets_a_sound_one_pass(
    repository: Path,
) -> None:
    config = {"repos": [{"repo": "local", "hooks": hooks()}]}
    write(repository, {".pre-commit-config.yaml": yaml.safe_dump(config), "s.yaml": RAW})
    shell(repository, "pre-commit", "install")
    shell(repository, "git", "add", ".")
    words = shell(repository, "git", "commit", "-m", "leak", code=1)
    assert "s.yaml:4: error: Secret a is in clear: p [raw-secret]" in words
    assert "hunter2canary" not in words
    # The leak stays in the folder: only what is staged counts.
    write(repository, {"s.yaml": GOOD})
    shell(repository, "git", "add", ".")
    write(repository, {"s.yaml": RAW})
    shell(repository, "git", "commit", "-m", "sound")
    assert (repository / "s.yaml").read_text() == RAW


def test_pre_commit_over_all_files_looks_at_all_files(repository: Path) -> None:
    config = {"repos": [{"repo": "local", "hooks": hooks()}]}
    write(repository, {".pre-commit-config.yaml": yaml.safe_dump(config)})
    write(repository, overlay("namePrefix: p-", s=sealed(), pod=pod("name: db")))
    shell(repository, "git", "add", ".")
    shell(repository, "git", "commit", "-qm", "without the hooks")
    words = shell(repository, "pre-commit", "run", "--all-files", code=1)
    assert "[renamed]" in words
    assert "[dangling-reference]" in words


@pytest.fixture(params=["main", "linked"])
def committing(repository: Path, request: pytest.FixtureRequest) -> Path:
    """A work tree whose commits run ``seal``; of a linked one git tells by GIT_DIR."""
    write(repository, {"a.yaml": GOOD, "b.yaml": GOOD, "apps/c.yaml": GOOD})
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nseal check --staged --raw-only && seal check --staged apps\n")
    hook.chmod(0o755)
    shell(repository, "git", "add", ".")
    shell(repository, "git", "commit", "-qm", "start")
    if request.param == "main":
        return repository
    shell(repository, "git", "worktree", "add", "-q", "../linked")
    return repository.parent / "linked"


def test_the_index_of_the_commit_at_hand_is_what_is_looked_at(committing: Path) -> None:
    """`git commit -a` and `git commit FILE` make one of their own for their hooks."""
    write(committing, {"a.yaml": RAW})
    assert "[raw-secret]" in shell(committing, "git", "commit", "-qam", "leak", code=1)
    shell(committing, "git", "add", "a.yaml")
    write(committing, {"b.yaml": GOOD + "\n"})
    shell(committing, "git", "commit", "-qm", "the sound one", "b.yaml")
    assert "[raw-secret]" in shell(committing, "git", "commit", "-qm", "leak", code=1)


def test_a_hook_may_name_a_folder(committing: Path) -> None:
    write(committing, {"apps/c.yaml": RAW})
    words = shell(committing, "git", "commit", "-qam", "leak", code=1)
    assert "apps/c.yaml:4: error" in words


def test_where_nothing_is_staged_everything_is_looked_at(repository: Path) -> None:
    write(repository, {"s.yaml": RAW})
    shell(repository, "git", "add", ".")
    shell(repository, "git", "commit", "-qm", "leak")
    assert staged(repository) == [("raw-secret", "s.yaml")]
