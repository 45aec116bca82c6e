"""Where the controller has jobs done that strangers wrote: few processes, shared by namespaces."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final

from controller.api.errors import UnavailableError
from controller.turns import Turns as LaneTurns
from controller.work.frames import AnswerError
from controller.work.process import GoneError, WorkerProcess
from controller.work.rendering import made_of, render_job
from controller.work.stream import ANSWERED, BOUND, MEMORY
from controller.work.turns import Turns
from sealer.errors import ManyErrors, SealerError, TemplateError
from sealer.templating import Made, Templates, has_templates

PROCESSES: Final = 2
DEADLINE: Final = 40.0
"""Seconds until a worker that has not ended its job by itself is ended."""
_IDLE_SECONDS: Final = 60.0
QUICK_SECONDS: Final = 2
"""Of CPU: what takes longer is begun again where such jobs wait for each other."""
_MOST_SLOW_LANES: Final = 1000
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
        # However many namespaces have slow jobs, one place stays for those that are quick.
        self._slow_turns = LaneTurns(places=1, width=1)
        self._slow_lanes: OrderedDict[str, None] = OrderedDict()
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
        optional: Collection[str] = (),
        partial: bool = False,
    ) -> Made:
        """Render all templates of one object; raises ManyErrors with TemplateErrors.

        ``lane`` is its namespace; the rest is that of ``templating.make``.
        """
        if not has_templates(templates):
            return Made()
        job = render_job(templates, values, strict=strict, optional=optional, partial=partial)
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
        """Have a job done; raises BoundError, or UnavailableError where there is no process.

        It has little time at first; if that is not enough it is begun again, when no other slow
        job is in work. A lane whose last job was slow is taken to be so.
        """
        if cpu_seconds <= QUICK_SECONDS or lane not in self._slow_lanes:
            ending, answer = await self._once(lane, job, min(cpu_seconds, QUICK_SECONDS))
            if ending != BOUND or cpu_seconds <= QUICK_SECONDS:
                return _answer(ending, answer)
            self._slow_lanes[lane] = None
            if len(self._slow_lanes) > _MOST_SLOW_LANES:
                self._slow_lanes.popitem(last=False)
        loop = asyncio.get_running_loop()
        async with self._slow_turns.of(lane):
            began = loop.time()
            ending, answer = await self._once(lane, job, cpu_seconds)
        if loop.time() - began < QUICK_SECONDS:
            self._slow_lanes.pop(lane, None)
        return _answer(ending, answer)

    async def _once(self, lane: str, job: bytes, cpu_seconds: int) -> tuple[int, bytes]:
        """Have it done when it is the lane's turn; how it ended, and the answer."""
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
        return ending, answer

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


def _answer(ending: int, answer: bytes) -> bytes:
    if ending != ANSWERED:
        raise BoundError(_MEMORY if ending == MEMORY else _BOUND)
    return answer
