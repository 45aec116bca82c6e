"""A folder with a key, sealed files and the `seal` command, for tests of whole commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sealer import Scope, Secret, seal, to_yaml
from tests import sealing_keys

SEAL = str(Path(sys.executable).parent / "seal")
CANARY = "xyzzy-canary-51c0"


@dataclass
class Tree:
    """``root`` is the working directory; ``home`` is somebody's, and empty."""

    root: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What every command runs with."""
        path = f"{Path(SEAL).parent}{os.pathsep}{os.environ['PATH']}"
        return {
            "PATH": path,
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        }

    def run(
        self,
        *command: str,
        text: str | bytes = b"",
        status: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command and check its exit code."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **(environment or {})},
            input=text if isinstance(text, bytes) else text.encode(),
            capture_output=True,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == status, f"{command}: {done.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(command, done.returncode, out, err)

    def seal(
        self,
        *arguments: str,
        text: str | bytes = b"",
        status: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``seal``."""
        return self.run(SEAL, *arguments, text=text, status=status, environment=environment)

    def git(self, *arguments: str, status: int = 0) -> str:
        """Run git and return what it prints."""
        return self.run("git", *arguments, status=status).stdout

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file as it stands."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def values(self, name: str, *keys: str) -> dict[str, str]:
        """Open every SealedSecret of a file with these key files; key to text."""
        from sealer import KeyRing, SealedSecret, read_documents, read_keys
        from sealer.unsealing import open_items

        names = keys or ("one.key",)
        pairs = [pair for key in names for pair in read_keys((self.root / key).read_text(), key)]
        found: dict[str, str] = {}
        for document in read_documents((self.root / name).read_text(), name):
            for resource in document.resources() if not document.is_empty else ():
                if resource.kind == "SealedSecret":
                    sealed = SealedSecret.from_dict(resource.value)
                    items = open_items(sealed, KeyRing.of(pairs)).items()
                    found.update({key: value.decode() for key, (value, _) in items})
        return found


def make_tree(folder: Path) -> Tree:
    """A tree with ``one`` and ``two``, a certificate and a private key each."""
    tree = Tree(folder / "tree", folder / "home")
    tree.root.mkdir()
    tree.home.mkdir()
    for name in ("one", "two"):
        pair = sealing_keys.pair(name)
        tree.write(f"{name}.pem", pair.certificate.pem)
        tree.write(f"{name}.key", pair.private_pem())
    return tree


def sealed_yaml(
    data: Mapping[str, str],
    *,
    name: str = "db",
    namespace: str = "prod",
    key: str = "one",
    scope: Scope = Scope.STRICT,
    kind: str | None = None,
) -> str:
    """A SealedSecret as `seal` writes it."""
    secret = Secret(
        name=name,
        namespace=namespace,
        data={key: value.encode() for key, value in data.items()},
        type=kind,
    )
    return to_yaml(seal(secret, sealing_keys.pair(key).certificate, scope=scope).to_dict())
