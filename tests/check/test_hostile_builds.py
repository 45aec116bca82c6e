"""What a stranger's kustomization may make of the machine that checks it: nothing; real kustomize.

The environment and files hold a canary that is a valid name, so that no rule on names hides it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sealer.check.builds.kustomize import LIMITS, Kustomize, KustomizeError, Mirror
from sealer.confined.confinement import Confinement, Limits
from tests.check.test_findings import SEAL, rules, sealed, write
from tests.testbed import binaries
from tests.testbed.fixtures import need

CANARY = "hunter2canary"
FORMATS = ("text", "json", "github", "sarif", "azure")
# Whatever the ConfigMap "leak" holds under "k" becomes a SealedSecret's name, whole or in parts.
SHOWN = """\
generatorOptions: {disableNameSuffixHash: true}
replacements:
- source: {kind: ConfigMap, name: leak, fieldPath: data.k}
  targets: [{select: {kind: SealedSecret}, fieldPaths: [metadata.name]}]
"""
FILES = "resources: [sealed.yaml]\nconfigMapGenerator: [{{name: leak, files: ['k={}']}}]\n"
PLUGIN = """\
resources: [sealed.yaml]
generators:
- |
  apiVersion: builtin
  kind: ConfigMapGenerator
  metadata: {{name: leak}}
  files: ['k={}']
"""
WAYS = [
    pytest.param(FILES, id="files"),
    pytest.param(FILES.replace("files", "Files"), id="another spelling"),
    pytest.param(PLUGIN, id="written-out plugin"),
    pytest.param("resources: [sealed.yaml]\ngenerators: [gen.yaml]\n", id="plugin's file"),
    pytest.param("resources: [sealed.yaml]\ngenerators: [gen]\n", id="plugin's folder"),
    pytest.param("resources: [sealed.yaml, '{}']\n", id="resources"),
    pytest.param("resources: [sealed.yaml]\npatches: [{{path: '{}'}}]\n", id="patches"),
    pytest.param("resources: [sealed.yaml]\npatches: ['{}']\n", id="old patches"),
    pytest.param("resources: [sealed.yaml]\nopenapi: {{path: '{}'}}\n", id="openapi"),
    pytest.param("resources: [sealed.yaml]\ncrds: ['{}']\n", id="crds"),
    pytest.param("resources: [sealed.yaml]\nconfigurations: ['{}']\n", id="configurations"),
    pytest.param("resources: [sealed.yaml]\ncomponents: ['{}']\n", id="components"),
    pytest.param("resources: [sealed.yaml]\nreplacements: [{{path: '{}'}}]\n", id="replacements"),
]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file with the canary beside the repository."""
    need("kustomize")
    path = tmp_path / "outside"
    path.write_text(CANARY)
    return path


@pytest.fixture
def tree(tmp_path: Path, outside: Path) -> Path:
    """A repository with a SealedSecret, and with links to what is none of its business."""
    root = tmp_path / "tree"
    write(root, {"t/sealed.yaml": sealed(), ".gitignore": "ignored\n", "ignored": CANARY})
    subprocess.run(["git", "init", "-q", root], check=True)
    with (root / ".git" / "config").open("a") as config:
        config.write(f"[x]\n\ty = {CANARY}\n")
    (root / "t" / "link").symlink_to(outside)
    (root / "t" / "config").symlink_to("../.git/config")
    (root / "t" / "hidden").symlink_to("../ignored")
    (root / "t" / "folder").symlink_to(outside.parent)
    (root / "t" / "again").symlink_to("link")
    return root


