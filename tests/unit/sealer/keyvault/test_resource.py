"""What a KeyVaultSecret's and a vault's manifest may say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sealer.errors import ManifestError, ManyErrors, SealerError
from sealer.keyvault.names import key_for, matches_glob, selector
from sealer.keyvault.references import ExpandEntry, FindEntry, Ref, Rename
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import VaultResource


def secret(*data: Any, **spec: Any) -> KeyVaultSecret:
    return KeyVaultSecret.from_dict(
        {
            "kind": "KeyVaultSecret",
            "metadata": {"name": "db", "namespace": "shop"},
            "spec": {"vaultRef": {"name": "v"}, "data": list(data), **spec},
        }
    )


def faults(error: SealerError) -> list[tuple[str, str]]:
    errors = error.errors if isinstance(error, ManyErrors) else (error,)
    return [
        (".".join(map(str, one.path)), one.message)
        for one in errors
        if isinstance(one, ManifestError)
    ]


@pytest.mark.parametrize(
    ("data", "spec", "path", "words"),
    [
        pytest.param([], {}, "spec.data", "empty", id="nothing"),
        pytest.param([{"key": "a"}], {}, "spec.data.0", "exactly one", id="no-source"),
        pytest.param(
            [{"key": "a", "from": {"secret": "a_b"}}],
            {},
            "spec.data.0.from.secret",
            "no name Azure can have",
            id="underscore",
        ),
        pytest.param(
            [{"key": "a b", "from": {"secret": "a"}}], {}, "spec.data.0.key", "no key", id="key"
        ),
        pytest.param(
            [{"key": "a", "from": {"secret": "a"}}, {"key": "a", "from": {"secret": "b"}}],
            {},
            "spec.data.1",
            "as spec.data[0] does",
            id="twice",
        ),
        pytest.param(
            [{"tls": {"certificate": "c"}}, {"key": "tls.key", "from": {"secret": "b"}}],
            {},
            "spec.data.1",
            "tls.key",
            id="tls-and-key",
        ),
        pytest.param(
            [{"find": {"regex": "(?=x)"}}], {}, "spec.data.0.find.regex", "RE2", id="look-ahead"
        ),
        pytest.param(
            [{"find": {"name": "*", "rename": [{"regex": "(a)", "to": "$2"}]}}],
            {},
            "spec.data.0.find.rename.0.to",
            "group 2",
            id="missing-group",
        ),
        pytest.param(
            [{"expand": {"secret": "a", "rename": [{"regex": "(?=x)", "to": "$2"}]}}],
            {},
            "spec.data.0.expand.rename.0.regex",
            "RE2",
            id="expand",
        ),
        pytest.param(
            [{"expand": {"secret": "a", "case": "env"}}],
            {},
            "spec.data.0.expand.case",
            "one of Env, Key",
            id="case",
        ),
        *(
            pytest.param(
                [{"find": {"name": "*", "rename": [{"regex": "(a)", "to": to}]}}],
                {},
                "spec.data.0.find.rename.0.to",
                words,
                id=name,
            )
            for to, words, name in (
                ("${2}", "group 2", "missing-group-in-braces"),
                ("${²}", "group ²", "superscript"),
                ("$²", "names no group", "bare-superscript"),
                ("$" + "9" * 5000, "group 999", "endless-number"),
                ("x$y", "names no group", "bare-dollar"),
            )
        ),
        pytest.param(
            [{"key": "a", "from": {"secret": "a", "version": "1"}}],
            {},
            "spec.data.0.from.version",
            "no version",
            id="version",
        ),
        pytest.param(
            [{"find": {"name": "*", "rename": [{"regex": "a"}]}}],
            {},
            "spec.data.0.find.rename.0.to",
            "missing",
            id="rename-to-nothing",
        ),
        pytest.param(
            [{"find": {"name": "*", "rename": [{"regex": "a", "to": "b"}] * 17}}],
            {},
            "spec.data.0.find.rename",
            "16 at most",
            id="renames",
        ),
        pytest.param(
            [{"find": {"tags": {str(number): "x" for number in range(16)}}}],
            {},
            "spec.data.0.find.tags",
            "15 at most",
            id="tags",
        ),
        pytest.param(
            [{"key": f"k{number}", "from": {"secret": "a"}} for number in range(257)],
            {},
            "spec.data",
            "256 at most",
            id="entries",
        ),
        pytest.param(
            [{"key": "a", "from": {"secret": "a", "property": ""}}],
            {},
            "spec.data.0.from.property",
            "empty",
            id="empty-property",
        ),
        pytest.param(
            [{"key": "a", "from": {"secret": "a"}}],
            {"target": {"type": "kubernetes.io/service-account-token"}},
            "spec.target.type",
            "grants access",
            id="token-type",
        ),
        pytest.param(
            [{"key": "a", "from": {"certificate": "a", "property": "x"}}],
            {},
            "spec.data.0.from.property",
            "for secrets",
            id="property-of-a-certificate",
        ),
    ],
)
def test_a_manifest_that_cannot_work_is_refused_where_it_is_wrong(
    data: list[Any], spec: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(SealerError) as caught:
        secret(*data, **spec)
    found = faults(caught.value)
    assert any(path == where and words in text for where, text in found), found


def test_entries_without_keys_do_not_conflict() -> None:
    with pytest.raises(ManyErrors) as caught:
        secret({"key": True, "from": {"secret": "a"}}, {"from": {"secret": "b"}})
    assert not any("fills the key" in words for _, words in faults(caught.value))


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ManyErrors) as caught:
        secret({"key": "a b", "from": {"secret": "a_b"}}, {"find": {}})
    assert len(caught.value.errors) == 3


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        pytest.param("team-a-*", "team-a-db", True, id="star"),
        pytest.param("team-a-*", "team-ab-db", False, id="boundary"),
        pytest.param("TEAM-?", "team-a", True, id="case-and-question-mark"),
        pytest.param("*", "anything", True, id="all"),
        pytest.param("a.b", "axb", False, id="no-regex"),
        pytest.param("*b?d*", "abxc-bcd", True, id="not-the-first"),
        pytest.param("*-db", "shop-db-db", True, id="last-of-several"),
        pytest.param("a*a", "a", False, id="one-letter-for-two"),
        pytest.param("*" * 40 + "x", "a" * 127, False, id="run-of-stars"),
        pytest.param("*-" * 60 + "!", "-" * 127, False, id="stars-that-could-stand-anywhere"),
        pytest.param("*?" * 60 + "!", "-" * 127, False, id="and-question-marks"),
    ],
)
def test_globs(pattern: str, name: str, expected: bool) -> None:
    assert matches_glob(pattern, name) is expected


def test_found_names_become_keys() -> None:
    rename = (Rename("shop-(?P<rest>.*)", "${rest}"), Rename("(.*)-old", "old.$1"))
    assert key_for(FindEntry(glob="*", rename=rename), "shop-db-old") == "old.db"
    assert key_for(FindEntry(glob="*", rename=rename, case="Env"), "shop-db-old") == "OLD_DB"
    assert key_for(FindEntry(glob="*", rename=(Rename("db", "x$$y"),)), "db") == "x$y"


def test_fields_of_an_object_become_keys() -> None:
    entry = ExpandEntry(Ref("secret", "a"), case="Key")
    assert key_for(entry, "Logging:Level.x-y") == "Logging_Level.x-y"
    assert key_for(replace(entry, case="Env"), "Logging:Level") == "LOGGING_LEVEL"
    rename = (Rename("(.*):(.*)", "$2.$1"),)
    assert key_for(replace(entry, case="", rename=rename), "a:b") == "b.a"


def test_a_name_that_steps_double_grows_no_further_than_any_key() -> None:
    entry = FindEntry(glob="*", rename=(Rename("(.*)", "$1" * 500),) * 16)
    assert 253 < len(key_for(entry, "a" * 127)) < 100_000


def test_a_regex_must_match_the_whole_name_and_tags_all_of_theirs() -> None:
    matches = selector(FindEntry(regex="shop-[a-z]+", tags=(("env", "prod"),)))
    assert matches("shop-db", {"env": "prod", "more": "x"})
    assert not matches("shop-db-1", {"env": "prod"})
    assert not matches("shop-db", {"env": "dev"})


def vault(kind: str, **spec: Any) -> VaultResource:
    base = {"url": "https://shop.vault.azure.net"}
    metadata = {"name": "v", "namespace": "shop"}
    return VaultResource.from_dict({"kind": kind, "metadata": metadata, "spec": {**base, **spec}})


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"auth": {}}, "spec.auth", id="none"),
        pytest.param({"auth": {"controllerIdentity": {}}}, "spec.auth.controllerIdentity", id="ci"),
        pytest.param({"auth": {"managedIdentity": {}}}, "spec.auth.managedIdentity", id="mi"),
        pytest.param(
            {"auth": {"workloadIdentity": {"serviceAccountName": "a", "namespace": "b"}}},
            "spec.auth.workloadIdentity.namespace",
            id="another-namespace",
        ),
        pytest.param(
            {
                "auth": {"workloadIdentity": {"serviceAccountName": "a"}},
                "poll": {"interval": "10s"},
            },
            "spec.poll.interval",
            id="too-often",
        ),
        pytest.param(
            {"auth": {"workloadIdentity": {"serviceAccountName": "a"}}, "allow": []},
            "spec.allow",
            id="allow",
        ),
    ],
)
def test_a_namespaced_vault_cannot_reach_out_of_its_namespace(
    spec: dict[str, Any], path: str
) -> None:
    with pytest.raises(SealerError) as caught:
        vault("KeyVault", **spec)
    assert path in [where for where, _ in faults(caught.value)]


def test_an_unknown_operator_of_a_selector_is_a_fault() -> None:
    expression = {"key": "team", "operator": "Equals", "values": ["a"]}
    allow = [{"namespaceSelector": {"matchExpressions": [expression]}, "objects": ["*"]}]
    with pytest.raises(SealerError) as caught:
        vault("ClusterKeyVault", auth={"controllerIdentity": {}}, allow=allow)
    path = "spec.allow.0.namespaceSelector.matchExpressions.0.operator"
    assert [where for where, _ in faults(caught.value)] == [path]


def test_an_interval_is_a_go_duration() -> None:
    auth: dict[str, Any] = {"controllerIdentity": {}}
    assert vault("ClusterKeyVault", auth=auth, poll={"interval": "1m30s"}).interval == 90


@pytest.mark.parametrize("version", ["2025-07-01", "7.4", "7.6-preview.1", "2026-01-01-preview"])
def test_an_api_version_is_a_date_or_an_older_number(version: str) -> None:
    auth: dict[str, Any] = {"controllerIdentity": {}}
    assert vault("ClusterKeyVault", auth=auth, apiVersion=version).api_version == version


@pytest.mark.parametrize("version", ["latest", "7", "8.1", "2025-07-01&x=y"])
def test_another_api_version_is_a_fault(version: str) -> None:
    with pytest.raises(SealerError) as caught:
        vault("ClusterKeyVault", auth={"controllerIdentity": {}}, apiVersion=version)
    assert [where for where, _ in faults(caught.value)] == ["spec.apiVersion"]
