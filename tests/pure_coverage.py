"""Every branch of the pure modules is taken by a test: ``python -m tests.pure_coverage``.

The modules are those that pyproject.toml's contract ``pure`` names, so that a new one is held from
its first day. Runs the unit and property tests, once, under coverage; fails as they do, or where a
branch is left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ("tests/unit/sealer", "tests/property")
# Held by comparison with other implementations and by runs of the real program, which coverage
# does not see here: templates with Go's, kubeseal with kubeseal, editing in tests/daytwo.
ELSEWHERE = (
    "sealer.template",
    "sealer.kubeseal",
    "sealer.editing",
    "sealer.editbuffer",
    "sealer.manifest.entries",
)


def held_files() -> list[str]:
    """Return the patterns of the files that must be covered."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [pure] = [one for one in contracts["contracts"] if one.get("id") == "pure"]
    names = [
        name
        for name in pure["source_modules"]
        if not any(name == other or name.startswith(f"{other}.") for other in ELSEWHERE)
    ]
    paths = [name.replace(".", "/") for name in names]
    return [f"{path}/*" if (ROOT / path).is_dir() else f"{path}.py" for path in paths]


def main() -> None:
    """Run the tests, then the report."""
    left_out = [f"{name.replace('.', '/')}.py" for name in ELSEWHERE]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        coverage = [sys.executable, "-m", "coverage"]
        select = [f"--include={','.join(held_files())}"]
        report = [*coverage, "report", "--fail-under=100", *select, f"--omit={','.join(left_out)}"]
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
