"""Coverage-guided fuzzing: ``python -m tests.fuzz [--seconds N] [--seed N] [TARGET]...``.

Each target starts from its kept corpus (``tests/fuzz/corpus/TARGET``) and from what earlier runs
on this machine found (``.fuzz/TARGET``, not in Git). An input that breaks a target is put into the
kept corpus, where ``tests/fuzz/test_corpus.py`` fails until it is cured: commit it with the cure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.kept import CORPUS, NAMES

ROOT = Path(__file__).parents[2]
FOUND = ROOT / ".fuzz"
_LIMITS = ("-max_len=4096", "-timeout=30", "-rss_limit_mb=2048")


def fuzz(name: str, arguments: Sequence[str], found: Path) -> subprocess.CompletedProcess[str]:
    """Run one target; a status other than 0 is a finding, whose input is in the kept corpus."""
    kept = CORPUS / name
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", "tests.fuzz.one", name, *_LIMITS, *arguments)
    return subprocess.run(
        [*command, f"-artifact_prefix={kept}/", str(found), str(kept)],
        cwd=ROOT,
        # Of one seed each run is the same: sets and maps of strings, too.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def main() -> None:
    """Run the targets one after another; exit 1 if one of them broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    asked = parser.parse_args()
    broken = []
    for name in asked.targets or NAMES:
        arguments = [f"-max_total_time={asked.seconds}", f"-seed={asked.seed}"]
        done = fuzz(name, arguments, FOUND / name)
        last = [line for line in done.stdout.splitlines() if line.startswith("Done")]
        print(f"{name}: {' '.join(last[-1:]) or 'ended early'}", flush=True)
        if done.returncode:
            broken.append(name)
            print(done.stdout[-4000:], flush=True)
    if broken:
        sys.exit(f"broken: {', '.join(broken)}; the inputs are in {CORPUS}")


if __name__ == "__main__":
    main()
