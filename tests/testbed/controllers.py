"""Controllers as processes on the testbed: ours, and the peer's for comparison."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import binaries
from tests.testbed.cluster import ADMIN_TOKEN, ControlPlane, Process, free_port

OURS = str(Path(sys.executable).parent / "sealer-controller")
NAMESPACE = "kube-system"
SERVICE = "sealed-secrets-controller"
"""Where kubeseal looks for it in that namespace."""


@dataclass
class Controller:
    """A running controller."""

    process: Process
    port: int
    metrics_port: int

    def get(self, path: str, *, port: int | None = None) -> tuple[int, bytes]:
        """GET from its HTTP port; status and body."""
        return self.ask("GET", path, None, port=port)

    def ask(
        self, method: str, path: str, body: bytes | None, *, port: int | None = None
    ) -> tuple[int, bytes]:
        """One request; status 0 when nobody answers."""
        url = f"http://127.0.0.1:{port or self.port}{path}"
        request = urllib.request.Request(url, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def metric(self, series_name: str, /, **labels: str) -> float | None:
        """Return one sample of its metrics, None where there is none."""
        for line in self.get("/metrics", port=self.metrics_port)[1].decode().splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == series_name and all(
                f'{key}="{text}"' in series for key, text in labels.items()
            ):
                return float(value)
        return None

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.process.text()

    def is_ready(self) -> bool:
        """Whether it says so."""
        return self.get("/readyz")[0] == 200


@contextmanager
def ours(
    plane: ControlPlane,
    *flags: str,
    namespace: str = NAMESPACE,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (OURS,),
    kubeconfig: Path | None = None,
    wait: bool = True,
    address: str = "",
    name: str = "ours",
) -> Iterator[Controller]:
    """Run our controller against a control plane, with the rights and the cage of the chart."""
    if kubeconfig is None:
        kubeconfig = plane.accounts(namespace, flags) if plane.accounts else plane.kubeconfig
    port, metrics_port = free_port(), free_port()
    process = Process(
        name,
        [
            *command,
            f"--kubeconfig={kubeconfig}",
            f"--namespace={namespace}",
            f"--listen-addr={address}:{port}",
            f"--listen-metrics-addr=127.0.0.1:{metrics_port}",
            "--key-size=2048",
            *flags,
        ],
        plane.folder / f"{name}-{port}.log",
        environment or {},
    )
    controller = Controller(process, port, metrics_port)
    process.start()
    try:
        if wait:
            process.wait_until("not ready", controller.is_ready)
        yield controller
    finally:
        process.stop()


@contextmanager
def peer(plane: ControlPlane, *flags: str, namespace: str = NAMESPACE) -> Iterator[Controller]:
    """Run the peer's controller as it runs in a pod: it knows no kubeconfig.

    A mount namespace of its own gives it the service account's files (root only).
    """
    port, metrics_port = free_port(), free_port()
    account = plane.folder / f"account-{port}"
    account.mkdir()
    (account / "token").write_text(ADMIN_TOKEN)
    (account / "namespace").write_text(namespace)
    (account / "ca.crt").write_bytes(plane.ca.read_bytes())
    target = "/var/run/secrets/kubernetes.io/serviceaccount"
    binary = binaries.path("peer-controller")
    # The words after -c are $0 and "$@": the binary and its flags.
    script = f'mkdir -p {target} && mount --bind {account} {target} && exec "$0" "$@"'
    process = Process(
        "peer",
        [
            *("unshare", "--mount", "sh", "-c", script, str(binary)),
            f"--listen-addr=:{port}",
            f"--listen-metrics-addr=127.0.0.1:{metrics_port}",
            "--key-size=2048",
            *flags,
        ],
        plane.folder / f"peer-{port}.log",
        {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(plane.port),
            "POD_NAMESPACE": namespace,
            "PATH": os.environ["PATH"],
        },
    )
    controller = Controller(process, port, metrics_port)
    process.start()
    try:
        process.wait_until("not ready", lambda: controller.get("/v1/cert.pem")[0] == 200)
        yield controller
    finally:
        process.stop()
