from __future__ import annotations

from typing import Any

import pytest

from controller.keys.renewal import key_secret
from controller.keys.store import Keys, KeyStore, read_key
from sealer import KeyFileError, encoding
from tests.sealing_keys import pair

Manifest = dict[str, Any]


def secret(name: str = "one", *, created: str = "2026-01-02T00:00:00Z") -> Manifest:
    made = key_secret(pair(name), prefix="k", namespace="home")
    made["metadata"].update(name=name, creationTimestamp=created)
    return made


class Told:
    """A store with what it told."""

    def __init__(self, priority: str = "SecretCreationTimestamp") -> None:
        self.changes: list[Keys] = []
        self.bad: list[tuple[str, str]] = []
        self.store = KeyStore(
            priority=priority,
            on_change=self.changes.append,
            on_bad=lambda secret, why: self.bad.append((secret["metadata"]["name"], why)),
        )

    def names(self) -> list[str]:
        return [key.pair.name for key in self.store.keys.keys]


def test_the_newest_key_comes_first() -> None:
    told = Told()
    told.store.put(secret("one", created="2026-01-02T00:00:00Z"))
    told.store.put(secret("two", created="2026-01-03T00:00:00Z"))
    told.store.put(secret("three", created="2026-01-01T00:00:00Z"))
    assert told.names() == ["two", "one", "three"]
    assert told.store.keys.newest is not None
    assert told.store.ring.keys[0].name == "two"


@pytest.mark.parametrize(
    "marks",
    [
        {"annotations": {"keyvault.sealer.dev/merged-by": "evil"}},
        {"annotations": {"sealedsecrets.bitnami.com/patch": "true"}},
        {"ownerReferences": [{"apiVersion": "keyvault.sealer.dev/v1alpha1", "controller": True}]},
    ],
)
def test_a_key_that_a_manifest_filled_is_taken_away_and_told_of_once(marks: Manifest) -> None:
    told = Told()
    told.store.put(secret("one"))
    told.store.put(secret("two", created="2026-01-03T00:00:00Z"))
    filled = secret("two", created="2026-01-03T00:00:00Z")
    filled["metadata"] |= marks
    told.store.put(filled)
    told.store.replace([filled, secret("one")])
    assert told.names() == ["one"]
    assert [name for name, _ in told.bad] == ["two"]
    assert "whose author knows it" in told.bad[0][1]


def test_of_two_keys_of_one_second_the_later_one_seals() -> None:
    told = Told()
    told.store.put(secret("one"))
    told.store.put(secret("two"))
    assert told.names() == ["two", "one"]


def test_the_same_key_again_changes_nothing() -> None:
    told = Told()
    told.store.put(secret())
    ring = told.store.ring
    told.store.put(secret())
    assert told.store.ring is ring
    assert len(told.changes) == 1


def test_a_deleted_key_is_gone_at_once() -> None:
    told = Told()
    told.store.put(secret())
    told.store.remove("one")
    told.store.remove("one")
    assert told.store.keys.newest is None
    assert len(told.changes) == 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"tls.key": None}, "tls.key is missing", id="no-key"),
        pytest.param({"tls.crt": None}, "tls.crt is missing", id="no-certificate"),
        pytest.param({"tls.key": "%"}, "tls.key: not valid base64", id="base64"),
        pytest.param({"tls.key": "Y2FuYXJ5"}, "no PEM private key", id="garbage"),
    ],
)
def test_a_bad_key_is_told_of_once_and_stops_nobody(change: Manifest, problem: str) -> None:
    told = Told()
    told.store.put(secret("good"))
    bad = secret("bad")
    bad["data"] = {k: v for k, v in {**bad["data"], **change}.items() if v is not None}
    told.store.put(bad)
    told.store.put(bad)
    assert told.names() == ["good"]
    [(name, why)] = told.bad
    assert name == "bad"
    assert problem in why
    assert "canary" not in why
    assert list(told.store.bad) == ["bad"]


def test_a_key_that_went_bad_is_no_key_and_one_that_was_mended_is_one_again() -> None:
    told = Told()
    told.store.put(secret())
    broken = secret()
    broken["data"] = {}
    told.store.put(broken)
    assert told.names() == []
    told.store.put(secret())
    assert told.names() == ["one"]
    assert told.store.bad == {}


def test_after_a_list_only_what_is_in_it_counts() -> None:
    told = Told()
    told.store.put(secret("one"))
    told.store.put(secret("two"))
    broken = {**secret("three"), "data": {}}
    told.store.put(broken)
    told.store.replace([secret("two")])
    assert told.names() == ["two"]
    assert told.store.bad == {}


def test_a_list_is_one_change_and_the_same_list_none() -> None:
    told = Told()
    found = [secret("one"), secret("two"), {**secret("three"), "data": {}}]
    told.store.replace(found)
    told.store.replace(found)
    assert told.names() == ["two", "one"]
    assert len(told.changes) == 1
    assert [name for name, _ in told.bad] == ["three"]


def test_the_certificate_must_be_the_keys_own() -> None:
    mixed = secret("one")
    mixed["data"]["tls.crt"] = encoding.encode(pair("two").certificate.pem)
    with pytest.raises(KeyFileError, match="was not made for this private key"):
        read_key(mixed, "CertNotBefore")


def test_without_a_creation_time_the_certificates_counts() -> None:
    made = secret()
    del made["metadata"]["creationTimestamp"]
    key = read_key(made, "SecretCreationTimestamp")
    assert key.created == key.ordered == pair("one").certificate.not_before
