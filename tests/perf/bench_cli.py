"""How fast `seal` is beside the real kubeseal, in one run: ``make bench``.

Prints the best times and the median of the pairs' ratios; the machine's speed drifts and others
use it, so the two take turns and only ratios are to be quoted. Exits 1 when a bound that users
were promised is broken.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.testbed import binaries

ROUNDS = 15
FILES = 1000
KUBESEAL_LOOP = 100
DOCUMENTS = 10_000
SEAL = str(Path(sys.executable).parent / "seal")
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db-{}
  namespace: prod
stringData:
  username: app
  password: "correct horse battery staple"
  url: postgres://app@db/prod
"""


def run(*command: str, stdout: int = subprocess.DEVNULL) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, stdout=stdout, stderr=subprocess.DEVNULL)


def seconds(task: Callable[[], None]) -> float:
    """Time one call."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def in_turns(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float, float]:
    """Return the best of both, and the median of the ratios pair by pair; one warm-up each."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    mine, peers = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return min(mine), min(peers), ratio


def row(name: str, ours: str, peer: str, ratio: str, *, good: bool) -> bool:
    """Print a row of the table."""
    print(f"{name:<42} {ours:>12} {peer:>12} {ratio:>16} {'' if good else '  BROKEN'}")
    return good


def main() -> None:
    """Run all benchmarks."""
    kubeseal = str(binaries.path("kubeseal"))
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        run(SEAL, "keygen", "--cert-out", "c.pem", "--key-out", "k.pem")
        inputs = Path("in")
        inputs.mkdir()
        for index in range(FILES):
            (inputs / f"s{index}.yaml").write_text(SECRET.format(index))
        good = [
            one_seal(kubeseal),
            one_seal_as_kubeseal(kubeseal),
            help_text(kubeseal),
            many_files(kubeseal),
            long_stream(),
        ]
    sys.exit(0 if all(good) else 1)


def one_seal(kubeseal: str) -> bool:
    """One offline seal: at most 100 ms and 8 times kubeseal."""
    mine, peers, ratio = in_turns(
        lambda: run(SEAL, "--cert", "c.pem", "in/s0.yaml"),
        lambda: run(kubeseal, "--cert", "c.pem", "-f", "in/s0.yaml"),
    )
    print(f"{'':<42} {'seal':>12} {'kubeseal':>12} {'ratio':>16}")
    return row(
        "one Secret of 3 values (<= 100 ms)",
        f"{mine * 1e3:.0f} ms",
        f"{peers * 1e3:.0f} ms",
        f"{ratio:.1f} x (<= 8)",
        good=ratio <= 8 and mine <= 0.100,
    )


def one_seal_as_kubeseal(kubeseal: str) -> bool:
    """The same by ``seal kubeseal``."""
    arguments = ("--cert", "c.pem", "-f", "in/s0.yaml")
    mine, peers, ratio = in_turns(
        lambda: run(SEAL, "kubeseal", *arguments), lambda: run(kubeseal, *arguments)
    )
    return row(
        "the same by seal kubeseal",
        f"{mine * 1e3:.0f} ms",
        f"{peers * 1e3:.0f} ms",
        f"{ratio:.1f} x (<= 8)",
        good=ratio <= 8,
    )


def help_text(kubeseal: str) -> bool:
    """--help: at most 60 ms."""
    mine, peers, ratio = in_turns(lambda: run(SEAL, "--help"), lambda: run(kubeseal, "--help"))
    return row(
        "--help (<= 60 ms)",
        f"{mine * 1e3:.0f} ms",
        f"{peers * 1e3:.0f} ms",
        f"{ratio:.1f} x",
        good=mine <= 0.060,
    )


def many_files(kubeseal: str) -> bool:
    """1,000 files in one run: at least 10 times faster than a loop over kubeseal."""
    files = sorted(str(path) for path in Path("in").iterdir())

    def ours() -> None:
        run(SEAL, "--cert", "c.pem", "--output-dir", "out", *files)

    def loop() -> None:
        for path in files[:KUBESEAL_LOOP]:
            run(kubeseal, "--cert", "c.pem", "-f", path, "-w", "k.yaml")

    times = [(seconds(ours), seconds(loop) * FILES / KUBESEAL_LOOP) for _ in range(3)]
    faster = statistics.median(peers / mine for mine, peers in times)
    return row(
        f"{FILES} files of 3 values",
        f"{min(mine for mine, _ in times):.2f} s",
        f"{min(peers for _, peers in times):.2f} s",
        f"1/{faster:.1f} x (<= 1/10)",
        good=faster >= 10,
    )


def long_stream() -> bool:
    """A stream of 10,000 documents: less than 150 MB."""
    with Path("big.yaml").open("w") as stream:
        for index in range(DOCUMENTS):
            stream.write("---\n" + SECRET.format(index))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    mine = seconds(lambda: run(SEAL, "--cert", "c.pem", "big.yaml"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return row(
        f"a stream of {DOCUMENTS} documents (< 150 MB)",
        f"{mine:.2f} s",
        "",
        f"{peak:.0f} MB{' at most' if before / 1024 >= peak else ''}",
        good=peak < 150,
    )


if __name__ == "__main__":
    main()
