"""Go's text/template with sprig's functions, as Bitnami's controller renders them; pure, bounded.

What a template can reach: its own text, the context (a flat map of strings), the functions of
``functions``. No file, environment variable, network or attribute of the interpreter: a template
sees Go values only, and each of these offers what it names, nothing else.

How to write a function (a module a group in ``functions``, e.g. ``functions/strings.py``)::

    from sealer.template.registry import CallError, Environment, Group

    GROUP = Group()

    @GROUP.function("trunc", "func(int, string) string")
    def trunc(length: int, text: bytes) -> bytes:
        ...

- Arguments and results are Go values (``values``): a string is ``bytes``, ``int`` is ``int``,
  int64 is ``Int64``, nil is ``None``, ``[]interface {}`` is ``Slice``, a map is ``Map``.
- The signature is Go's, as ``reflect.TypeOf`` prints it. The evaluator checks count and types of
  arguments against it, so a function may rely on them; ``interface {}`` takes anything. A
  variadic tail arrives as further positional arguments.
- An error Go would return, or a panic, is ``CallError("what is wrong")``. Its text is a constant:
  no argument, no value, in no encoding. The text of another exception is thrown away.
- A function that makes more than it was given says so beforehand: ``takes_environment=True`` puts
  an ``Environment`` first, whose ``allocate(bytes)`` and ``spend(steps)`` raise at the limit.
  What a function returns is charged anyway, afterwards.
- Clock and randomness come from the environment alone; such a function is
  ``deterministic=False``.
- ``cost`` is what one call takes, in units of about 2 microseconds; default 1.
- Heavy imports (re2, bcrypt, cryptography) stand inside the function.

Then name the group in ``functions/__init__.py``.
"""

from sealer.template.limits import Budget, Limits
from sealer.template.rendering import Sources, Template, render

__all__ = ["Budget", "Limits", "Sources", "Template", "render"]
