"""The real components, built by name from their Go modules and kept between runs.

``python -m tests.testbed.binaries`` builds all of them (about five minutes on two cores the first
time). A build is kept under the checksums of the module that pins it, in the user's cache folder
or ``SEALER_TESTBED_CACHE``; ``KUBEBUILDER_ASSETS`` is used for what it holds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import sources

HERE = Path(__file__).parent
KUBERNETES_VERSION = "v1.35.4"
PEER = sources.MODULES["peer"][0]
_VERSION_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in {
        "gitVersion": KUBERNETES_VERSION,
        "gitMajor": "1",
        "gitMinor": "35",
        "gitTreeState": "clean",
    }.items()
)


@dataclass(frozen=True)
class Tool:
    """Where a binary comes from."""

    package: str
    module: Path = HERE
    ldflags: str = ""
    tags: str = ""
    tests: str = ""
    """The folder of the peer's module whose tests are the binary; by the module's own go.sum."""


TOOLS = {
    "etcd": Tool("go.etcd.io/etcd/server/v3"),
    "kube-apiserver": Tool("k8s.io/kubernetes/cmd/kube-apiserver", ldflags=_VERSION_FLAGS),
    "kube-controller-manager": Tool(
        "k8s.io/kubernetes/cmd/kube-controller-manager", ldflags=_VERSION_FLAGS
    ),
    "kubectl": Tool("k8s.io/kubernetes/cmd/kubectl", ldflags=_VERSION_FLAGS),
    "kubeseal": Tool(f"{PEER}/cmd/kubeseal"),
    "peer-controller": Tool(f"{PEER}/cmd/controller"),
    # The peer's own integration tests, of a cluster that its controller runs in.
    "peer-suite": Tool(PEER, tests="./integration", tags="integration"),
    "helm": Tool("helm.sh/helm/v3/cmd/helm", module=HERE / "gitops"),
    # Go's text/template, the reference of sealer/template.
    "template-oracle": Tool(".", module=HERE.parent / "template" / "oracle"),
    "kustomize": Tool("sigs.k8s.io/kustomize/kustomize/v5", module=HERE / "gitops"),
    "fluxbuild": Tool("./build", module=HERE / "flux"),
    "fluxapply": Tool("./apply", module=HERE / "flux"),
    "kstatus": Tool("./status", module=HERE / "flux"),
    "fluxtypes": Tool("./types", module=HERE / "flux"),
    # Without service discovery, and so without the SDK of every cloud.
    "promtool": Tool(
        "github.com/prometheus/prometheus/cmd/promtool",
        module=HERE / "monitoring",
        tags="remove_all_sd",
    ),
    "glua": Tool("github.com/yuin/gopher-lua/cmd/glua", module=HERE / "monitoring"),
}


class UnavailableError(RuntimeError):
    """The component cannot be had on this machine."""


def path(name: str) -> Path:
    """Return the binary's path, built first where it is not there yet.

    Raises UnavailableError without Go, and CalledProcessError when the build fails.
    """
    tool = TOOLS[name]
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    if assets and (Path(assets) / name).is_file():
        return Path(assets) / name
    binary = cache() / _digest(tool) / name
    if not binary.exists():
        with only_one(binary.parent):
            if not binary.exists():
                _build(tool, binary)
    return binary


def go_is_here() -> bool:
    """Whether anything can be built at all."""
    return shutil.which("go") is not None


def _build(tool: Tool, binary: Path) -> None:
    if not go_is_here():
        raise UnavailableError(f"{binary.name} is built from its Go module, and there is no go")
    unfinished = binary.with_suffix(".new")
    print(f"building {binary.name} from {tool.package}", file=sys.stderr, flush=True)
    flags = ["-trimpath", f"-ldflags=-s -w {tool.ldflags}", f"-tags={tool.tags}"]
    folder, what = tool.module, ["build", *flags, "-o", str(unfinished), tool.package]
    if tool.tests:
        folder = sources.folder("peer")
        what = ["test", "-c", *flags, "-o", str(unfinished), tool.tests]
    subprocess.run(["go", *what], cwd=folder, check=True, env={**os.environ, **sources.ENVIRONMENT})
    unfinished.replace(binary)


def cache() -> Path:
    """Where real components are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SEALER_TESTBED_CACHE") or Path(home) / "sealer-testbed")


def _digest(tool: Tool) -> str:
    own = sorted((tool.module / tool.package).glob("*.go"))
    files = [tool.module / "go.mod", tool.module / "go.sum", *own]
    pinned = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(pinned + f"{tool.ldflags}{tool.tags}".encode()).hexdigest()[:16]


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Make the folder, and let one process at a time fill it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for each in sys.argv[1:] or TOOLS:
        print(path(each))
