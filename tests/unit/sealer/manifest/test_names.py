"""Names, keys and labels, as Kubernetes' own validation takes them."""

from __future__ import annotations

import pytest

from sealer.manifest.names import (
    is_label_value,
    is_name,
    is_namespace,
    is_qualified,
    is_secret_key,
    missing_keys,
    refused_metadata,
)


@pytest.mark.parametrize("name", ["a", "a-b", "a.b", "1", "a" * 253])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a" * 254, "a\n", "ä"])
def test_no_names(name: str) -> None:
    assert not is_name(name)


def test_namespaces() -> None:
    assert is_namespace("shop-dev")
    assert not any(map(is_namespace, ("", "a.b", "a" * 64, "team-*")))


def test_keys_of_a_secret() -> None:
    assert all(map(is_secret_key, ("a", ".dockercfg", "A_b.c-d", "a..b")))
    assert not any(map(is_secret_key, ("", ".", "..", "..a", "a b", "a/b", "a" * 254, "a\n")))


def test_keys_and_values_of_labels() -> None:
    assert all(map(is_qualified, ("a", "A_b.c", "example.org/a", "a" * 63)))
    assert not any(map(is_qualified, ("", "a b", "/a", "a/", "A.org/a", "a/b/c", "-a", "a" * 64)))
    assert all(map(is_label_value, ("", "true", "a_b.C-d", "a" * 63)))
    assert not any(map(is_label_value, ("a b", "-a", "a-", "a/b", "a" * 64)))


@pytest.mark.parametrize(
    ("kind", "keys", "missing"),
    [
        ("Opaque", (), ()),
        ("", (), ()),
        ("kubernetes.io/tls", ("tls.crt",), ("tls.key",)),
        ("kubernetes.io/tls", ("tls.crt", "tls.key"), ()),
        ("kubernetes.io/basic-auth", ("user",), ("username or password",)),
        ("kubernetes.io/basic-auth", ("password",), ()),
        ("kubernetes.io/dockerconfigjson", (".dockercfg",), (".dockerconfigjson",)),
    ],
)
def test_keys_that_a_type_asks_for(
    kind: str, keys: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert missing_keys(kind, keys) == missing


def test_metadata_that_is_refused() -> None:
    metadata = {
        "labels": {"ok": "x", "a b": "x", "v": "x y", "n": 1, "": ""},
        "annotations": {"example.org/ok": "any text at all", "x/y/z": ""},
    }
    assert [one.path for one in refused_metadata(metadata, ("metadata",))] == [
        ("metadata", "labels", "a b"),
        ("metadata", "labels", "v"),
        ("metadata", "labels", ""),
        ("metadata", "annotations", "x/y/z"),
    ]
    assert list(refused_metadata(None, ())) == []
    assert list(refused_metadata({"labels": ["x"]}, ())) == []
