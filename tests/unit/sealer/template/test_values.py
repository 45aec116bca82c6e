"""The value model and the signatures speak Go's names."""

from __future__ import annotations

import pytest

from sealer.template import values
from sealer.template.registry import Group, Signature
from sealer.template.values import MISSING, Int64, Map, Slice, Uint8


@pytest.mark.parametrize(
    ("value", "kind", "go_type", "truth"),
    [
        pytest.param(b"x", "string", "string", True, id="string"),
        pytest.param(b"", "string", "string", False, id="empty-string"),
        pytest.param(True, "bool", "bool", True, id="bool"),
        pytest.param(3, "int", "int", True, id="int"),
        pytest.param(Int64(0), "int64", "int64", False, id="int64"),
        pytest.param(Uint8(7), "uint8", "uint8", True, id="byte"),
        pytest.param(0.5, "float64", "float64", True, id="float"),
        pytest.param(None, "interface", "interface {}", False, id="nil"),
        pytest.param(MISSING, "invalid", "invalid", False, id="missing"),
        pytest.param(Slice([1]), "slice", "[]interface {}", True, id="list"),
        pytest.param(Slice(elem="string"), "slice", "[]string", False, id="strings"),
        pytest.param(Map(elem="string"), "map", "map[string]string", False, id="map"),
    ],
)
def test_a_value_has_gos_kind_type_and_truth(
    value: object, kind: str, go_type: str, truth: bool
) -> None:
    assert values.kind(value) == kind
    assert values.go_type(value) == go_type
    assert values.truth(value) is truth


def test_integers_wrap_around_as_gos_do() -> None:
    assert Int64.wrap(1 << 63) == -(1 << 63)
    assert Uint8.wrap(-1) == 255
    assert values.go_type(Int64.wrap(1)) == "int64"


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        pytest.param("func() string", Signature((), None, "string"), id="none"),
        pytest.param(
            "func(string, ...interface {}) (string, error)",
            Signature(("string",), "interface {}", "string"),
            id="variadic-with-error",
        ),
        pytest.param(
            "func(map[string]interface {}, string) map[string]interface {}",
            Signature(
                ("map[string]interface {}", "string"),
                None,
                "map[string]interface {}",
            ),
            id="map",
        ),
    ],
)
def test_a_signature_is_read_as_go_prints_it(text: str, signature: Signature) -> None:
    assert Signature.parse(text) == signature


def test_a_group_holds_functions_by_name() -> None:
    group = Group()

    @group.function("twice", "func(string) string")
    @group.function("double", "func(string) string", deterministic=False)
    def twice(text: bytes) -> bytes:
        return text * 2

    assert sorted(group) == ["double", "twice"]
    assert group["twice"].call(b"a") == b"aa"
    assert not group["double"].deterministic
