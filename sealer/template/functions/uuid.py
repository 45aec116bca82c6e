"""sprig's random UUID."""

from __future__ import annotations

from uuid import UUID

from sealer.template.registry import Environment, Group

GROUP = Group()


@GROUP.function("uuidv4", "func() string", takes_environment=True, deterministic=False)
def uuidv4(environment: Environment) -> bytes:
    return str(UUID(bytes=environment.random(16), version=4)).encode()
