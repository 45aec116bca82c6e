"""What can be said of a template without rendering it: keys it misses, functions it calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from sealer.template import nodes

_ASKING: Final = frozenset({"and", "or", "not", "default", "coalesce", "empty", "ternary", "dig"})
"""Functions whose caller expects that a key may be missing."""


@dataclass(frozen=True, slots=True)
class MissingKey:
    """A key that the template wants and the context cannot have."""

    place: str
    """name:line:column"""
    key: str


def missing_keys(tree: nodes.Tree, known: Collection[str]) -> list[MissingKey]:
    """List the keys that print ``<no value>`` because they are not in ``known``.

    Keys that the template itself asks for (``if .x``, ``default "y" .x``) are no mistake.
    """
    search = _Search(tree)
    search.run(tree.name, root=True)
    wanted = sorted(set(search.found))
    return [
        MissingKey(tree.place(position), key)
        for position, key in wanted
        if key not in known and key not in search.asked
    ]


def keys(tree: nodes.Tree) -> frozenset[str]:
    """Name the context's keys that the template looks at, asked for or not."""
    search = _Search(tree)
    search.run(tree.name, root=True)
    return frozenset({key for _, key in search.found} | search.asked)


def functions(tree: nodes.Tree) -> frozenset[str]:
    """Name every function that the template calls, also in parts that may never run."""
    return frozenset(
        operand.name
        for items in tree.templates.values()
        for operand in _operands(items)
        if isinstance(operand, nodes.Identifier)
    )


def _operands(items: Collection[nodes.Node]) -> Iterator[nodes.Operand]:
    for node in items:
        if isinstance(node, nodes.Action | nodes.Branch | nodes.Call) and node.pipe:
            yield from _in_pipe(node.pipe)
        if isinstance(node, nodes.Branch):
            yield from _operands(node.body)
            yield from _operands(node.otherwise)


def _in_pipe(pipe: nodes.Pipe) -> Iterator[nodes.Operand]:
    for command in pipe.commands:
        for operand in command.operands:
            yield operand
            if isinstance(operand, nodes.Chain):
                yield operand.node
                if isinstance(operand.node, nodes.Pipe):
                    yield from _in_pipe(operand.node)
            elif isinstance(operand, nodes.Pipe):
                yield from _in_pipe(operand)


@dataclass(slots=True)
class _Search:
    """Follows the root context: ``.`` until a range or with changes it, ``$`` to the end."""

    tree: nodes.Tree
    found: list[tuple[int, str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    _seen: set[tuple[str, bool]] = field(default_factory=set)

    def run(self, name: str, *, root: bool) -> None:
        """Search a template that is called with the context (``root``), or with another value."""
        if (name, root) not in self._seen and name in self.tree.templates:
            self._seen.add((name, root))
            self._items(self.tree.templates[name], dot=root, dollar=root)

    def _items(self, items: Collection[nodes.Node], *, dot: bool, dollar: bool) -> None:
        for node in items:
            if isinstance(node, nodes.Action):
                self._pipe(node.pipe, dot=dot, dollar=dollar)
            elif isinstance(node, nodes.Call):
                if node.pipe:
                    self._pipe(node.pipe, dot=dot, dollar=dollar)
                self.run(node.name, root=_is_root(node.pipe, dot=dot, dollar=dollar))
            elif isinstance(node, nodes.Branch):
                asks = not isinstance(node, nodes.Range)
                self._pipe(node.pipe, dot=dot, dollar=dollar, asks=asks)
                inner = dot if isinstance(node, nodes.If) else False
                self._items(node.body, dot=inner, dollar=dollar)
                self._items(node.otherwise, dot=dot, dollar=dollar)

    def _pipe(self, pipe: nodes.Pipe, *, dot: bool, dollar: bool, asks: bool = False) -> None:
        names = [command.operands[0] for command in pipe.commands]
        asks = asks or any(isinstance(n, nodes.Identifier) and n.name in _ASKING for n in names)
        for command in pipe.commands:
            self._command(command, dot=dot, dollar=dollar, asks=asks)
        if "$" in pipe.variables:
            self._seen.add(("$", True))  # redeclared: what it is from here on, nobody knows

    def _command(self, command: nodes.Command, *, dot: bool, dollar: bool, asks: bool) -> None:
        first = command.operands[0]
        if isinstance(first, nodes.Identifier) and first.name == "index":
            self._index(command, dot=dot, dollar=dollar, asks=asks)
        for operand in command.operands:
            match operand:
                case nodes.Field() if dot:
                    self._note(operand.position, operand.path[0], asks=asks)
                case nodes.Variable(name="$") if dollar and operand.path:
                    self._note(operand.position, operand.path[0], asks=asks)
                case nodes.Pipe():
                    self._pipe(operand, dot=dot, dollar=dollar, asks=asks)
                case nodes.Chain(node=nodes.Pipe() as inner):
                    self._pipe(inner, dot=dot, dollar=dollar, asks=asks)

    def _index(self, command: nodes.Command, *, dot: bool, dollar: bool, asks: bool) -> None:
        match command.operands[1:]:
            case (nodes.Dot() | nodes.Variable(name="$", path=()) as of, nodes.String() as key):
                if dot if isinstance(of, nodes.Dot) else dollar:
                    self._note(key.position, key.value.decode(errors="replace"), asks=asks)

    def _note(self, position: int, key: str, *, asks: bool) -> None:
        if ("$", True) in self._seen:
            return
        if asks:
            self.asked.add(key)
        else:
            self.found.append((position, key))


def _is_root(pipe: nodes.Pipe | None, *, dot: bool, dollar: bool) -> bool:
    if pipe is None or len(pipe.commands) != 1 or len(pipe.commands[0].operands) != 1:
        return False
    match pipe.commands[0].operands[0]:
        case nodes.Dot():
            return dot
        case nodes.Variable(name="$", path=()):
            return dollar
    return False
