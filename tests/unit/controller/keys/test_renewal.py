from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from controller.keys.renewal import key_secret, next_renewal, successor_name
from controller.keys.store import key_times
from sealer import KeyPair, encoding
from tests.sealing_keys import pair as make_pair

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("newest", "period", "cutoff", "due"),
    [
        pytest.param(None, MONTH, None, timedelta(0), id="no-key"),
        pytest.param(None, timedelta(0), None, timedelta(0), id="no-key-and-no-renewal"),
        pytest.param(NOW, MONTH, None, MONTH, id="fresh"),
        pytest.param(NOW - timedelta(days=10), MONTH, None, timedelta(days=20), id="ten-days-old"),
        pytest.param(NOW - timedelta(days=31), MONTH, None, timedelta(0), id="overdue"),
        pytest.param(NOW - timedelta(days=400), timedelta(0), None, None, id="switched-off"),
        pytest.param(NOW - timedelta(days=2), MONTH, NOW, timedelta(0), id="before-the-cutoff"),
        pytest.param(NOW, timedelta(0), NOW - MONTH, None, id="after-the-cutoff"),
    ],
)
def test_a_new_key_is_due_in_time(
    newest: datetime | None, period: timedelta, cutoff: datetime | None, due: timedelta | None
) -> None:
    assert next_renewal(newest, period, cutoff, now=NOW) == due


def test_a_key_secret_is_as_the_peer_writes_it() -> None:
    pair = make_pair()
    secret = key_secret(pair, prefix="k-", namespace="home", labels=[("a", "b")])
    label = "sealedsecrets.bitnami.com/sealed-secrets-key"
    assert secret["metadata"] == {
        "generateName": "k-",
        "namespace": "home",
        "labels": {"a": "b", label: "active"},
    }
    assert secret["type"] == "kubernetes.io/tls"
    assert encoding.decode(secret["data"]["tls.key"]).startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    read = KeyPair.from_pem(
        encoding.decode(secret["data"]["tls.key"]), encoding.decode(secret["data"]["tls.crt"])
    )
    assert read.certificate == pair.certificate


def test_the_name_of_a_new_key_is_made_of_the_key_before_it() -> None:
    names = [successor_name("k-", *one) for one in (("", 0), ("abc", 0), ("abc", 1), ("abd", 0))]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("k-[bcdfghjklmnpqrstvwxz2-9]{5}", name) for name in names)
    # Controllers of two releases must agree on it.
    assert names[:2] == ["k-8zhft", "k-mzkh6"]


def test_a_named_key_secret_keeps_the_prefix_beside_its_name() -> None:
    metadata = key_secret(make_pair(), prefix="k-", namespace="home", name="k-x2x4z")["metadata"]
    assert (metadata["name"], metadata["generateName"]) == ("k-x2x4z", "k-")


def test_a_label_of_the_admin_cannot_make_a_new_key_inactive() -> None:
    label = "sealedsecrets.bitnami.com/sealed-secrets-key"
    secret = key_secret(make_pair(), prefix="k", namespace="n", labels=[(label, "no")])
    assert secret["metadata"]["labels"] == {label: "active"}


def test_keys_are_ordered_by_certificate_unless_asked_otherwise() -> None:
    pair = make_pair()
    assert pair.certificate is not None
    secret = {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}
    created = datetime(2020, 1, 1, tzinfo=UTC)
    assert key_times(secret, pair, "CertNotBefore") == pair.certificate.not_before
    assert key_times(secret, pair, "SecretCreationTimestamp") == created
    assert (
        key_times({"metadata": {}}, pair, "SecretCreationTimestamp") == pair.certificate.not_before
    )
    assert key_times(secret, pair, "nonsense") == pair.certificate.not_before