def check(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    kustomize = str(binaries.path("kustomize"))
    return subprocess.run(
        [SEAL, "check", "--kustomize", kustomize, *options],
        cwd=root,
        env={**os.environ, "CI_SECRET_TOKEN": CANARY, "k": CANARY},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_shows_the_environment(tree: Path, name: str) -> None:
    text = FILES.format("/proc/self/environ") + SHOWN
    write(tree, {"t/kustomization.yaml": text})
    done = check(tree, "--format", name)
    assert "not-rendered" in done.stdout
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "target", ["{outside}", "../../outside", "link", "again", "config", "hidden", "folder/outside"]
)
def test_no_file_outside_of_the_tree_is_read(
    tree: Path, outside: Path, way: str, target: str
) -> None:
    target = target.format(outside=outside)
    generator = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: leak}\n"
    generator += f"files: ['k={target}']\n"
    shown = SHOWN if "replacements" not in way else ""
    write(
        tree,
        {
            "t/kustomization.yaml": way.format(target) + shown,
            "t/gen.yaml": generator,
            "t/gen/kustomization.yaml": "resources: [gen.yaml]\n",
            "t/gen/gen.yaml": generator,
        },
    )
    done = check(tree, "--format", "json")
    found = [one for one in json.loads(done.stdout)["findings"] if "/gen/" not in one["path"]]
    assert {"not-rendered", "build-failed"} & set(rules(found))
    assert CANARY not in done.stdout + done.stderr


def test_a_line_without_a_value_is_not_filled_in_from_the_environment(tree: Path) -> None:
    text = "resources: [sealed.yaml]\nconfigMapGenerator: [{name: leak, envs: [env]}]\n"
    write(tree, {"t/kustomization.yaml": text + SHOWN, "t/env": "k\n"})
    done = check(tree)
    assert CANARY not in done.stdout + done.stderr


def test_a_file_that_git_ignores_shows_no_value(tree: Path) -> None:
    write(tree, {"t/kustomization.yaml": FILES.format("../ignored") + SHOWN})
    done = check(tree)
    assert "[renamed]" in done.stdout
    assert CANARY not in done.stdout + done.stderr


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/meta", asked
        server.shutdown()


@pytest.mark.parametrize(
    "text",
    [
        "resources: ['{}']\n",
        "resources: [!foo '{}']\n",
        "resources: ['{}']\ncommonAnnotations: {{on: x}}\n",
        "resources: ['{}']\n---\nresources: []\n",
        "resources: ['{}']\nresources: []\n",
        "---\n- a\n---\nresources: ['{}']\n",
    ],
    ids=["link", "tag", "boolean key", "two documents", "twice", "list first"],
)
@pytest.mark.parametrize("base", ["real", "link", "t/near"])
def test_nothing_is_fetched_from_loopback(
    tree: Path, listener: tuple[str, list[str]], text: str, base: str
) -> None:
    url, asked = listener
    (tree / "link").symlink_to("real")
    (tree / "t" / "near").symlink_to("../link")
    write(
        tree,
        {
            "real/kustomization.yaml": text.format(url),
            "t/kustomization.yaml": f"resources: [sealed.yaml, ../{base}]\n",
        },
    )
    done = check(tree, "--format", "json")
    assert {"not-rendered", "build-failed"} & set(rules(json.loads(done.stdout)["findings"]))
    assert not asked


def test_a_submodules_kustomizations_are_looked_at_too(
    tree: Path, listener: tuple[str, list[str]]
) -> None:
    url, asked = listener
    module = tree.parent / "module"
    write(module, {"base/kustomization.yaml": f"resources: ['{url}']\n"})
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (
        ("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "base"),
    ):  # fmt: skip
        subprocess.run(["git", "-C", module, *words], check=True)
    allowed = ("-c", "protocol.file.allow=always")
    subprocess.run(
        ["git", "-C", tree, *allowed, "submodule", "add", "-q", module, "lib"], check=True
    )
    write(tree, {"t/kustomization.yaml": "resources: [../lib/base]\n"})
    done = check(tree, "--format", "json")
    assert "not-rendered" in rules(json.loads(done.stdout)["findings"])
    assert not asked


def build(files: dict[str, str], limits: Limits = LIMITS) -> str | KustomizeError:
    """What a build makes of a folder that no rule has looked at."""
    need("kustomize")
    command = [str(binaries.path("kustomize")), "build"]
    with Mirror({}) as mirror:
        mirror.add({}, files)
        runner = Kustomize(command, mirror, limits=limits)
        try:
            return runner.build([mirror.wrapper("t")])[0]
        finally:
            runner.close()


has_jail = pytest.mark.skipif(
    Confinement("/bin/true", [], LIMITS).files_are_shut is False, reason="needs Landlock"
)
ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{k: '{}'}}\n"


