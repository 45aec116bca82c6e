"""Others' packages from npm, which seal in JavaScript, too, and axe, which looks for barriers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sealer.crypto import decrypt
from sealer.encoding import decode, encode
from tests.page import pictures
from tests.page.conftest import Origin
from tests.page.using import add, name_it, sealed
from tests.sealing_keys import pair
from tests.testbed import npm
from tests.testbed.binaries import UnavailableError
from tests.testbed.chromium import Tab

VALUE = "Grüße, 日本\n"


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where npm's packages are; skipped by name without npm, and a failure in CI."""
    try:
        return npm.folder()
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


def test_other_peoples_packages_and_ours_open_each_other(
    tab: Tab, from_file: Origin, packages: Path, tmp_path: Path
) -> None:
    name_it(tab)
    add(tab, "text", VALUE)
    item = yaml.safe_load(sealed(tab))["spec"]["encryptedData"]["text"]
    private = pair("prod").private_key
    key = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    given = {
        "certificate": from_file.cert.read_text(),
        "key": encode(key),
        "spki": private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        "item": item,
        "place": {"namespace": "shop", "name": "database"},
        "value": VALUE,
    }
    shutil.copy(npm.PROJECT / "peers.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    done = subprocess.run(
        ["node", "peers.mjs"], cwd=tmp_path, input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["opened"] == VALUE
    assert decrypt(private, decode(made["socialgouv"]), b"shop/database") == VALUE.encode()
    assert decrypt(private, decode(made["linode"]), b"shop") == VALUE.encode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Tab, packages: Path, scheme: str) -> None:
    axe = (packages / "node_modules" / "axe-core" / "axe.min.js").read_text()
    tab.evaluate(f"(() => {{ const module = undefined; {axe}\n }})(); typeof axe")
    tab.show(scheme=scheme)
    faults = []
    for state in ("empty", "filled", "refused", "existing"):
        if state == "filled":
            tab.choose("Type", "kubernetes.io/dockerconfigjson")
            tab.fill("Server", "x")
            name_it(tab)
            add(tab, "a", "b")
            text = sealed(tab)
            tab.fill("Repository", "https://github.com/o/r/tree/main")
        elif state == "refused":
            tab.fill("Name", "No")
            tab.click("Seal")
            tab.click("Rename", of="a")
        elif state == "existing":
            tab.press("Escape")
            tab.fill("Existing SealedSecret", text)
        found = tab.evaluate(
            "axe.run().then(({ violations, incomplete }) => [violations, incomplete])"
        )
        faults += [
            (state, one["id"], [node["target"] for node in one["nodes"]])
            for one in [*found[0], *found[1]]
        ]
    tab.show()
    assert faults == []


def test_the_pictures_of_the_docs_are_states_of_the_page(tab: Tab, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "page.md").read_text()
    for state in pictures.states(tab):
        tab.picture(tmp_path / f"{state}.png")
        assert (tmp_path / f"{state}.png").stat().st_size > 10_000
        assert f"](pictures/{state}.png)" in page
        assert (pictures.FOLDER / f"{state}.png").exists()
