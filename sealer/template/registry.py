"""Functions that templates may call: their Go signatures, and what they may ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

Implementation = TypeVar("Implementation", bound=Callable[..., object])


class CallError(Exception):
    """A function refuses its arguments, as Go's returns an error or panics.

    The message is a constant of the program: it names neither arguments nor values.
    """


class Environment(Protocol):
    """What a function may ask of the rendering it runs in."""

    def now(self) -> int:
        """Return the time in nanoseconds since 1970 UTC, the same all through one rendering."""

    def random(self, size: int) -> bytes:
        """Return so many random bytes, fit for keys."""

    def spend(self, steps: int) -> None:
        """Count work; raise when the rendering has done too much of it."""

    def spend_with_time(self, steps: int) -> None:
        """Count work whose time is a matter of luck, as making a key is."""

    def allocate(self, size: int) -> None:
        """Count bytes about to be made; raise when the rendering has made too many."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A Go function type; types by the names that reflect gives them."""

    fixed: tuple[str, ...]
    variadic: str | None
    """The type of each further argument."""
    result: str

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Read ``func(string, ...interface {}) (string, error)``; ValueError for another text."""
        match = re.fullmatch(r"func\((.*?)\) (?:\((.*), error\)|([^()]+))", text)
        if not match:
            raise ValueError(f"not a signature: {text}")
        params = match[1].split(", ") if match[1] else []
        variadic = params.pop()[3:] if params and params[-1].startswith("...") else None
        return cls(tuple(params), variadic, match[2] or match[3])


@dataclass(frozen=True, slots=True)
class Function:
    """A function as templates see it."""

    name: str
    signature: Signature
    call: Callable[..., object]
    takes_environment: bool = False
    """Whether ``call`` wants an Environment before the arguments."""
    deterministic: bool = True
    """Whether equal arguments give equal results, at any time."""
    cost: int = 1
    """What a call takes, in steps of about 2 microseconds."""
    written: str = ""
    """The signature as it was written, for comparison with Go's own."""


class Group(Mapping[str, Function]):
    """The functions of a module, by name; each is added by ``function`` above its definition."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}

    def function(
        self,
        name: str,
        signature: str,
        *,
        takes_environment: bool = False,
        deterministic: bool = True,
        cost: int = 1,
    ) -> Callable[[Implementation], Implementation]:
        """Add the decorated callable under ``name`` (stack it for several names)."""
        parsed = Signature.parse(signature)

        def add(call: Implementation) -> Implementation:
            self._functions[name] = Function(
                name, parsed, call, takes_environment, deterministic, cost, signature
            )
            return call

        return add

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)
