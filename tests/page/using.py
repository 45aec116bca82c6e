"""Steps that people take on the page, and what the command line makes of what they get."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from sealer.page.document import sources
from sealer.page.modules import join
from tests.cli.program import SEAL, environment
from tests.testbed import binaries
from tests.testbed.chromium import Tab

_ITEM = re.compile(r"\bAQ[A-D][A-Za-z0-9+/]{300,}={0,2}")
_IMPORTED = re.compile(r'from "\./([\w-]+\.js)"')


def name_it(tab: Tab, name: str = "database", namespace: str = "shop") -> None:
    """Fill in name and namespace."""
    tab.fill("Name", name)
    tab.fill("Namespace", namespace)


def add(tab: Tab, key: str, value: str) -> None:
    """Add one typed value."""
    tab.fill("Key", key)
    tab.fill("Value", value)
    tab.click("Add")


def add_file(tab: Tab, key: str, path: Path) -> None:
    """Add a file's bytes."""
    tab.fill("Key", key)
    tab.choose_files("file", [path])
    tab.click("Add")


def sealed(tab: Tab) -> str:
    """Seal, and return the text; fails with the page's own words."""
    tab.click("Seal")
    assert tab.text("#message") == ""
    return tab.value("SealedSecret")


def refused(tab: Tab) -> str:
    """Seal, and return why not."""
    tab.click("Seal")
    assert tab.value("SealedSecret") == ""
    return tab.text("#message")


def without_ciphertext(text: str) -> str:
    """The text with each item, sealed for a key of 2048 bits, as one word."""
    return _ITEM.sub("SEALED", text)


def seal(folder: Path, *arguments: str, given: str | None = None) -> str:
    """Run the installed ``seal`` there and return what it prints."""
    done = subprocess.run(
        [SEAL, *arguments],
        cwd=folder,
        env=environment(folder),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(text: str, key: Path) -> list[dict[str, bytes]]:
    """The values of each Secret, as ``seal unseal`` finds them."""
    plain = seal(key.parent, "unseal", "-", "--key", str(key), given=text)
    return [_data(one) for one in yaml.safe_load_all(plain)]


def opened_by_kubeseal(text: str, key: Path) -> dict[str, bytes]:
    """The values of one SealedSecret, as the real kubeseal finds them."""
    command = [
        str(binaries.path("kubeseal")),
        "--recovery-unseal",
        "--recovery-private-key",
        str(key),
    ]
    done = subprocess.run(
        [*command, "-o", "yaml"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return _data(yaml.safe_load(done.stdout))


def _data(secret: Any) -> dict[str, bytes]:
    return {key: base64.b64decode(value or "") for key, value in (secret.get("data") or {}).items()}


def modules(*names: str) -> str:
    """A script that has what these modules of the page declare, without the page."""
    files, wanted = sources(), list(names)
    for name in wanted:
        wanted += [one for one in _IMPORTED.findall(files[name]) if one not in wanted]
    entry = "".join(f'import {{ {_first_export(files[one])} }} from "./{one}";\n' for one in names)
    return join({**{name: files[name] for name in wanted}, "entry.js": entry}, "entry.js")


def _first_export(text: str) -> str:
    found = re.search(r"^export (?:async )?(?:function|const|class) (\w+)", text, re.MULTILINE)
    assert found
    return found[1]
