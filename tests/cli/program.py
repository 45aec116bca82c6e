"""The installed ``seal``: where it is, what it runs in, and keys of every shape beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sealer.encoding import encode
from sealer.manifest import to_yaml
from tests.sealing_keys import (
    certificate_pem,
    ec_key,
    large_certificate_pem,
    pair,
    private_pem,
    rsa_key,
)

BIN = Path(sys.executable).parent
SEAL = BIN / "seal"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What the program sees: nothing of the user's own settings, and a home of its own."""
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent),
        "KUBECONFIG": str(folder / "no-kubeconfig"),
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "*",
        "K": "../keys",
        **more,
    }


def run(work: Path, *words: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run ``seal`` in a folder on a standard input; ``more`` is for its environment."""
    return subprocess.run(
        [SEAL, *words],
        cwd=work,
        env=environment(work, **more),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def make_keys(folder: Path) -> None:
    """Write cluster, old, soon, expired, future, small, ec, large: NAME.pem, and NAME.key of most.

    ``backup.yaml`` holds the keys of cluster and old as kubectl prints them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    day = timedelta(days=1)
    cluster, old = rsa_key(2048), pair("old").private_key
    for name, key, start, end in (
        ("cluster", cluster, now - day, now + 3650 * day),
        ("old", old, now - 90 * day, now + 3560 * day),
        ("soon", cluster, now - day, now + 10.5 * day),
        ("expired", cluster, now - 10 * day, now - day),
        ("future", cluster, now + day, now + 10 * day),
        ("small", rsa_key(1024), now - day, now + 3650 * day),
        ("ec", ec_key(), now - day, now + 3650 * day),
    ):
        (folder / f"{name}.pem").write_bytes(certificate_pem(key, start=start, end=end))
        (folder / f"{name}.key").write_bytes(private_pem(key))
    (folder / "large.pem").write_bytes(large_certificate_pem(4104))
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"sealed-secrets-key-{name}", "namespace": "kube-system"},
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": encode((folder / f"{name}.pem").read_bytes()),
                "tls.key": encode((folder / f"{name}.key").read_bytes()),
            },
        }
        for name in ("cluster", "old")
    ]
    (folder / "backup.yaml").write_text(
        to_yaml({"apiVersion": "v1", "kind": "List", "items": items})
    )
