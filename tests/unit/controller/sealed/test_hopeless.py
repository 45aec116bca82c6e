from __future__ import annotations

import pytest

from controller.sealed import hopeless
from controller.sealed.hopeless import Wary, WaryRing
from sealer.crypto import encrypt
from sealer.errors import NoKeyError, UnsealError
from sealer.keys.ring import KeyRing
from tests.sealing_keys import pair

LABEL = b"shop/db"


def sealed_for(name: str) -> bytes:
    return encrypt(pair(name).certificate.public_key, b"value", LABEL)


def test_what_no_key_opened_is_not_tried_again() -> None:
    ring, ciphertext = Wary().of(KeyRing((pair("one"),))), sealed_for("two")
    with pytest.raises(NoKeyError):
        ring.open(ciphertext, LABEL)
    # This one has the key: only what is remembered keeps it from opening.
    knowing = WaryRing((pair("two"),), ring.failed)
    with pytest.raises(NoKeyError, match="no key could decrypt it"):
        knowing.open(ciphertext, LABEL)


def test_what_is_damaged_stays_damaged() -> None:
    ring = Wary().of(KeyRing((pair("one"),)))
    whole = sealed_for("one")
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])
    said = []
    for _ in range(2):
        with pytest.raises(UnsealError) as caught:
            ring.open(damaged, LABEL)
        assert not isinstance(caught.value, NoKeyError)
        said.append(caught.value.message)
    assert said[0] == said[1]
    assert len(ring.failed) == 1


def test_another_key_or_place_is_another_try() -> None:
    wary, ciphertext = Wary(), sealed_for("two")
    with pytest.raises(NoKeyError):
        wary.of(KeyRing((pair("one"),))).open(ciphertext, LABEL)
    both = wary.of(KeyRing((pair("one"), pair("two"))))
    with pytest.raises(NoKeyError):
        both.open(ciphertext, b"elsewhere")
    assert both.open(ciphertext, LABEL)[0] == b"value"
    assert wary.of(KeyRing((pair("one"), pair("two")))) is both


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hopeless, "ROOM", 3)
    ring = WaryRing((pair("one"),))
    for number in range(9):
        with pytest.raises(UnsealError):
            ring.open(bytes([number]), LABEL)
    assert len(ring.failed) == 3