@has_jail
@pytest.mark.parametrize("target", ["{outside}", "/proc/self/environ", "/etc/hostname"])
def test_a_build_itself_reads_nothing_else(outside: Path, target: str) -> None:
    """Were the rules to overlook a way: the kernel refuses it."""
    text = FILES.format(target.format(outside=outside)).replace("sealed.yaml", "a.yaml")
    done = build({"t/kustomization.yaml": text, "t/a.yaml": ONE.format("x")})
    assert isinstance(done, KustomizeError)


def test_a_build_itself_knows_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_SECRET_TOKEN", CANARY)
    text = "configMapGenerator: [{name: leak, envs: [env]}]\n"
    done = build({"t/kustomization.yaml": text, "t/env": "CI_SECRET_TOKEN\n"})
    assert isinstance(done, str)
    assert CANARY not in done


@has_jail
def test_a_build_itself_has_no_network(listener: tuple[str, list[str]]) -> None:
    """Were the rules to overlook a way: no proxy is asked for loopback, and the kernel refuses."""
    url, asked = listener
    assert isinstance(build({"t/kustomization.yaml": f"resources: ['{url}']\n"}), KustomizeError)
    assert not asked


@has_jail
def test_a_build_itself_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\necho asked > {tmp_path}/asked\nexit 1\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    text = "resources: ['git@example.invalid:o/r']\n"
    assert isinstance(build({"t/kustomization.yaml": text}), KustomizeError)
    assert not (tmp_path / "asked").exists()


def doubling(levels: int) -> dict[str, str]:
    """Kustomizations of which each includes two of the next level: 2**levels of them are built."""
    found = {"t/kustomization.yaml": "resources: [../a0, ../b0]\n"}
    for level in range(levels):
        for letter in "ab":
            path = f"{letter}{level}/kustomization.yaml"
            found[path] = f"namePrefix: {letter}-\nresources: [../a{level + 1}, ../b{level + 1}]\n"
    for letter in "ab":
        found[f"{letter}{levels}/kustomization.yaml"] = (
            f"namePrefix: {letter}-\nconfigMapGenerator: [{{name: c, literals: [k=v]}}]\n"
        )
    return found


def test_a_doubling_tree_takes_no_more_than_its_bound() -> None:
    done = build(doubling(40), Limits(seconds=2))
    assert isinstance(done, KustomizeError)
    assert "more than 2 s" in done.message


def test_a_doubling_tree_takes_no_more_cpu_time_than_its_bound() -> None:
    done = build(doubling(40), Limits(cpu_seconds=1))
    assert isinstance(done, KustomizeError)
    assert "CPU" in done.message


def test_a_build_takes_no_more_memory_than_its_bound() -> None:
    files = {"t/kustomization.yaml": "resources: [a.yaml]\n", "t/a.yaml": ONE.format("x" * 2**24)}
    assert isinstance(build(files), str)
    assert isinstance(build(files, Limits(memory=128 << 20)), KustomizeError)


def test_a_build_prints_no_more_than_its_bound() -> None:
    files = {"t/kustomization.yaml": "resources: [a.yaml]\n", "t/a.yaml": ONE.format("x" * 2**20)}
    done = build(files, Limits(output=2**19))
    assert isinstance(done, KustomizeError)
    assert "prints more" in done.message


@pytest.mark.parametrize("limits", [Limits(run_seconds=0), Limits(run_output=10)])
def test_a_run_as_a_whole_is_bounded(limits: Limits) -> None:
    files = {"t/kustomization.yaml": "resources: [a.yaml]\n", "t/a.yaml": ONE.format("x")}
    assert isinstance(build(files, limits), KustomizeError)
