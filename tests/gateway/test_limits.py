"""How fast an endpoint is called: limits shared through a real Valkey, concurrency that follows refusals, and when it is given up."""

import asyncio
import time
from decimal import Decimal

import pytest
from redis.asyncio import Redis

from gateway import throttle as throttle_module
from gateway.breaker import LEAST, Breaker
from gateway.purse import LOT, Broke, Purse
from gateway.throttle import BURST, Limits, Throttle
from models.purse import Lot
from tests.workers.leashed import until


async def calls(throttle: Throttle, number: int, seconds: float, tokens: int = 1) -> tuple[int, float]:
    """The most that were in flight together, and how long all took."""
    flying = most = 0

    async def one() -> None:
        nonlocal flying, most
        async with throttle.turn(tokens):
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(seconds)
            flying -= 1

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(number)))
    return most, time.monotonic() - began


def test_two_workers_share_a_concurrency(broker: str) -> None:
    async def run() -> int:
        redis = Redis.from_url(broker)
        flying = most = 0

        async def one(throttle: Throttle) -> None:
            nonlocal flying, most
            async with throttle.turn(1):
                flying += 1
                most = max(most, flying)
                await asyncio.sleep(0.02)
                flying -= 1

        workers = [Throttle(redis, "shared", Limits(concurrency=3)) for _ in range(2)]
        await asyncio.gather(*(one(workers[i % 2]) for i in range(24)))
        await redis.aclose()
        return most

    assert asyncio.run(run()) == 3


@pytest.mark.parametrize("limits", [Limits(requests_per_minute=1200), Limits(tokens_per_minute=12_000)])
def test_a_rate_is_kept(broker: str, limits: Limits) -> None:
    """1,200 requests a minute of 10 tokens are 20 a second: 60 calls take two seconds beyond the burst."""

    async def run() -> float:
        redis = Redis.from_url(broker)
        _, took = await calls(Throttle(redis, f"rate-{limits.requests_per_minute}", limits), 60, 0.0, tokens=10)
        await redis.aclose()
        return took

    took = asyncio.run(run())
    assert 60 / 20 - BURST / 1000 - 0.2 <= took <= 60 / 20 + 2.0, took


def test_a_refusal_holds_everybody_and_halves(broker: str) -> None:
    async def run() -> tuple[float, float]:
        redis = Redis.from_url(broker)
        one, other = (Throttle(redis, "held", Limits(concurrency=16)) for _ in range(2))
        await one.refused(0.5)
        _, took = await calls(other, 1, 0.0)
        window = one.window
        await redis.aclose()
        return took, window

    took, window = asyncio.run(run())
    assert took >= 0.45 and window == 8


def test_a_shorter_hold_does_not_end_a_longer_one(broker: str) -> None:
    async def run() -> tuple[int, int]:
        redis = Redis.from_url(broker)
        throttle = Throttle(redis, "longer", Limits())
        await throttle.refused(60.0)
        await throttle.refused(0.05)
        after = await redis.pttl("endpoint:longer:hold")
        await throttle.refused(90.0)
        longer = await redis.pttl("endpoint:longer:hold")
        await redis.aclose()
        return after, longer

    after, longer = asyncio.run(run())
    assert 50_000 < after <= 60_000 < longer <= 90_000


@pytest.mark.parametrize("redis", [None, "redis://127.0.0.1:9"])
def test_a_refusal_is_kept_to_without_redis(redis: str | None) -> None:
    async def run() -> float:
        away = None if redis is None else Redis.from_url(redis, socket_connect_timeout=0.2)
        throttle = Throttle(away, "away", Limits())
        await throttle.refused(0.8)
        _, took = await calls(throttle, 1, 0.0)
        if away is not None:
            await away.aclose()
        return took

    assert asyncio.run(run()) >= 0.75


def test_each_refusal_in_a_row_holds_everybody_for_twice_as_long(broker: str) -> None:
    """Where the endpoint asks for less; a call that is taken ends the row."""

    async def run() -> None:
        redis = Redis.from_url(broker)
        one, other = (Throttle(redis, "row", Limits(concurrency=16)) for _ in range(2))

        async def held(asked: float | None, least: float) -> None:
            began = time.monotonic()
            await one.refused(asked)
            assert await redis.pttl("endpoint:row:hold") <= 1000 * (1.25 * least + 0.05) + 1
            await calls(other, 1, 0.0)
            await calls(one, 1, 0.0)
            assert time.monotonic() - began >= least - 0.05

        began = time.monotonic()
        for asked, least, window in ((None, 0.25, 8), (0.05, 0.5, 4), (None, 1.0, 2)):
            await held(asked, least)
            assert one.window == window
        assert 1.75 - 0.05 <= one.refusing <= time.monotonic() - began
        one.went_well()
        assert one.refusing == 0
        await held(None, 0.25)
        await redis.aclose()

    asyncio.run(run())


