"""Trees that strangers wrote, cloned for real: no command runs a program that they name.

An attack is a row: what it writes into a Git folder's configuration, and a command of git's own
which proves that it is one. It comes as a folder that git would take for a repository, and as an
archive that was unpacked with its ``.git``.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.testbed import binaries
from tests.testbed.fixtures import need
from tests.tree import Tree, make_tree, sealed_yaml

ROOT = Path(__file__).parents[2]
RAW = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: hunter2canary}\n"
LEAK = "apps/overlays/prod/cm.yaml"
STATUS, DIFF = ("status",), ("diff",)
FSMONITOR = '[core]\nfsmonitor = "{evil}; false"\n'

ATTACKS = {
    "fsmonitor": (FSMONITOR, STATUS),
    "hooks": ("[core]\nhooksPath = {hooks}\n", STATUS),
    "pager": ("[core]\npager = {evil}\n[pager]\ndiff = {evil}\nconfig = {evil}\n", DIFF),
    "external diff": ("[diff]\nexternal = {evil}\n", DIFF),
    "textconv": ('[diff "evil"]\ntextconv = {evil}\n', DIFF),
    "diff driver": ('[diff "evil"]\ncommand = {evil}\n', DIFF),
    "clean filter": ('[filter "evil"]\nclean = {evil}\nrequired\n', DIFF),
    "process filter": ('[filter "evil"]\nprocess = {evil}\n', DIFF),
    "ssh": (
        "[core]\nrepositoryformatversion = 1\nsshCommand = {evil}\n[extensions]\n"
        'partialClone = origin\n[remote "origin"]\nurl = ssh://h/r\npromisor = true\n',
        ("fetch", "origin"),
    ),
    "remote helper": (
        '[core]\nrepositoryformatversion = 1\n[protocol "ext"]\nallow = always\n[extensions]\n'
        'partialClone = origin\n[remote "origin"]\nurl = ext::{evil}\npromisor = true\n',
        ("fetch", "origin"),
    ),
    "another tree": (FSMONITOR + "worktree = {elsewhere}\n", STATUS),
    "include": ("[include]\npath = {more}\n", STATUS),
}
COMMANDS = {
    "check": ("check",),
    "check a folder": ("check", "apps"),
    "check below": ("check", "apps/overlays/prod"),
    "check staged": ("check", "--staged"),
    "check a staged file": ("check", "--staged", LEAK),
    "diff": ("diff",),
    "git install": ("git", "install", "--local"),
    "git textconv": ("git", "textconv", "--", "apps/sealed.yaml"),
    "git merge-driver": ("git", "merge-driver", "--", *["apps/sealed.yaml"] * 3),
}
OTHERS = {
    "verify": ("verify", "apps/sealed.yaml", "--key", "{key}"),
    "reencrypt": ("reencrypt", "apps", "-i", "--key", "{key}", "--cert", "{cert}"),
    "keys usage": ("keys", "usage", "apps", "--key", "{key}"),
    "unseal": ("unseal", "apps/sealed.yaml", "--key", "{key}"),
    "edit": ("edit", "apps/sealed.yaml", "--key", "{key}", "--cert", "{cert}"),
    "vault check": ("vault", "check", "apps"),
    "krm": ("krm",),
}


class Trap:
    """A clone of a stranger's repository, and the mark that his program leaves."""

    def __init__(self, folder: Path) -> None:
        self.keys = make_tree(folder)
        self.mark, self.evil = folder / "ran", folder / "evil"
        self.evil.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.mark}\nexit 1\n')
        self.evil.chmod(0o755)
        self.tree = Tree(folder / "clone", self.keys.home)
        (folder / "elsewhere").mkdir()
        (folder / "hooks").mkdir()
        for name in ("post-index-change", "pre-auto-gc", "reference-transaction"):
            (folder / "hooks" / name).symlink_to(self.evil)
        (folder / "more").write_text(FSMONITOR.format(evil=self.evil))
        self._folder = folder

    def written(self, config: str) -> str:
        folder = self._folder
        return config.format(
            evil=self.evil, hooks=folder / "hooks", more=folder / "more",
            elsewhere=folder / "elsewhere",
        )  # fmt: skip

    def clone(self, config: str, *, embedded: bool) -> None:
        """A real repository ``apps``, with this configuration, in another that is cloned."""
        source = Tree(self._folder / "source", self.keys.home)
        inner = Tree(source.root / "apps", self.keys.home)
        inner.root.mkdir(parents=True)
        inner.write("overlays/prod/cm.yaml", RAW)
        inner.write("sealed.yaml", sealed_yaml({"k": "v"}))
        inner.write(".gitattributes", "*.yaml diff=evil filter=evil\n")
        inner.git("init", "-q", "-b", "main")
        inner.git("add", ".")
        inner.git("commit", "-qm", "inner")
        for name in ("objects", "refs"):
            inner.write(f".git/{name}/.keep", "")
        shutil.rmtree(inner.root / ".git/hooks")
        packed = self._folder / "packed"
        shutil.move(inner.root / ".git", packed)
        with (packed / "config").open("a") as stream:
            stream.write(("[core]\nworktree = .\n" if embedded else "") + self.written(config))
        if embedded:
            shutil.copytree(packed, inner.root, dirs_exist_ok=True)
        source.git("init", "-q", "-b", "main")
        source.git("add", "-A", "-f", ".")
        source.git("commit", "-qm", "a pull request")
        source.git("clone", "-q", str(source.root), str(self.tree.root))
        if not embedded:
            shutil.copytree(packed, self.tree.root / "apps/.git")
        # Git looks again at what is not as its index says.
        (self.tree.root / "apps/sealed.yaml").write_text(sealed_yaml({"k": "other"}))

    def seal(self, *words: str, inside: bool = False, status: int | None = None) -> str:
        """What a command prints, once it is known that nothing else ran."""
        key, cert = (str(self.keys.root / f"one.{name}") for name in ("key", "pem"))
        done = subprocess.run(
            ["seal", *(word.format(key=key, cert=cert) for word in words)],
            cwd=self.tree.root / "apps" if inside else self.tree.root,
            env={**self.tree.environment, "EDITOR": "true"},
            input="apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert not self.mark.exists(), f"{words}: {self.mark.read_text()}"
        assert "Traceback" not in done.stderr
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def springs(self, *words: str) -> bool:
        """Whether git on its own, before a terminal and on a copy, runs the program."""
        copy = self._folder / "copy"
        shutil.copytree(self.tree.root, copy)
        reader, terminal = pty.openpty()
        try:
            subprocess.run(
                ["git", "-C", str(copy / "apps"), *words],
                env=self.tree.environment, stdin=subprocess.DEVNULL, stdout=terminal,
                stderr=subprocess.DEVNULL, check=False, timeout=60,
            )  # fmt: skip
        finally:
            os.close(reader)
            os.close(terminal)
        ran = self.mark.exists()
        self.mark.unlink(missing_ok=True)
        return ran


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


@pytest.mark.parametrize("shape", ["embedded", "unpacked"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_git_runs_nothing_that_a_tree_names(trap: Trap, attack: str, shape: str) -> None:
    config, proof = ATTACKS[attack]
    trap.clone(config, embedded=shape == "embedded")
    assert trap.springs(*proof), "git itself does not fall for it: this row shows nothing"
    trap.seal("check", "apps")
    trap.seal("check", "--staged", LEAK)
    trap.seal("diff", inside=True)
    trap.seal("git", "textconv", "--", "sealed.yaml", inside=True)


@pytest.mark.parametrize("shape", ["embedded", "unpacked"])
def test_no_command_runs_it(trap: Trap, shape: str) -> None:
    trap.clone(FSMONITOR, embedded=shape == "embedded")
    for words in (*COMMANDS.values(), *OTHERS.values()):
        trap.seal(*words)
    for words in COMMANDS.values():
        trap.seal(*(word.removeprefix("apps/") for word in words if word != "apps"), inside=True)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.startswith("check")])
@pytest.mark.parametrize("attack", ["fsmonitor", "another tree"])
def test_the_outer_tree_is_looked_at(trap: Trap, attack: str, name: str) -> None:
    trap.clone(ATTACKS[attack][0], embedded=True)
    words = (*COMMANDS[name], "-q", "--format", "json")
    found = json.loads(trap.seal(*words, status=1))["findings"]
    assert [(one["rule"], one["path"]) for one in found] == [("raw-secret", LEAK)]


@pytest.mark.parametrize("options", [(), ("--staged",)], ids=["tree", "staged"])
def test_from_inside_the_embedded_folder_as_well(trap: Trap, options: tuple[str, ...]) -> None:
    trap.clone(FSMONITOR, embedded=True)
    assert f"{LEAK}:4: error" in trap.seal("check", *options, inside=True, status=1)
    assert "apps/sealed.yaml" in trap.seal("diff", inside=True, status=0)
    assert "apps/sealed.yaml" in trap.seal("diff", "--path", "sealed.yaml", inside=True, status=0)


def test_an_unpacked_repository_is_looked_at_without_its_programs(trap: Trap) -> None:
    trap.clone(ATTACKS["clean filter"][0], embedded=False)
    assert "overlays/prod/cm.yaml:4: error" in trap.seal("check", "apps", status=1)
    assert "overlays/prod/cm.yaml:4: error" in trap.seal("check", "--staged", "apps", status=1)


def test_a_repository_that_stands_for_another_folder_is_refused(trap: Trap) -> None:
    trap.clone(ATTACKS["another tree"][0], embedded=False)
    assert "another folder" in trap.seal("check", "apps", status=3)


def test_a_filter_that_cannot_be_left_out_is_refused(trap: Trap) -> None:
    trap.clone('[filter "a=b"]\nclean = {evil}\n', embedded=False)
    attributes = trap.tree.root / "apps/.gitattributes"
    attributes.write_text("*.yaml filter=a=b\n")
    assert "cannot be left out" in trap.seal("check", "--staged", "apps", status=3)


def test_a_repository_that_git_cannot_read_is_no_pass(trap: Trap) -> None:
    trap.clone("", embedded=True)
    (trap.tree.root / ".git/index").write_bytes(b"junk")
    for words in (("check",), ("check", "apps"), ("check", "--staged")):
        assert "seal: error: git ls-files" in trap.seal(*words, status=3)


def test_a_link_that_leads_out_of_the_repository_is_refused(trap: Trap, tmp_path: Path) -> None:
    trap.clone("", embedded=True)
    (trap.tree.root / "link").symlink_to(tmp_path / "elsewhere")
    (trap.tree.root / "inside").symlink_to("apps/overlays")
    assert "leads out" in trap.seal("check", "link", status=3)
    assert LEAK in trap.seal("check", "inside/prod", status=1)


def test_the_hooks_take_no_file_for_an_option(trap: Trap) -> None:
    """pre-commit hands the names of files over as they are."""
    need("kustomize")
    trap.clone(FSMONITOR, embedded=True)
    tree = trap.tree
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    local = {"repo": "local", "hooks": [{**hook, "language": "system"} for hook in hooks]}
    tree.write(".pre-commit-config.yaml", yaml.safe_dump({"repos": [local]}))
    tree.write("kustomization.yaml", "resources: [apps/sealed.yaml]\n")
    tree.write("x/evil", trap.evil.read_text()).chmod(0o755)
    tree.write("--kustomize=x/evil", "text\n")
    tree.git("add", "-A", ".")
    home = {
        "PRE_COMMIT_HOME": str(tree.home / "pre-commit"),
        "SEAL_KUSTOMIZE": str(binaries.path("kustomize")),
    }
    tree.run("pre-commit", "run", status=0, environment=home)
    assert not trap.mark.exists(), trap.mark.read_text()
    tree.git("commit", "-qm", "all of it")
    done = tree.run("pre-commit", "run", "--all-files", status=1, environment=home)
    assert not trap.mark.exists(), trap.mark.read_text()
    assert f"{LEAK}:4: error" in done.stdout
