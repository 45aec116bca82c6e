"""What all clients together may ask for: bytes, requests, time, and turns at computing.

Who asks has a place in the room until the answer is there. Where there is no room for one more, or
for more bytes, the address that holds most gives some back: its request that came first. An honest
one is done in a moment, so what has been there longest is slow, stalled or dear. Everybody behind
the API server's proxy has one address, and the same holds among them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class CrowdedError(Exception):
    """There is no room, or no longer: come back later."""


class Place:
    """What one request holds; ``gone`` is for threads to see that nobody waits any more."""

    __slots__ = ("_clock", "_lock", "_room", "address", "gone", "is_read", "size", "spent")

    def __init__(self, room: Room, address: str, clock: asyncio.Timeout) -> None:
        self._room, self._clock, self._lock = room, clock, Lock()
        self.address, self.size, self.spent, self.gone = address, 0, 0, False
        self.is_read = False

    def grow(self, size: int) -> None:
        """Hold more bytes; CrowdedError."""
        self._stay()
        self._room.make_space(self, size)
        self.size += size

    def extend(self, seconds: float) -> None:
        """All of it is read: be done in so many seconds from now, or be dropped; CrowdedError."""
        self._stay()
        self.is_read = True
        self._clock.reschedule(asyncio.get_running_loop().time() + seconds)

    def pay(self, tries: int) -> None:
        """Count what was done for it, in any thread."""
        with self._lock:
            self.spent += tries

    def drop(self) -> None:
        """Let the request end at once, wherever it is."""
        self.gone = True
        if not self._clock.expired():
            self._clock.reschedule(asyncio.get_running_loop().time())

    def _stay(self) -> None:
        if self.gone:
            raise CrowdedError


class Room:
    """Requests under way, bounded by number and by the bytes that they hold.

    ``dear`` is how many tries make one that is not waited for at the end.
    """

    def __init__(self, *, places: int, size: int, dear: int) -> None:
        self._most, self._size, self._dear = places, size, dear
        self._closed = False
        self._places: dict[Place, None] = {}

    @property
    def held(self) -> int:
        """Bytes held now."""
        return sum(place.size for place in self._places)

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Let nobody in, and drop whom one would wait for: stalled uploads, and dear requests."""
        self._closed = True
        for place in tuple(self._places):
            if not place.is_read or place.spent >= self._dear:
                del self._places[place]
                place.drop()

    @asynccontextmanager
    async def enter(self, address: str, seconds: float) -> AsyncIterator[Place]:
        """Take a place for so long; CrowdedError when it is taken away, TimeoutError at its end."""
        if self._closed:
            raise CrowdedError
        place: Place | None = None
        try:
            async with asyncio.timeout(seconds) as clock:
                place = Place(self, address, clock)
                while len(self._places) >= self._most:
                    self._give_way(Counter(one.address for one in self._places))
                self._places[place] = None
                yield place
        except TimeoutError:
            if place is not None and place.gone:
                raise CrowdedError from None
            raise
        finally:
            if place is not None:
                place.gone = True
                self._places.pop(place, None)

    def make_space(self, place: Place, size: int) -> None:
        """See that there is room for more of its bytes; CrowdedError where it gives way itself."""
        while self.held + size > self._size:
            weights = Counter({place.address: size})
            for one in self._places:
                weights[one.address] += one.size
            if self._give_way(weights) is place:
                raise CrowdedError

    def _give_way(self, weights: Counter[str]) -> Place:
        """Drop the first that came from the address that weighs most."""
        most = max(weights.values())
        victim = next(one for one in self._places if weights[one.address] == most)
        del self._places[victim]
        victim.drop()
        return victim


class Turns:
    """Threads that all requests share a slice at a time: by address first, then by request."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._waiting: OrderedDict[str, OrderedDict[Place, deque[asyncio.Future[None]]]] = (
            OrderedDict()
        )

    async def run(self, place: Place, function: Callable[..., T], *arguments: Any) -> T:
        """Run it in a thread when its turn comes; a place that is gone has none."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.setdefault(place.address, OrderedDict()).setdefault(place, deque()).append(
            turn
        )
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._take_back()
            raise
        work = self._threads.submit(function, *arguments)

        def ended(_: Future[T]) -> None:
            # A thread goes on when nobody waits for it: its turn ends when it does. At the
            # very end there is no loop to tell.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._take_back)

        work.add_done_callback(ended)
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _take_back(self) -> None:
        self._free += 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and self._waiting:
            address, places = self._waiting.popitem(last=False)
            place, turns = places.popitem(last=False)
            turn = turns.popleft()
            if turns:
                places[place] = turns
            if places:
                self._waiting[address] = places
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
