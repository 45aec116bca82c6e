"""What an identity shows of its credential: nothing, not even a hash to guess it by."""

from __future__ import annotations

import asyncio
import base64
import hashlib

from controller.keyvault.identities import Identities, Identity
from sealer import encoding
from sealer.keyvault import address
from sealer.keyvault.vaults import Auth, KeyOf, VaultResource
from tests.keyvault.simulation import MemoryObjects

URL = "https://shop.vault.azure.net"


def identity(password: bytes) -> Identity:
    objects = MemoryObjects()
    data = {"password": encoding.encode(password)}
    objects.secrets["shop", "principal"] = {"metadata": {}, "data": data}
    auth = Auth("servicePrincipal", "client", "tenant", secret=KeyOf("principal", "password"))
    vault = VaultResource("KeyVault", "shop", "shop", URL, auth)
    return asyncio.run(Identities(objects).of(vault, address.parse(URL, ())))


def test_an_identity_shows_no_credential_and_no_bare_hash_of_it() -> None:
    one = identity(b"hunter2")
    shown = repr(one) + one.key
    assert "hunter2" not in shown
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
        digest = hashlib.new(name, b"hunter2").digest()
        assert digest.hex() not in shown
        assert base64.b64encode(digest).decode() not in shown


def test_another_credential_is_another_identity() -> None:
    assert identity(b"hunter2").key == identity(b"hunter2").key
    assert identity(b"hunter2").key != identity(b"hunter3").key
