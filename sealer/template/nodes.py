"""The tree that the parser makes and the evaluator walks.

``position`` is a character's index in the template: where an error is said to be. It follows
Go's tree, whose positions are a matter of habit (a chain's is its first field, a pipeline's its
first word).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sealer.template.literals import Constant


@dataclass(frozen=True, slots=True)
class Dot:
    position: int


@dataclass(frozen=True, slots=True)
class Nil:
    position: int


@dataclass(frozen=True, slots=True)
class Bool:
    position: int
    value: bool


@dataclass(frozen=True, slots=True)
class Number:
    position: int
    value: Constant


@dataclass(frozen=True, slots=True)
class String:
    position: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    position: int
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """``.a.b``"""

    position: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """``$a.b``; the name holds the dollar."""

    position: int
    name: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """``(pipeline).a.b``, or a function's name in place of the pipeline."""

    position: int
    node: Operand
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A function, field or value, and its arguments."""

    position: int
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each given the former's result last; and the variables it sets."""

    position: int
    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    assigns: bool = False
    """Whether the variables are there already (=, not :=)."""


Operand = Dot | Nil | Bool | Number | String | Identifier | Field | Variable | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Text:
    position: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Action:
    position: int
    pipe: Pipe


@dataclass(frozen=True, slots=True)
class Branch:
    """``if``, ``with`` and ``range`` in one shape."""

    position: int
    pipe: Pipe
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


class If(Branch):
    __slots__ = ()


class With(Branch):
    __slots__ = ()


class Range(Branch):
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Call:
    """``{{ template "name" pipeline }}``"""

    position: int
    name: str
    pipe: Pipe | None


@dataclass(frozen=True, slots=True)
class Break:
    position: int


@dataclass(frozen=True, slots=True)
class Continue:
    position: int


Node = Text | Action | If | With | Range | Call | Break | Continue


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed template: its own nodes are ``templates[name]``, beside those it defines."""

    name: str
    text: str
    templates: Mapping[str, tuple[Node, ...]]

    def place(self, position: int) -> str:
        """Return name:line:column of a position, the column counted in bytes from 0, as Go's."""
        line = self.text.count("\n", 0, position) + 1
        start = self.text.rfind("\n", 0, position) + 1
        column = len(self.text[start:position].encode())
        return f"{self.name}:{line}:{column}"
