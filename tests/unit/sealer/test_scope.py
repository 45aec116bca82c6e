"""Scopes: their annotations, and the label that binds a ciphertext."""

from __future__ import annotations

import pytest

from sealer.errors import ManifestError, UsageError
from sealer.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION, Scope, label


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope.STRICT, "prod/dätabase"),
        (Scope.NAMESPACE_WIDE, "prod"),
        (Scope.CLUSTER_WIDE, ""),
    ],
)
def test_the_label_is_what_bitnami_makes_it(scope: Scope, expected: str) -> None:
    assert label("prod", "dätabase", scope) == expected.encode()


@pytest.mark.parametrize(
    ("namespace", "name", "scope", "field"),
    [
        ("", "db", Scope.STRICT, "namespace"),
        ("", "db", Scope.NAMESPACE_WIDE, "namespace"),
        ("prod", "", Scope.STRICT, "name"),
    ],
)
def test_a_label_that_lacks_a_part_is_an_error_with_a_cure(
    namespace: str, name: str, scope: Scope, field: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        label(namespace, name, scope)
    assert caught.value.path == ("metadata", field)
    assert caught.value.hint is not None
    assert field in caught.value.hint


def test_wide_scopes_need_no_more_than_they_bind() -> None:
    assert label("prod", "", Scope.NAMESPACE_WIDE) == b"prod"
    assert label("", "", Scope.CLUSTER_WIDE) == b""


@pytest.mark.parametrize(
    ("annotations", "scope"),
    [
        pytest.param({}, Scope.STRICT, id="none"),
        pytest.param({NAMESPACE_WIDE_ANNOTATION: "true"}, Scope.NAMESPACE_WIDE, id="namespace"),
        pytest.param({CLUSTER_WIDE_ANNOTATION: "true"}, Scope.CLUSTER_WIDE, id="cluster"),
        pytest.param(
            {NAMESPACE_WIDE_ANNOTATION: "true", CLUSTER_WIDE_ANNOTATION: "true"},
            Scope.CLUSTER_WIDE,
            id="both",
        ),
        pytest.param({CLUSTER_WIDE_ANNOTATION: "True"}, Scope.STRICT, id="not exactly true"),
        pytest.param({NAMESPACE_WIDE_ANNOTATION: "false"}, Scope.STRICT, id="false"),
        pytest.param({NAMESPACE_WIDE_ANNOTATION: ""}, Scope.STRICT, id="empty"),
    ],
)
def test_annotations_declare_the_scope(annotations: dict[str, str], scope: Scope) -> None:
    assert Scope.of(annotations) is scope


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_reads_back_from_its_word_and_its_annotations(scope: Scope) -> None:
    assert Scope.parse(scope.value) is scope
    assert Scope.of(scope.annotations) is scope


def test_an_unknown_scope_is_a_usage_error_that_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown scope 'wide'") as caught:
        Scope.parse("wide")
    assert caught.value.hint == "use strict, namespace-wide or cluster-wide"
