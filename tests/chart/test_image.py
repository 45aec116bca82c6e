"""The image without a container engine: its Dockerfile linted, its install run, its start tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sealer import Secret, seal
from tests.chart.helm import ROOT, container, render
from tests.sealing_keys import pair
from tests.testbed.cluster import ControlPlane, Process, can_have_network, free_port, wait_for
from tests.testbed.controllers import NAMESPACE, Controller

DOCKERFILE = ROOT / "Dockerfile"
USER = 1001
TARGET = "/opt/sealer"
ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
HASHED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Return each package of a lock with its version."""
    return dict(HASHED.findall((ROOT / ".ci" / name).read_text()))


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


def test_every_stage_starts_from_a_digest() -> None:
    text = DOCKERFILE.read_text()
    assert re.search(r"^ARG PYTHON=\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON}"}


@pytest.mark.parametrize("name", ["controller.lock", "build.lock"])
def test_the_image_holds_the_versions_that_were_tested(name: str) -> None:
    tested = locked("requirements.lock")
    assert locked(name).items() <= tested.items()
    text = (ROOT / ".ci" / name).read_text()
    assert text.count("==") <= text.count("--hash=sha256:")


def test_the_image_runs_as_the_user_that_the_chart_names() -> None:
    assert f"USER {USER}:{USER}\n" in DOCKERFILE.read_text()
    assert container(render())["securityContext"]["runAsUser"] == USER


@pytest.fixture(scope="module")
def root(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty root folder with what the image's build puts under /opt, and a pod's account."""
    if not can_have_network():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("needs root: it mounts a root of its own")
    root = tmp_path_factory.mktemp("root")
    root.chmod(0o755)
    for folder in ("opt", "tmp", "dev", "proc", ACCOUNT):
        (root / folder).mkdir(parents=True)
    # In a mount namespace of its own /opt is the new root's; and packages are fetched with the
    # network of whoever started the tests, since the testbed has none.
    command = (
        *("nsenter", f"--net=/proc/{os.getppid()}/ns/net", "unshare", "--mount"),
        *("sh", "-c", f'mount --bind {root}/opt /opt && exec "$0" "$@"'),
        *(str(ROOT / ".ci" / "install-controller"), TARGET),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("controller version: v")
    account = root / ACCOUNT
    (account / "token").write_text(plane.service_account_token(NAMESPACE, "controller"))
    (account / "ca.crt").write_bytes(plane.ca.read_bytes())
    (account / "namespace").write_text(NAMESPACE)
    for path in (account, *account.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o444)
    return root


# What a container has: the base image's files (here: this machine's, and its Python), a /tmp in
# memory, and for the rest a root file system that cannot be written.
ENTER = """
set -e
root=$1; shift
mount --bind "$root" "$root"
for path in /bin /lib /lib64 /usr /etc "$PYTHON_HOME"; do
  [ -e "$path" ] || continue
  mkdir -p "$root$path"
  mount --rbind "$path" "$root$path"
done
mount -t proc proc "$root/proc"
mount -t tmpfs -o size=16m,mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid=1001 --regid=1001 --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all "$@"
"""


def enter(root: Path, *command: str) -> list[str]:
    """Return a command line that runs another in the root, as the pod would."""
    return ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(root), *command]


def test_the_installed_controller_runs_as_a_pod_does(
    plane: ControlPlane, namespace: str, root: Path
) -> None:
    plane.api.create(
        seal(Secret(name="db", namespace=namespace, data={"k": b"v"}), pair().certificate).to_dict()
    )
    port, metrics_port = free_port(), free_port()
    flags = [
        f"--listen-addr=:{port}",
        f"--listen-metrics-addr=:{metrics_port}",
        f"--additional-namespaces={namespace}",
        "--key-size=2048",
    ]
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(plane.port),
        "PYTHON_HOME": sys.base_prefix,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
    }
    process = Process(
        "image",
        enter(root, f"{TARGET}/bin/sealer-controller", *flags),
        plane.folder / "image.log",
        environment,
    )
    process.start()
    controller = Controller(process, port, metrics_port)
    try:
        process.wait_until("not ready", controller.is_ready)
        assert controller.get("/metrics", port=metrics_port)[0] == 200
        status = wait_for(
            "a status",
            lambda: plane.api.get("SealedSecret", namespace, "db")["status"].get("conditions"),
        )
        assert status[0]["type"] == "Synced"
    finally:
        code = process.stop()
    assert code == 0, process.text()


def test_nothing_in_the_image_can_be_written_but_tmp(root: Path) -> None:
    script = (
        "import os, sys; print(os.getuid(), [p for p in sys.argv[1:] if os.access(p, os.W_OK)])"
    )
    command = enter(root, f"{TARGET}/bin/python", "-c", script, "/", "/opt/sealer", "/tmp", "/etc")  # noqa: S108
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHON_HOME": sys.base_prefix},
    )
    assert done.stdout == f"{USER} ['/tmp']\n"


def test_the_image_holds_neither_pip_nor_the_tests_nor_the_tools(root: Path) -> None:
    packages = {path.name for path in (root / "opt/sealer/lib").glob("python*/site-packages/*")}
    assert {"sealer", "controller", "kopf"} <= packages
    assert not {"pip", "pytest", "tests", "mypy", "setuptools"} & packages