def test_refusals_of_calls_that_were_in_flight_together_are_one() -> None:
    async def run() -> float:
        throttle = Throttle(None, "together", Limits(concurrency=16))
        await asyncio.gather(*(throttle.refused(60.0) for _ in range(5)))
        return throttle.window

    assert asyncio.run(run()) == 8


def test_at_the_end_nobody_waits() -> None:
    async def run() -> float:
        throttle = Throttle(None, "end", Limits(concurrency=2))
        await throttle.refused(60.0)
        waiting = asyncio.create_task(calls(throttle, 6, 0.0))
        await asyncio.to_thread(until, lambda: throttle._flying > 0)
        throttle.end()
        _, took = await waiting
        return took

    assert asyncio.run(run()) < 5.0


def test_a_place_is_held_by_who_lives_and_freed_by_who_does_not(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle_module, "PLACE", 0.6)

    async def run(*, killed: bool) -> float:
        redis = Redis.from_url(broker)
        one, other = (Throttle(redis, f"place-{killed}", Limits(concurrency=1)) for _ in range(2))
        long = asyncio.create_task(calls(one, 1, 1.8))
        await asyncio.to_thread(until, lambda: bool(one._places))
        if killed:  # nothing of it runs any more, and nothing was said at the end
            assert one._renewing is not None
            one._renewing.cancel()
        began = time.monotonic()
        await calls(other, 1, 0.0)
        waited = time.monotonic() - began
        await long
        await redis.aclose()
        return waited

    assert asyncio.run(run(killed=False)) >= 1.5, "a call that takes long keeps its place"
    assert asyncio.run(run(killed=True)) <= 1.2, "whoever is gone holds up nobody for long"


def test_without_redis_each_keeps_to_its_own() -> None:
    async def run() -> int:
        redis = Redis.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.2)
        most, _ = await calls(Throttle(redis, "gone", Limits(concurrency=2)), 6, 0.01)
        await redis.aclose()
        return most

    assert asyncio.run(run()) == 2


def test_a_window_grows_again() -> None:
    async def run() -> float:
        throttle = Throttle(None, "grow", Limits(concurrency=8))
        await throttle.refused(None)
        for _ in range(40):
            throttle.went_well()
        return throttle.window

    assert asyncio.run(run()) == 8


def test_a_breaker_trips_at_half_of_the_last() -> None:
    breaker = Breaker()
    for _ in range(LEAST - 1):
        breaker.note(False)
    early = breaker.tripped
    breaker.note(False)
    given_up = breaker.tripped
    for _ in range(30):
        breaker.note(True)
    assert (early, given_up, breaker.tripped) == (False, True, False)


def test_a_purse_asks_no_more_once_a_cap_has_said_no() -> None:
    """40 calls of bound 10 that cost 1 each, with 100 to spend: the database is asked a handful of times, and 90 are spent or more."""
    asked: list[int] = []
    left = 100

    async def reserve(wanted: int, least: int, bound: int) -> Lot:
        nonlocal left
        asked.append(wanted)
        granted = min(wanted, left)
        if granted < least:
            return Lot(barred="job")
        left -= granted
        return Lot(granted=granted)

    async def run() -> int:
        purse, spent = Purse(reserve), 0

        async def one() -> None:
            nonlocal spent
            await purse.take(10)
            await asyncio.sleep(0.001)
            spent += 1
            await purse.settle(10, Decimal(1))

        done = await asyncio.gather(*(one() for _ in range(200)), return_exceptions=True)
        assert all(found is None or isinstance(found, Broke) for found in done)
        return spent

    spent = asyncio.run(run())
    assert 90 <= spent <= 100 and len(asked) < 12, (spent, asked)


def test_a_purse_holds_a_lot_with_what_is_in_flight() -> None:
    """32 calls in flight that cost a fifth of their bound, one of them of a bound that is 50 times as high: 64 usual bounds are never exceeded."""
    lots: list[int] = []
    spent = most = 0

    async def reserve(wanted: int, least: int, bound: int) -> Lot:
        nonlocal most
        lots.append(wanted)
        most = max(most, sum(lots) - spent)
        return Lot(granted=wanted)

    async def run() -> None:
        purse, places = Purse(reserve), asyncio.Semaphore(32)

        async def one(bound: int) -> None:
            nonlocal spent
            async with places:
                await purse.take(bound)
                await asyncio.sleep(0.001)
                spent += bound // 5
                await purse.settle(bound, Decimal(bound // 5))

        await asyncio.gather(*(one(1000 if number == 200 else 20) for number in range(400)))

    asyncio.run(run())
    assert most <= LOT * 20 + 2 * 1000 and len(lots) < 20, (most, lots)
