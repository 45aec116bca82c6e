"""Lints and type-checks the page's sources: ``python -m tests.page.lint``, a part of make check.

By eslint and TypeScript, of the versions in ``npm/package-lock.json``. Without npm it is skipped
aloud, and fails where ``CI=true``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sealer.page.document import sources
from tests.testbed import npm
from tests.testbed.binaries import UnavailableError


def main() -> int:
    """Run both; 0 if neither has anything to say."""
    try:
        place = npm.folder()
    except UnavailableError as error:
        sys.stderr.write(f"skipped: {error}\n")
        return int(os.environ.get("CI") == "true")
    # A folder of its own: eslint looks at nothing above its configuration.
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "node_modules").symlink_to(place / "node_modules")
        (folder / "web").mkdir()
        for file in ("package.json", "eslint.config.js", "tsconfig.json"):
            shutil.copy(npm.PROJECT / file, folder)
        for file, text in sources().items():
            (folder / "web" / file).write_text(text, encoding="utf-8")
        commands = (["eslint", "--max-warnings", "0", "web"], ["tsc", "--pretty", "false"])
        running = [
            subprocess.Popen([folder / "node_modules" / ".bin" / tool, *rest], cwd=folder)
            for tool, *rest in commands
        ]
        return max([one.wait() for one in running])


if __name__ == "__main__":
    sys.exit(main())
