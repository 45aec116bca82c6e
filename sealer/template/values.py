"""Go's values in Python: what a template computes with.

    Go                      Python                  Go's name of the type (``go_type``)
    string                  bytes                   string
    bool                    bool                    bool
    int                     int                     int
    int64, uint8, ...       Int64, Uint8, ...       int64, uint8, ... (subclasses of int)
    float64                 float                   float64
    nil (an interface)      None                    interface {}
    no value (reflect)      MISSING
    []T                     Slice (a list)          []interface {}, []string, []int, ...
    map[string]T            Map (a dict)            map[string]interface {}, map[string]string
    structs, named types    Object's subclasses     time.Time, *semver.Version, ...

Lengths, indices and cuts of strings count bytes, as Go's do. Arithmetic on the sized integers
gives Python's int: wrap the result again (``Int64.wrap``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Self

if TYPE_CHECKING:
    from sealer.template.registry import Function

EMPTY_INTERFACE: Final = "interface {}"


class Missing:
    """Go's invalid ``reflect.Value``: what a key that is not there, or nil, evaluates to."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Sized(int):
    """An integer of a fixed size; plain ``int`` is Go's int, of 64 bits."""

    __slots__ = ()
    go_type: ClassVar[str] = "int"
    kind: ClassVar[str] = "int"
    bits: ClassVar[int] = 64
    signed: ClassVar[bool] = True

    @classmethod
    def wrap(cls, number: int) -> Self:
        """Convert as Go does, by keeping the low bits."""
        return cls(wrapped(number, cls.bits, signed=cls.signed))


class Int8(Sized):
    __slots__ = ()
    go_type = kind = "int8"
    bits = 8


class Int16(Sized):
    __slots__ = ()
    go_type = kind = "int16"
    bits = 16


class Int32(Sized):
    """Also a rune."""

    __slots__ = ()
    go_type = kind = "int32"
    bits = 32


class Int64(Sized):
    __slots__ = ()
    go_type = kind = "int64"


class Uint(Sized):
    __slots__ = ()
    go_type = kind = "uint"
    signed = False


class Uint8(Sized):
    """Also a byte: what indexing a string gives."""

    __slots__ = ()
    go_type = kind = "uint8"
    bits = 8
    signed = False


class Uint16(Sized):
    __slots__ = ()
    go_type = kind = "uint16"
    bits = 16
    signed = False


class Uint32(Sized):
    __slots__ = ()
    go_type = kind = "uint32"
    bits = 32
    signed = False


class Uint64(Sized):
    __slots__ = ()
    go_type = kind = "uint64"
    signed = False


class Slice(list[object]):
    """A Go slice; ``elem`` names the type of its elements. A nil slice is an empty one."""

    __slots__ = ("elem", "is_nil")

    def __init__(
        self, items: Iterable[object] = (), *, elem: str = EMPTY_INTERFACE, is_nil: bool = False
    ) -> None:
        super().__init__(items)
        self.elem = elem
        self.is_nil = is_nil


class Map(dict[bytes, object]):
    """A Go map with string keys; ``elem`` names the type of its values."""

    __slots__ = ("elem", "is_nil")

    def __init__(
        self,
        items: Mapping[bytes, object] | Iterable[tuple[bytes, object]] = (),
        *,
        elem: str = EMPTY_INTERFACE,
        is_nil: bool = False,
    ) -> None:
        super().__init__(items)
        self.elem = elem
        self.is_nil = is_nil


class Object:
    """A value with a Go type of its own. A subclass names the type and offers its members.

    ``kind`` is the reflect kind (struct, ptr; int64 for a Duration that is also a ``Sized``).
    ``methods`` are Functions that take the object itself before the arguments that a template
    gives (their signature leaves it out).
    """

    __slots__ = ()
    go_type: ClassVar[str]
    kind: ClassVar[str] = "struct"
    methods: ClassVar[Mapping[str, Function]] = {}
    refused: ClassVar[Mapping[str, str]] = {}
    """Methods that no template can call (they return three values), and what Go says to that."""

    def text(self) -> bytes | None:
        """Return what String() or Error() gives, None where Go's type has neither."""
        return None

    def fields(self) -> tuple[tuple[str, object], ...]:
        """Return the struct's fields in order, those of lower-case name (unexported) too."""
        return ()


_KINDS: Final[Mapping[type, str]] = {
    bytes: "string",
    bool: "bool",
    int: "int",
    float: "float64",
    Slice: "slice",
    Map: "map",
    type(None): "interface",
    Missing: "invalid",
}


def kind(value: object) -> str:
    """Return the name of Go's reflect.Kind, "interface" for nil, "invalid" for no value."""
    known = _KINDS.get(type(value))
    if known is not None:
        return known
    if isinstance(value, Object | Sized):
        return value.kind
    raise TypeError("not a Go value")


def go_type(value: object) -> str:
    """Return the type as Go's ``%T`` and its error messages name it."""
    if isinstance(value, Slice):
        return f"[]{value.elem}"
    if isinstance(value, Map):
        return f"map[string]{value.elem}"
    if isinstance(value, Object | Sized):
        return value.go_type
    if value is None:
        return EMPTY_INTERFACE
    return kind(value)


def truth(value: object) -> bool:
    """Return whether ``if`` takes the value for true: not the zero value of its type."""
    if isinstance(value, Object) and not isinstance(value, int):
        return True
    return value is not MISSING and bool(value)


def wrapped(number: int, bits: int = 64, *, signed: bool = True) -> int:
    """Keep the low ``bits`` of a number, as an overflow in Go does."""
    number &= (1 << bits) - 1
    if signed and number >> (bits - 1):
        number -= 1 << bits
    return number


_NILLABLE: Final = (EMPTY_INTERFACE, "reflect.Value", "[]", "map[", "*")


def can_be_nil(type_name: str) -> bool:
    """Return whether nil may be given where this type is wanted."""
    return type_name.startswith(_NILLABLE)


def nil_of(type_name: str) -> object:
    """Return the nil of a type that has one."""
    if type_name.startswith("[]"):
        return Slice(elem=type_name[2:], is_nil=True)
    if type_name.startswith("map[string]"):
        return Map(elem=type_name[len("map[string]") :], is_nil=True)
    return MISSING if type_name == "reflect.Value" else None


def zero_of(type_name: str) -> object:
    """Return the zero value of a map's or slice's element type."""
    zeros: dict[str, object] = {"string": b"", "int": 0, "bool": False, "float64": 0.0}
    return zeros[type_name] if type_name in zeros else nil_of(type_name)


def integer_type(type_name: str) -> type[int] | None:
    """Return the Python class of Go's integer type, a named one too; None for another type."""
    if type_name == "int":
        return int
    return next((each for each in Sized.__subclasses__() if each.go_type == type_name), None)
