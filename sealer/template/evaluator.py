"""Tree and context -> output, by the rules of Go's ``text/template`` (exec.go).

Statements run on a stack of our own, so that neither loops nor templates that call each other
go deep into the interpreter's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sealer.errors import TemplateError
from sealer.template import nodes
from sealer.template.expressions import ExecutionError, Expressions
from sealer.template.limits import Budget, LimitError
from sealer.template.printf import print_value
from sealer.template.registry import CallError, Function
from sealer.template.values import MISSING, Map, Sized, Slice, go_type, truth

_Loop = Iterator[tuple[object, object]]


@dataclass(slots=True)
class _Frame:
    """A list of nodes being run."""

    rest: Iterator[nodes.Node]
    dot: object
    mark: int
    """How many variables there were before it: those declared in it go when it ends."""
    loop: _Loop | None = None
    branch: nodes.Range | None = None
    caller: tuple[str, list[tuple[str, object]]] | None = None
    """Of a called template: the caller's name and variables."""


class Evaluator:
    """One rendering of one tree; several may share a budget."""

    def __init__(
        self,
        tree: nodes.Tree,
        functions: Mapping[str, Function],
        budget: Budget,
        *,
        strict: bool,
        optional: Collection[str] = (),
    ) -> None:
        self._tree = tree
        self._budget = budget
        self._strict = strict
        self._expressions = Expressions(functions, budget, strict=strict, optional=optional)
        self._output: list[bytes] = []
        self._name = tree.name
        self._depth = 0
        self._stack: list[_Frame] = []

    def run(self, context: Map) -> bytes:
        """Render; TemplateError names place and reason, no value."""
        expressions = self._expressions
        expressions.variables = [("$", context)]
        try:
            self._push(self._tree.templates[self._tree.name], context, 1)
            while self._stack:
                self._step(self._stack[-1])
        except (ExecutionError, LimitError, CallError) as error:
            place = self._tree.place(expressions.position)
            reason = f'executing "{self._name}": {error}'
            raise TemplateError(f"template: {place}: {reason}") from None
        except RecursionError:
            raise TemplateError(f"template: {self._tree.name}: nested too deeply") from None
        return b"".join(self._output)

    def _push(self, items: tuple[nodes.Node, ...], dot: object, mark: int) -> _Frame:
        frame = _Frame(iter(items), dot, mark)
        self._stack.append(frame)
        return frame

    def _step(self, frame: _Frame) -> None:
        """Run nodes of the top frame until one needs a frame of its own, or none is left."""
        for node in frame.rest:
            self._budget.spend(1)
            self._expressions.position = node.position
            if isinstance(node, nodes.Text):
                self._write(node.text)
            elif isinstance(node, nodes.Action):
                value = self._expressions.pipe(frame.dot, node.pipe)
                if not node.pipe.variables:
                    self._expressions.position = node.position
                    if self._strict and value is MISSING:
                        raise ExecutionError("there is no value to print")
                    self._write(print_value(value, self._budget))
            else:
                self._control(node, frame.dot)
                return
        self._leave(frame)

    def _write(self, text: bytes) -> None:
        self._budget.write(len(text))
        self._output.append(text)

    def _leave(self, frame: _Frame) -> None:
        """End the top frame, or begin its next iteration."""
        if frame.loop is not None:
            self._next_iteration(frame)
            return
        self._stack.pop()
        if frame.caller is not None:
            self._name, self._expressions.variables = frame.caller
            self._depth -= 1
        else:
            del self._expressions.variables[frame.mark :]

    def _control(self, node: nodes.Node, dot: object) -> None:
        match node:
            case nodes.Range():
                self._range(node, dot)
            case nodes.If() | nodes.With():
                self._branch(node, dot)
            case nodes.Call():
                self._call(node, dot)
            case nodes.Break() | nodes.Continue():
                self._jump(leaves=isinstance(node, nodes.Break))

    def _branch(self, node: nodes.If | nodes.With, dot: object) -> None:
        mark = len(self._expressions.variables)
        value = self._expressions.pipe(dot, node.pipe)
        if truth(value):
            self._push(node.body, value if isinstance(node, nodes.With) else dot, mark)
        else:
            self._push(node.otherwise, dot, mark)

    def _call(self, node: nodes.Call, dot: object) -> None:
        expressions = self._expressions
        if node.name not in self._tree.templates:
            raise ExecutionError(f'template "{node.name}" not defined')
        if self._depth == self._budget.limits.depth:
            raise ExecutionError(f"exceeded maximum template depth ({self._depth})")
        given = expressions.pipe(dot, node.pipe) if node.pipe else MISSING
        frame = self._push(self._tree.templates[node.name], given, 1)
        frame.caller = (self._name, expressions.variables)
        self._depth += 1
        self._name = node.name
        expressions.variables = [("$", given)]

    # Loops.

    def _range(self, node: nodes.Range, dot: object) -> None:
        expressions = self._expressions
        mark = len(expressions.variables)
        value = expressions.pipe(dot, node.pipe)
        loop = self._iterations(value, node)
        if loop is None:
            self._push(node.otherwise, dot, mark).branch = node
            return
        frame = self._push((), dot, mark)
        frame.loop, frame.branch = loop, node
        self._next_iteration(frame)

    def _iterations(self, value: object, node: nodes.Range) -> _Loop | None:
        """Return pairs of index and element, None for nothing to iterate over."""
        if isinstance(value, Slice):
            # As in Go each element is read when it is its turn: the body may sort the list.
            return ((index, value[index]) for index in range(len(value))) if value else None
        if isinstance(value, Map):
            return iter(sorted(value.items())) if value else None
        if isinstance(value, int) and not isinstance(value, bool):
            if len(node.pipe.variables) > 1:
                raise ExecutionError("can't use an integer to iterate over more than one variable")
            made = type(value) if isinstance(value, Sized) else int
            return ((MISSING, made(index)) for index in range(value)) if value > 0 else None
        if value is MISSING:
            return None
        raise ExecutionError(f"range can't iterate over a value of type {go_type(value)}")

    def _next_iteration(self, frame: _Frame) -> None:
        expressions, node, loop = self._expressions, frame.branch, frame.loop
        if node is None or loop is None:  # not a loop's frame; for the type checker
            return
        names = node.pipe.variables
        declared = 0 if node.pipe.assigns else len(names)
        del expressions.variables[frame.mark + declared :]
        following = next(loop, None)
        if following is None:
            del expressions.variables[frame.mark :]
            self._stack.pop()
            return
        index, element = following
        self._budget.spend(1)
        for number, name in enumerate(names):
            value = element if number == len(names) - 1 else index
            if node.pipe.assigns:
                expressions.set_variable(name, value)
            else:
                expressions.variables[frame.mark + number] = (name, value)
        frame.dot = element
        frame.rest = iter(node.body)

    def _jump(self, *, leaves: bool) -> None:
        """Go to the end of the innermost loop's body, or out of the loop."""
        while self._stack[-1].loop is None:
            left = self._stack.pop()
            if leaves and left.branch is not None:
                # To Go, the else of a range belongs to it: a break there leaves that much.
                del self._expressions.variables[left.mark :]
                return
        frame = self._stack[-1]
        frame.rest = iter(())
        if leaves:
            frame.loop = iter(())
