"""Takes the pictures of docs/page.md from the page itself: ``python -m tests.page.pictures``.

Their bytes depend on the fonts of a machine, so they are not compared; ``states`` is walked through
in the tests all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sealer.manifest import to_yaml
from sealer.page import Cluster, build
from sealer.sealing import seal
from sealer.secret import Secret
from tests.page.using import add, name_it, sealed
from tests.sealing_keys import pair
from tests.testbed.chromium import Chromium, Tab

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def states(tab: Tab) -> Iterator[str]:
    """Bring the page from one state to the next; the name of each."""
    tab.show(width=900)
    name_it(tab)
    add(tab, "username", "shop")
    tab.fill("Key", "password")
    tab.click("Generate")
    tab.click("Add")
    sealed(tab)
    yield "page-sealed"
    tab.click("Clear")
    data = {"username": b"shop", "password": b"hunter2", "old-token": b"x"}
    secret = Secret(name="database", namespace="shop", data=data, type="Opaque")
    text = to_yaml(seal(secret, pair("prod").certificate).to_dict())
    tab.fill("Existing SealedSecret", text)
    add(tab, "password", "another one")
    tab.click("Rename", of="old-token")
    tab.show(width=900, scheme="dark")
    yield "page-existing-dark"
    tab.press("Escape")
    tab.fill("Existing SealedSecret", "")
    tab.show(width=400, height=900)
    tab.choose("Type", "kubernetes.io/tls")
    tab.fill("Name", "Data_Base")
    tab.click("Seal")
    tab.choose("Language", "ja")
    tab.click("封印する")
    yield "page-narrow-ja"
    tab.show()


def main() -> None:
    """Write all of them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        clusters = [Cluster(one, pair(one).certificate) for one in ("prod", "dev")]
        (folder / "seal.html").write_bytes(build(clusters))
        with Chromium(folder / "profile") as browser:
            tab = browser.open((folder / "seal.html").as_uri())
            for state in states(tab):
                tab.picture(FOLDER / f"{state}.png")


if __name__ == "__main__":
    main()
