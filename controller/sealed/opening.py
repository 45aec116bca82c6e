"""From a SealedSecret to what its Secret should be: threads decrypt, worker processes render."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from controller.keys.store import KeyStore
from controller.sealed.desired import Desired, Policy, desired, needs_rendering, opened
from controller.sealed.hopeless import Wary
from controller.turns import Turns
from controller.work.workers import Workers
from sealer.keys.ring import KeyRing
from sealer.sealed import SealedSecret
from sealer.templating import Made
from sealer.unsealing import Opened

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Opening:
    """What it takes to open a SealedSecret; all of it is shared fairly between namespaces."""

    keys: KeyStore
    policy: Policy
    executor: Executor
    turns: Turns
    """Of namespaces at the executor."""
    workers: Workers
    """Where templates are rendered."""
    _wary: Wary = field(default_factory=Wary)

    async def desired(self, sealed: SealedSecret, *, prefer: str) -> Desired:
        """Decrypt and render; ``prefer`` is the fingerprint of the key to try first.

        Raises what ``sealer.unsealing`` does, RefusedError and ManyErrors of TemplateErrors.
        """
        ring = self._wary.of(self.keys.ring)
        found = await self._compute(sealed, partial(self._opened, sealed, ring, prefer))
        if isinstance(found, Opened):
            made = await self.workers.render(sealed.namespace, sealed.template.data, found.values)
            return await self._compute(sealed, partial(desired, sealed, found, made, self.policy))
        return found

    async def _compute(self, sealed: SealedSecret, work: Callable[[], _T]) -> _T:
        """In a thread, when it is the namespace's turn."""
        async with self.turns.of(sealed.namespace):
            return await asyncio.get_running_loop().run_in_executor(self.executor, work)

    def _opened(self, sealed: SealedSecret, ring: KeyRing, prefer: str) -> Opened | Desired:
        """Decrypt, in a thread; what has no templates is done then."""
        found = opened(sealed, ring, self.policy, prefer=prefer)
        if needs_rendering(sealed, found):
            return found
        return desired(sealed, found, Made(), self.policy)
