"""Delivers batches, beside the work: bounded queues, time-outs, patience with a receiver's faults.

2xx is delivered, and so is Flux's 429 (it means "told already"). 429 and 5xx and silence are tried
again, Retry-After honoured; any other 4xx is not. What is given up is counted. A receiver whose
files are not there yet is no fault: they are looked for every ten seconds, and told of once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from controller.backoff import Backoff
from controller.events.recorder import Happening
from controller.notify import payloads
from controller.notify.applied import Applied, believed
from controller.notify.batch import Batch, Batcher
from controller.notify.notice import Owner, notice_of
from controller.notify.queue import Waiting
from controller.notify.receivers import AwaitedError, Receiver
from sealer.errors import SealerError

_LOG = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 10.0
_BACKOFF = Backoff(1.0, 300.0)
_GIVE_UP = timedelta(hours=1)
_LOOK_AGAIN_SECONDS = 10.0
SIGNATURE = "X-Signature"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said: the status, 0 for nothing."""

    status: int
    retry_after: float | None = None


Post = Callable[[str, bytes, dict[str, str]], Awaitable[Answer]]
Look = Callable[[Owner], Awaitable[Applied]]
"""What a Flux object applied, or may have: nothing, where it cannot be read."""


@dataclass
class Line:
    """One receiver with what waits for it."""

    receiver: Receiver
    batcher: Batcher
    waiting: Waiting = field(default_factory=Waiting)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    awaited: bool = False
    """Whether its URL or key was missing when it was last looked for."""


class Notifier:
    """``hear`` is a listener of the recorder; ``tasks`` deliver until cancelled."""

    def __init__(
        self,
        receivers: tuple[Receiver, ...],
        *,
        post: Post,
        look: Look,
        now: Callable[[], datetime],
        sleep: Callable[[float, asyncio.Event], Awaitable[None]],
        counted: Callable[[str, str], None],
    ) -> None:
        self._lines = [Line(one, Batcher(one.window)) for one in receivers]
        self._post, self._look = post, look
        self._now, self._sleep, self._counted = now, sleep, counted

    def hear(self, happening: Happening) -> None:
        """Take what happened; returns at once and never fails."""
        notice = notice_of(happening)
        if notice is None:
            return
        for line in self._lines:
            if line.receiver.wants(notice):
                line.batcher.add(notice, self._now())
                line.wake.set()

    def tasks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is to be run, by name."""
        return {f"notify {one.receiver.name}": partial(self._serve, one) for one in self._lines}

    async def flush(self, seconds: float) -> None:
        """Send what is gathered, once, before the end."""
        for line in self._lines:
            self._collect(line, all_of_them=True)
        try:
            async with asyncio.timeout(seconds):
                for line in self._lines:
                    while line.waiting and await self._deliver(line, line.waiting.first()[0]):
                        line.waiting.done()
        except TimeoutError:
            return

    async def _serve(self, line: Line) -> None:
        failures = 0
        while True:
            self._collect(line)
            if not line.waiting:
                await self._rest(line)
                continue
            batch, since = line.waiting.first()
            patience = await self._deliver(line, batch)
            if patience is True or self._now() - since > _GIVE_UP:
                line.waiting.done()
                if patience is not True:
                    self._drop(line.receiver, "given up")
                failures = 0
                continue
            if line.awaited:
                wait, failures = _LOOK_AGAIN_SECONDS, 0
            else:
                failures += 1
                wait = max(_BACKOFF.after(failures), patience or 0.0)
            line.wake.clear()
            await self._sleep(wait, asyncio.Event())

    async def _rest(self, line: Line) -> None:
        due = line.batcher.next_due()
        line.wake.clear()
        seconds = 3600.0 if due is None else max(0.0, (due - self._now()).total_seconds())
        await self._sleep(seconds, line.wake if due is None else asyncio.Event())

    def _collect(self, line: Line, *, all_of_them: bool = False) -> None:
        for batch in line.batcher.due(self._now(), all_of_them=all_of_them):
            if line.waiting.put(batch, self._now()):
                extra = {"receiver": line.receiver.name, "namespace": batch.namespace}
                _LOG.warning("many notifications wait: some are made one", extra=extra)

    async def _deliver(self, line: Line, batch: Batch) -> bool | float | None:
        """Send it: True when that is over with, else the seconds to wait, or None."""
        receiver, awaited, line.awaited = line.receiver, line.awaited, False
        try:
            url, key = receiver.url(), receiver.hmac_key()
            payload = await self._payload(receiver, batch)
        except AwaitedError as error:
            line.awaited = True
            if not awaited:
                why = {"receiver": receiver.name, "why": error.message}
                _LOG.warning("a notification waits for its receiver", extra=why)
            return None
        except SealerError as error:
            _LOG.error("cannot notify", extra={"receiver": receiver.name, "why": error.message})
            self._counted(receiver.name, "error")
            return None
        if payload is None:
            return True
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if key:
            headers[SIGNATURE] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        answer = await self._post(url, body, headers)
        if 200 <= answer.status < 300 or (receiver.kind == "flux" and answer.status == 429):
            self._counted(receiver.name, "delivered")
            return True
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            extra = {"receiver": receiver.name, "status": answer.status}
            _LOG.error("a receiver refuses a notification", extra=extra)
            self._counted(receiver.name, "refused")
            return True
        self._counted(receiver.name, "retried")
        return answer.retry_after

    async def _payload(self, receiver: Receiver, batch: Batch) -> dict[str, Any] | None:
        applied = await self._look(batch.owner) if batch.owner else Applied()
        batch = believed(batch, applied, only=receiver.kind == "flux")
        revision = applied.revision if batch.owner else ""
        if receiver.kind == "flux":
            return payloads.flux(batch, keys=receiver.keys, revision=revision, now=self._now())
        write = {
            "slack": payloads.slack,
            "teams": payloads.teams,
            "webhook": payloads.webhook,
        }[receiver.kind]
        return write(batch, keys=receiver.keys, revision=revision)

    def _drop(self, receiver: Receiver, why: str) -> None:
        self._counted(receiver.name, "dropped")
        _LOG.error("a notification is lost", extra={"receiver": receiver.name, "why": why})


async def pause(seconds: float, wake: asyncio.Event) -> None:
    """Sleep so long, or until woken."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return


def poster(session: Any) -> Post:
    """Return a ``Post`` over an aiohttp session; no redirect is followed, no error escapes."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)

    async def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            async with session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.content.read(1024)
                return Answer(answer.status, _seconds(answer.headers.get("Retry-After")))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return Answer(0)

    return post


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
