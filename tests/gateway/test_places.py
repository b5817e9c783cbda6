"""Jobs at one endpoint, through a real Valkey: who waits asks seldom and in order, and who holds more, or came later, lets the other pass."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from gateway.throttle import Limits, Throttle


async def evals(redis: Redis) -> int:
    told = await redis.info("commandstats")
    return int(told.get("cmdstat_eval", {"calls": 0})["calls"])


def test_who_waits_for_a_place_asks_seldom_and_in_order(broker: str) -> None:
    """32 calls of a job, while another one holds all 32 places for a second and a half: that many were 5,000 questions a second."""

    async def run() -> tuple[int, list[int]]:
        redis = Redis.from_url(broker)
        one, other = (Throttle(redis, "seldom", Limits(concurrency=32)) for _ in range(2))
        came: list[int] = []

        async def call(number: int) -> None:
            async with other.turn(1):
                came.append(number)

        async with AsyncExitStack() as held:
            for _ in range(32):
                await held.enter_async_context(one.turn(1))
            before = await evals(redis)
            waiting = [asyncio.create_task(call(number)) for number in range(32)]
            await asyncio.sleep(1.5)
            asked = await evals(redis) - before
            assert not came
        await asyncio.gather(*waiting)
        await redis.aclose()
        return asked, came

    asked, came = asyncio.run(run())
    assert 8 <= asked <= 40, asked
    assert came == list(range(32))


def test_a_job_that_comes_later_has_its_half(broker: str) -> None:
    """One job has held all places of an endpoint, and has more to ask: soon the other one holds as many, whatever luck it has, and none stays empty."""

    async def run() -> tuple[int, int, float]:
        redis = Redis.from_url(broker)
        jobs = [Throttle(redis, "half", Limits(concurrency=4)) for _ in range(2)]
        made, until = [0, 0], time.monotonic() + 3.5

        async def asks(job: int) -> None:
            while time.monotonic() < until:
                async with jobs[job].turn(1):
                    made[job] += 1
                    await asyncio.sleep(0.25)

        first = [asyncio.create_task(asks(0)) for _ in range(8)]
        await asyncio.sleep(0.5)
        begun, before = time.monotonic(), made[0]
        await asyncio.gather(*(asks(1) for _ in range(8)), *first)
        took = time.monotonic() - begun
        await redis.aclose()
        return made[0] - before, made[1], took

    old, new, took = asyncio.run(run())
    assert 0.3 <= new / (old + new) <= 0.7, (old, new)
    assert old + new >= 0.5 * 4 * took / 0.25, (old, new, took)


@pytest.mark.parametrize(("jobs", "places"), [(2, 1), (5, 4)])
def test_jobs_take_turns_where_there_are_no_places_for_all(broker: str, jobs: int, places: int) -> None:
    """Each has its share of calls of 50 ms, the places stand empty for a small part of the time, and nobody asks without end."""

    async def run() -> tuple[list[int], float, float]:
        redis = Redis.from_url(broker)
        all_ = [Throttle(redis, f"turns {places}", Limits(concurrency=places)) for _ in range(jobs)]
        made, busy, before = [0] * jobs, 0.0, await evals(redis)
        began = time.monotonic()

        async def asks(job: int, late: float) -> None:
            nonlocal busy
            await asyncio.sleep(late)
            while time.monotonic() < began + 2:
                async with all_[job].turn(1):
                    came = time.monotonic()
                    await asyncio.sleep(0.05)
                    made[job] += 1
                    busy += time.monotonic() - came

        await asyncio.gather(*(asks(job, 0.013 * job) for job in range(jobs) for _ in range(2)))
        took, asked = time.monotonic() - began, await evals(redis) - before
        await redis.aclose()
        return made, busy / places / took, asked / sum(made)

    made, busy, asked = asyncio.run(run())
    even = sum(made) / jobs
    assert 0.6 * even <= min(made) and max(made) <= 1.5 * even, made
    assert busy >= 0.4 and asked <= 25, (busy, asked)


def test_a_job_that_is_gone_holds_up_nobody(broker: str) -> None:
    """It waited for a place, and says nothing any more: who holds all of the others goes on."""

    async def run() -> float:
        redis = Redis.from_url(broker)
        one, gone = (Throttle(redis, "ghost", Limits(concurrency=4)) for _ in range(2))
        async with AsyncExitStack() as held:
            for _ in range(3):
                await held.enter_async_context(one.turn(1))
            async with one.turn(1):
                waiting = asyncio.create_task(gone.turn(1).__aenter__())
                await asyncio.sleep(0.1)
                waiting.cancel()
            began = time.monotonic()
            async with one.turn(1):
                took = time.monotonic() - began
        await redis.aclose()
        return took

    assert 0.1 <= asyncio.run(run()) <= 10
