"""One target under the fuzzer: ``python -m tests.fuzz.one TARGET [libFuzzer's arguments]``.

Started by ``tests.fuzz``; a process of its own, for libFuzzer ends the one that it runs in.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Hand the target to libFuzzer, with its branches counted."""
    fuzzer: Any = import_module("atheris")
    with fuzzer.instrument_imports(include=["sealer", "controller", "yaml"]):
        from tests.fuzz.targets import TARGETS
    program, name, *arguments = sys.argv
    fuzzer.Setup([program, *arguments], TARGETS[name])
    fuzzer.Fuzz()


if __name__ == "__main__":
    main()
