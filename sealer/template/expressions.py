"""Pipelines and their operands -> values, by the rules of Go's ``text/template`` (exec.go)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sealer.template import nodes
from sealer.template.limits import Budget, LimitError
from sealer.template.literals import Constant
from sealer.template.registry import CallError, Function
from sealer.template.values import (
    EMPTY_INTERFACE,
    MISSING,
    Map,
    Object,
    can_be_nil,
    go_type,
    integer_type,
    nil_of,
    truth,
)

EXTRA: Final = "sealer[templates]"
_ANY: Final = (EMPTY_INTERFACE, "reflect.Value")
_COSTLY: Final = 1_000
"""Steps of a function that makes a key, or hashes a password."""
_Operands = Sequence[nodes.Operand]


class ExecutionError(Exception):
    """An expression that cannot be evaluated; ``Expressions.position`` is the place."""


class _Nothing:
    """Stands for "no value comes from the pipeline"; no template can get hold of it."""


_NOTHING: Final = _Nothing()


class Expressions:
    """Evaluates expressions; keeps the variables in sight and the place it is at."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        budget: Budget,
        *,
        strict: bool,
        optional: Collection[str] = (),
    ) -> None:
        self._functions = functions
        self._budget = budget
        self._strict = strict
        self._optional = optional
        self.position = 0
        self.variables: list[tuple[str, object]] = []

    # Variables: the latest of a name counts.

    def set_variable(self, name: str, value: object) -> None:
        """Give a variable that is there another value."""
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise ExecutionError(f"undefined variable: {name}")

    def _variable(self, name: str) -> object:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise ExecutionError(f"undefined variable: {name}")

    # Pipelines and commands.

    def pipe(self, dot: object, pipe: nodes.Pipe) -> object:
        """Evaluate a pipeline, and set its variables."""
        self.position = pipe.position
        value: object = _NOTHING
        for command in pipe.commands:
            value = self._command(dot, command, value)
            if value is None:
                value = MISSING  # an interface is looked into: nothing is in there
        for name in pipe.variables:
            if pipe.assigns:
                self.set_variable(name, value)
            else:
                self.variables.append((name, value))
        return value

    def _command(self, dot: object, command: nodes.Command, final: object) -> object:
        self._budget.spend(1)
        operands = command.operands
        first = operands[0]
        match first:
            case nodes.Field():
                self.position = first.position
                return self._chain(dot, dot, first, operands, final)
            case nodes.Identifier():
                self.position = first.position
                function = self._functions[first.name]
                return self._call(dot, function, command.position, operands[1:], final)
            case nodes.Chain():
                return self._chain(dot, self._receiver(dot, first), first, operands, final)
            case nodes.Pipe():
                self._refuse_arguments(operands, final)
                return self.pipe(dot, first)
            case nodes.Variable():
                self.position = first.position
                value = self._variable(first.name)
                if first.path:
                    return self._chain(dot, value, first, operands, final)
                self._refuse_arguments(operands, final)
                return value
        self.position = first.position
        self._refuse_arguments(operands, final)
        if isinstance(first, nodes.Nil):
            raise ExecutionError("nil is not a command")
        return self._constant(dot, first)

    def _refuse_arguments(self, operands: _Operands, final: object) -> None:
        if len(operands) > 1 or final is not _NOTHING:
            raise ExecutionError("can't give argument to non-function")

    def _constant(self, dot: object, node: nodes.Operand) -> object:
        """Return the value of a literal, or of the dot, where no type is asked for."""
        match node:
            case nodes.String() | nodes.Bool():
                return node.value
            case nodes.Dot():
                return dot
            case nodes.Number():
                self.position = node.position
                number = node.value
                if number.is_real:
                    return number.real
                if number.integer is None:
                    raise ExecutionError("the number overflows int")
                return number.integer
        raise ExecutionError("can't handle the operand")

    # Fields and methods.

    def _receiver(self, dot: object, chain: nodes.Chain) -> object:
        self.position = chain.position
        if isinstance(chain.node, nodes.Nil):
            raise ExecutionError("indirection through explicit nil")
        return self._value(dot, chain.node)

    def _chain(
        self,
        dot: object,
        receiver: object,
        node: nodes.Field | nodes.Variable | nodes.Chain,
        operands: _Operands,
        final: object,
    ) -> object:
        """Walk ``.a.b``; the last of them gets the arguments."""
        *inner, last = node.path
        for name in inner:
            receiver = self._field(dot, receiver, name, node.position, (), _NOTHING)
        return self._field(dot, receiver, last, node.position, operands[1:], final)

    def _field(
        self,
        dot: object,
        receiver: object,
        name: str,
        position: int,
        arguments: _Operands,
        final: object,
    ) -> object:
        given = bool(arguments) or final is not _NOTHING
        if isinstance(receiver, Map):
            if given:
                raise ExecutionError(f"{name} is not a method but has arguments")
            value = receiver.get(name.encode(), MISSING)
            if value is MISSING and self._strict and name not in self._optional:
                raise ExecutionError(f'map has no entry for key "{name}"')
            return value
        if receiver is MISSING:
            if self._strict:
                raise ExecutionError(f'nil data; no entry for key "{name}"')
            return MISSING
        if receiver is None:
            raise ExecutionError(f"nil pointer evaluating {EMPTY_INTERFACE}.{name}")
        if isinstance(receiver, Object):
            if name in receiver.methods:
                method = receiver.methods[name]
                return self._call(dot, method, position, arguments, final, receiver)
            if name in receiver.refused:
                raise ExecutionError(receiver.refused[name])
            for known, value in receiver.fields():
                if known == name:
                    return self._struct_field(name, value, given=given)
        raise ExecutionError(f"can't evaluate field {name} in type {go_type(receiver)}")

    def _struct_field(self, name: str, value: object, *, given: bool) -> object:
        if not name[:1].isupper():
            raise ExecutionError(f"{name} is an unexported field of a struct")
        if given:
            raise ExecutionError(f"{name} has arguments but cannot be invoked as function")
        return value

    # Calls.

    def _call(
        self,
        dot: object,
        function: Function,
        position: int,
        operands: _Operands,
        final: object,
        receiver: object = _NOTHING,
    ) -> object:
        name, signature = function.name, function.signature
        fixed = signature.fixed
        count = len(operands) + (final is not _NOTHING)
        if signature.variadic is None:
            if count != len(fixed):
                raise ExecutionError(
                    f"wrong number of args for {name}: want {len(fixed)} got {count}"
                )
        elif count < len(fixed):
            wanted = f"want at least {len(fixed)} got {len(operands)}"
            raise ExecutionError(f"wrong number of args for {name}: {wanted}")
        if name in ("and", "or"):
            return self._short_circuit(dot, operands, final, stop=name == "or")
        types = [*fixed, *[signature.variadic or ""] * (count - len(fixed))]
        arguments = [
            self._argument(dot, operand, wanted)
            for operand, wanted in zip(operands, types, strict=False)
        ]
        if final is not _NOTHING:
            arguments.append(self._checked(final, types[-1]))
        if receiver is not _NOTHING:
            arguments.insert(0, receiver)
        return self._safe_call(function, arguments, position)

    def _short_circuit(
        self, dot: object, operands: _Operands, final: object, *, stop: bool
    ) -> object:
        value: object = MISSING
        for operand in operands:
            value = self._argument(dot, operand, "reflect.Value")
            if truth(value) is stop:
                return value
        return value if final is _NOTHING else final

    def _safe_call(self, function: Function, arguments: list[object], position: int) -> object:
        budget = self._budget
        reason = ""
        try:
            count = budget.spend_with_time if function.cost >= _COSTLY else budget.spend
            count(function.cost)
            if function.takes_environment:
                result = function.call(budget, *arguments)
            else:
                result = function.call(*arguments)
            budget.made(result)
        except LimitError:
            raise
        except CallError as error:
            reason = f": {error}"
        except ImportError:
            reason = f': it needs a library: pip install "{EXTRA}"'
        except Exception:  # noqa: BLE001
            # As Go's safeCall: a panic is an error of the template. Its text may hold a value.
            reason = ": it cannot handle these arguments"
        else:
            return result
        self.position = position
        raise ExecutionError(f"error calling {function.name}{reason}")

    # Arguments, checked against the types of the parameters.

    def _value(self, dot: object, node: nodes.Operand) -> object:
        """Evaluate an operand where any type will do."""
        match node:
            case nodes.Field():
                self.position = node.position
                return self._chain(dot, dot, node, (), _NOTHING)
            case nodes.Variable():
                self.position = node.position
                value = self._variable(node.name)
                return self._chain(dot, value, node, (), _NOTHING) if node.path else value
            case nodes.Pipe():
                return self.pipe(dot, node)
            case nodes.Identifier():
                self.position = node.position
                function = self._functions[node.name]
                return self._call(dot, function, node.position, (), _NOTHING)
            case nodes.Chain():
                return self._chain(dot, self._receiver(dot, node), node, (), _NOTHING)
        return self._constant(dot, node)

    def _argument(self, dot: object, node: nodes.Operand, wanted: str) -> object:
        self.position = node.position
        if isinstance(node, nodes.Nil):
            if can_be_nil(wanted):
                return nil_of(wanted)
            raise ExecutionError(f"cannot assign nil to {wanted}")
        if isinstance(node, nodes.Bool | nodes.Number | nodes.String) and wanted not in _ANY:
            return self._typed_constant(node, wanted)
        return self._checked(self._value(dot, node), wanted)

    def _checked(self, value: object, wanted: str) -> object:
        """Refuse a value of another type than the wanted one."""
        if value is MISSING:
            if can_be_nil(wanted):
                return nil_of(wanted)
            raise ExecutionError(f"invalid value; expected {wanted}")
        if wanted in _ANY or go_type(value) == wanted:
            return value
        raise ExecutionError(f"wrong type for value; expected {wanted}; got {go_type(value)}")

    def _typed_constant(
        self, node: nodes.Bool | nodes.Number | nodes.String, wanted: str
    ) -> object:
        if wanted == "string":
            if not isinstance(node, nodes.String):
                raise ExecutionError("expected string; found another literal")
            return node.value
        if wanted == "bool":
            if not isinstance(node, nodes.Bool):
                raise ExecutionError("expected bool; found another literal")
            return node.value
        integer = integer_type(wanted)
        if not integer and wanted != "float64":
            raise ExecutionError(f"can't handle the literal for arg of type {wanted}")
        number = node.value if isinstance(node, nodes.Number) else None
        return self._typed_number(number, wanted, integer)

    def _typed_number(
        self, number: Constant | None, wanted: str, integer: type[int] | None
    ) -> object:
        if integer is None:
            if number is None:
                raise ExecutionError("expected float; found another literal")
            return number.real
        unsigned = wanted.startswith("uint")
        value = None
        if number is not None:
            value = number.unsigned if unsigned else number.integer
        if value is None:
            name = "unsigned integer" if unsigned else "integer"
            raise ExecutionError(f"expected {name}; found another literal")
        wrap = getattr(integer, "wrap", int)
        made: int = wrap(value)
        return made
