from __future__ import annotations

import asyncio

from controller.tasks import Tasks


def test_only_the_end_of_a_lasting_task_is_a_fault() -> None:
    async def ends() -> None:
        return

    async def main() -> None:
        tasks, forever = Tasks(), asyncio.Event()

        async def lasts() -> None:
            await forever.wait()

        await tasks.spawn("short", ends, lasting=False)
        tasks.spawn("long", lasts)
        assert tasks.ended() == []
        await tasks.spawn("broken", ends)
        assert tasks.ended() == ["broken"]
        await tasks.cancel()
        assert sorted(tasks.ended()) == ["broken", "long"]

    asyncio.run(main())
