"""Every branch of the library's core is taken by a test: ``python -m tests.pure_coverage``.

The core is what every seal and unseal goes through. Other pure modules are held by comparison with
other implementations and by runs of the real program, which coverage does not see here; one that
has reached full coverage belongs on the list. Runs the unit and property tests, once, under
coverage; fails as they do, or where a branch is left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ("tests/unit/sealer", "tests/property")
CORE = (
    "sealer/crypto.py",
    "sealer/keys/der.py",
    "sealer/encoding.py",
    "sealer/errors.py",
    "sealer/fields.py",
    "sealer/keys/keyfile.py",
    "sealer/keys/certificate.py",
    "sealer/keys/custody.py",
    "sealer/keys/fingerprint.py",
    "sealer/keys/pair.py",
    "sealer/keys/pem.py",
    "sealer/keys/ring.py",
    "sealer/keys/succession.py",
    "sealer/manifest/document.py",
    "sealer/manifest/dump.py",
    "sealer/manifest/edit.py",
    "sealer/manifest/json_syntax.py",
    "sealer/manifest/nodes.py",
    "sealer/manifest/yaml_syntax.py",
    "sealer/resealing.py",
    "sealer/scope.py",
    "sealer/sealed.py",
    "sealer/sealing.py",
    "sealer/secret.py",
    "sealer/unsealing.py",
)


def main() -> None:
    """Run the tests, then the report."""
    missing = [path for path in CORE if not (ROOT / path).is_file()]
    if missing:
        sys.exit(f"not there: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        coverage = [sys.executable, "-m", "coverage"]
        report = [*coverage, "report", "--fail-under=100", f"--include={','.join(CORE)}"]
        for command in (
            [
                *coverage,
                "run",
                "--branch",
                "--source=sealer",
                "-m",
                "pytest",
                *TESTS,
                *sys.argv[1:],
            ],
            report,
        ):
            done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
            if done.returncode:
                sys.exit(done.returncode)


if __name__ == "__main__":
    main()
