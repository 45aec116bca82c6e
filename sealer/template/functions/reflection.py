"""sprig's functions on types."""

from __future__ import annotations

from sealer.template import values
from sealer.template.equality import deep_equal as are_equal
from sealer.template.registry import Environment, Group

GROUP = Group()


@GROUP.function("typeOf", "func(interface {}) string")
def type_of(value: object) -> bytes:
    return b"<nil>" if value is None else values.go_type(value).encode()


@GROUP.function("typeIs", "func(string, interface {}) bool")
def type_is(name: bytes, value: object) -> bool:
    return name == type_of(value)


@GROUP.function("typeIsLike", "func(string, interface {}) bool")
def type_is_like(name: bytes, value: object) -> bool:
    return type_of(value) in (name, b"*" + name)


@GROUP.function("kindOf", "func(interface {}) string")
def kind_of(value: object) -> bytes:
    return b"invalid" if value is None else values.kind(value).encode()


@GROUP.function("kindIs", "func(string, interface {}) bool")
def kind_is(name: bytes, value: object) -> bool:
    return name == kind_of(value)


@GROUP.function("deepEqual", "func(interface {}, interface {}) bool", takes_environment=True)
def deep_equal(environment: Environment, one: object, other: object) -> bool:
    return are_equal(environment, one, other)
