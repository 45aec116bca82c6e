"""The whole loop on a real API server, told step by step: what ``make demo`` shows.

Certificate fetched, Secret sealed and applied, unsealed by the controller, key rotated, file
re-encrypted, all ended. Each ``$`` line is a command that was run just so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from sealer import Secret, read_documents
from tests.testbed import binaries
from tests.testbed.cluster import ROOT, ControlPlane, control_plane, wait_for
from tests.testbed.controllers import Controller, ours

BIN = Path(sys.executable).parent


class Shell:
    """Runs commands in one folder and shows them."""

    def __init__(self, folder: Path, plane: ControlPlane, controller: Controller) -> None:
        self.folder, self.plane = folder, plane
        kubectl = binaries.path("kubectl")
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(BIN), str(kubectl.parent), os.environ["PATH"]]),
            "KUBECONFIG": str(plane.kubeconfig),
            "CONTROLLER": f"http://127.0.0.1:{controller.port}",
        }

    def run(self, command: str) -> str:
        """Run one command line, show it and what it prints; CalledProcessError ends the demo."""
        print(f"\n$ {command}", flush=True)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        shown = [
            line if len(line) <= 110 else f"{line[:107]}..." for line in done.stdout.splitlines()
        ]
        print("\n".join(shown), flush=True)
        done.check_returncode()
        return done.stdout


def say(text: str) -> None:
    """A line of the story."""
    print(f"\n# {text}", flush=True)


def main() -> None:
    """Run the loop once."""
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl"):
        binaries.path(name)
    say("a Kubernetes API server, and our controller beside it")
    with control_plane() as plane, ours(plane) as controller:
        plane.api.namespace("shop")
        with tempfile.TemporaryDirectory(prefix="demo-") as name:
            folder = Path(name)
            shutil.copy(ROOT / "examples" / "secret.yaml", folder)
            loop(Shell(folder, plane, controller), controller)
    say("ended: API server, controller and files are gone")


def loop(shell: Shell, controller: Controller) -> None:
    """Seal, apply, rotate, re-encrypt."""
    say("seal with the certificate that the controller hands out")
    shell.run('seal cert --controller-url "$CONTROLLER" -w cluster.pem')
    shell.run("seal --cert cluster.pem secret.yaml -w sealed.yaml && cat sealed.yaml")
    say("apply it, and the controller makes the Secret")
    shell.run("kubectl apply -f sealed.yaml")
    shell.run("kubectl wait -n shop sealedsecret/database --for=condition=Ready --timeout=20s")
    shell.run("kubectl get -n shop sealedsecret,secret")
    say(f"compared with the original: {compare(shell)}")
    say("a new sealing key; the old one still opens what it sealed")
    old = controller.get("/v1/cert.pem")[1]
    controller.process.send(signal.SIGUSR1)
    wait_for("a new certificate", lambda: controller.get("/v1/cert.pem")[1] != old)
    shell.run('seal cert --controller-url "$CONTROLLER"')
    say("re-encrypt the file for it: nothing but ciphertext changes")
    shell.run("cp sealed.yaml before.yaml")
    shell.run('seal reencrypt -i --controller-url "$CONTROLLER" sealed.yaml')
    shell.run("diff before.yaml sealed.yaml | grep -c '^>' | sed 's/$/ lines changed/'")
    shell.run("kubectl apply -f sealed.yaml")
    shell.run("kubectl wait -n shop sealedsecret/database --for=condition=Ready --timeout=20s")


def compare(shell: Shell) -> str:
    """Hold the Secret in the cluster against the file; name the keys, not the values."""
    [document] = read_documents((shell.folder / "secret.yaml").read_text(), "secret.yaml")
    before = Secret.from_dict(document.value).data
    after = Secret.from_dict(shell.plane.api.get("Secret", "shop", "database")).data
    if before != after:
        raise SystemExit("they differ")
    return f"the same {', '.join(sorted(after))}"


if __name__ == "__main__":
    main()
