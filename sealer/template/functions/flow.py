"""sprig's function that ends a rendering."""

from __future__ import annotations

from sealer.template.registry import CallError, Group

GROUP = Group()


@GROUP.function("fail", "func(string) (string, error)")
def fail(message: bytes) -> bytes:
    # The message may hold a secret, so it is not told; the error says where in the template.
    raise CallError("the template ends itself here")
