"""Where the controller has jobs done that strangers wrote: few processes, shared by namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from controller.api.errors import UnavailableError
from controller.work.frames import AnswerError
from controller.work.process import GoneError, WorkerProcess
from controller.work.rendering import made_of, render_job
from controller.work.stream import ANSWERED, MEMORY
from controller.work.turns import Turns
from sealer.errors import ManyErrors, SealerError, TemplateError
from sealer.templating import Made, Templates, has_templates

PROCESSES: Final = 2
DEADLINE: Final = 40.0
"""Seconds until a worker that has not ended its job by itself is ended."""
_IDLE_SECONDS: Final = 60.0
_RENDER_SECONDS: Final = 11
"""Of CPU: what the budget of a rendering grants at most, and one more."""
_BOUND: Final = "it takes more time than one object may"
_MEMORY: Final = "it takes more memory than one object may"


class BoundError(SealerError):
    """A job was ended, or its worker failed with it; the message says at which bound."""


class Workers:
    """Its methods run on the event loop; processes start with the first job and end when idle."""

    def __init__(self, *, deadline: float = DEADLINE, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._deadline, self._idle_seconds = deadline, idle_seconds
        self._turns = Turns(PROCESSES)
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes there are."""
        return tuple(worker.pid for worker in (*self._idle, *self._busy))

    @property
    def is_any_alive(self) -> bool:
        """Whether any of them has not ended, as far as is known."""
        return any(worker.is_alive for worker in (*self._idle, *self._busy))

    async def render(
        self,
        lane: str,
        templates: Templates,
        values: Mapping[str, bytes],
        *,
        strict: bool = False,
        partial: bool = False,
    ) -> Made:
        """Render all templates of one object; raises ManyErrors with TemplateErrors.

        ``lane`` is its namespace; ``strict`` and ``partial`` are those of ``templating.make``.
        """
        if not has_templates(templates):
            return Made()
        job = render_job(templates, values, strict=strict, partial=partial)
        try:
            answer = await self.do(lane, job, cpu_seconds=_RENDER_SECONDS)
            return made_of(answer, templates, partial=partial)
        except BoundError as error:
            words = f"template: the object's templates were stopped: {error.message}"
            raise ManyErrors([TemplateError(words)]) from None
        except AnswerError:
            words = "template: the object's templates gave no answer that can be read"
            raise ManyErrors([TemplateError(words)]) from None

    async def do(self, lane: str, job: bytes, *, cpu_seconds: int) -> bytes:
        """Have a job done; raises BoundError, or UnavailableError where there is no process."""
        async with self._turns.turn(lane):
            worker = await self._take()
            try:
                async with asyncio.timeout(self._deadline):
                    ending, answer = await worker.do(job, cpu_seconds)
            except BaseException as error:
                self._busy.discard(worker)
                self._end(worker)
                if isinstance(error, (TimeoutError, GoneError)):
                    raise BoundError(_BOUND) from None
                raise
            self._busy.discard(worker)
            self._rest(worker)
        if ending != ANSWERED:
            raise BoundError(_MEMORY if ending == MEMORY else _BOUND)
        return answer

    async def close(self) -> None:
        """End all processes."""
        if self._timer is not None:
            self._timer.cancel()
        for worker in (*self._idle, *self._busy):
            self._end(worker)
        self._idle.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _take(self) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                self._busy.add(worker)
                return worker
        try:
            worker = await WorkerProcess.start()
        except OSError:
            raise UnavailableError("no process can be started to render templates") from None
        self._busy.add(worker)
        return worker

    def _rest(self, worker: WorkerProcess) -> None:
        """Keep it for the next job, and for a while without one."""
        self._idle.append(worker)
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        for worker in self._idle:
            self._end(worker)
        self._idle.clear()

    def _end(self, worker: WorkerProcess) -> None:
        worker.kill()
        task = asyncio.get_running_loop().create_task(worker.ended())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
