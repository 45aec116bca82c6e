"""npm packages by their lock file, kept between runs beside the other real components."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.testbed.binaries import UnavailableError, cache, only_one

PROJECT = Path(__file__).parents[1] / "page" / "npm"
_LOCKED = ("package.json", "package-lock.json")


def folder() -> Path:
    """A folder with ``node_modules``, installed first where it is not there yet.

    Scripts of packages are not run. Raises UnavailableError where there is no npm.
    """
    pinned = b"".join((PROJECT / name).read_bytes() for name in _LOCKED)
    place = cache() / f"npm-{hashlib.sha256(pinned).hexdigest()[:16]}"
    if (place / ".installed").exists():
        return place
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("the page's sources are checked with packages of npm: no npm here")
    with only_one(place):
        if not (place / ".installed").exists():
            print("installing the npm packages that the page is checked with", file=sys.stderr)
            for name in _LOCKED:
                shutil.copy(PROJECT / name, place)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=place, check=True)
            (place / ".installed").touch()
    return place
