"""How fast a tree is re-encrypted beside a loop over kubeseal: ``make bench``.

2,000 files in every style go through our controller on a real API server; the loop over
``kubeseal --re-encrypt`` asks the same controller for a sample of them, each of the files that
kubeseal can read. Only ratios are to be quoted. Exits 1 when the one at the
controller's defaults is below ten.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sealer import encoding
from tests import sealing_keys
from tests.rotation import corpus
from tests.testbed import binaries
from tests.testbed.cluster import can_have_network, control_plane, enter_network_namespace, wait_for
from tests.testbed.controllers import ours

FILES = 2000
SAMPLE = 100
SEAL = str(Path(sys.executable).parent / "seal")
LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"
# Styles that kubeseal reads: no List, no other kinds, no byte order mark.
READABLE = ("plain", "crlf", "flow", "wrapped", "as_json")


def main() -> None:
    """Measure, print, judge."""
    for name in binaries.TOOLS:
        binaries.path(name)
    if not can_have_network():
        sys.exit("kubeseal finds the controller by the service proxy: run it as root, with ip(8)")
    enter_network_namespace()
    with tempfile.TemporaryDirectory() as name, control_plane() as plane:
        folder = Path(name)
        old = sealing_keys.pair("one")
        data = {"tls.crt": old.certificate.pem, "tls.key": old.private_pem()}
        metadata = {"name": "old", "namespace": "kube-system", "labels": {LABEL: "active"}}
        plane.api.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": metadata,
                "type": "kubernetes.io/tls",
                "data": {key: encoding.encode(value) for key, value in data.items()},
            }
        )
        where = ["--kubeconfig", str(plane.kubeconfig)]
        unlimited = ("--rate-limit=100000", "--rate-limit-burst=100000")
        ratios: list[float] = []
        for flags, sample in (((), 12), (unlimited, SAMPLE)):
            service = f"controller-{len(ratios)}"
            with ours(plane, *flags) as controller:
                plane.publish("kube-system", service, controller.port)
                here = [*where, "--controller-name", service]
                new_key = [SEAL, "rotate", "-q", *here]
                subprocess.run(new_key, check=True, stdout=subprocess.DEVNULL)
                wait_for("it is ready", controller.is_ready)
                print("with its default rate limit" if sample < SAMPLE else "with its limit off")
                ratios.append(measure(folder / service, here, sample))
        # At its defaults the controller takes two requests a second from anyone; off, both wait
        # for the same RSA.
        sys.exit(0 if ratios[0] >= 10 else 1)


def measure(folder: Path, where: list[str], sample: int) -> float:
    """Print a line for each and return the ratio."""
    kubeseal = str(binaries.path("kubeseal"))
    for name, text in corpus.files(FILES):
        target = folder / "tree" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, newline="")
    shutil.copytree(folder / "tree", folder / "theirs")
    readable = [
        p for p in sorted((folder / "theirs").rglob("*-*.*")) if p.stem.split("-")[0] in READABLE
    ]
    start = time.perf_counter()
    for path in readable[:sample]:
        command = [kubeseal, "--re-encrypt", *where, "-f", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peers = (time.perf_counter() - start) / sample
    start = time.perf_counter()
    subprocess.run([SEAL, "reencrypt", "-i", *where, str(folder / "tree")], check=True)
    mine = (time.perf_counter() - start) / FILES
    start = time.perf_counter()
    subprocess.run([SEAL, "reencrypt", "-i", *where, str(folder / "tree")], check=True)
    again = (time.perf_counter() - start) / FILES
    print(f"kubeseal --re-encrypt, {sample} of them one by one  {peers * 1e3:7.2f} ms a file")
    print(f"seal reencrypt -i, {FILES} files                    {mine * 1e3:7.2f} ms a file")
    print(f"a second run, nothing to do                       {again * 1e3:7.2f} ms a file")
    print(f"ratio {peers / mine:.1f}")
    return peers / mine


if __name__ == "__main__":
    main()
