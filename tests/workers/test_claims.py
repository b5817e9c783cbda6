"""Jobs of one project that ask the same at the same time: each question is paid for once, and nobody waits for the dead."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from redis.asyncio import Redis

from gateway import claims as claims_module
from gateway import desk as desk_module
from gateway.claims import Claims
from gateway.desk import Desk
from gateway.reply import Message
from spec.gateway import Asked, Told
from spec.gateway import Message as Line
from standalone.process import ROOT
from standalone.valkey import Valkey
from tests.acceptance.teacher import Teacher
from tests.models.world import World
from tests.workers.conftest import NOWHERE
from tests.workers.desk import SYSTEM, TEXTS, ask, asked, begun, booked, form
from workers.claim import Ledger

Result = tuple[Desk, list[Told]]
HOLDER = """
import asyncio, sys
from redis.asyncio import Redis
from gateway import claims

async def hold():
    claims.LEASE = 1.0
    mine = claims.Claims(Redis.from_url(sys.argv[1]), sys.argv[2], lambda digests: {}, 1)
    seen = await mine.look(sys.argv[3:])
    print(sum(one.ours for one in seen.values()), flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""
"""A worker that has claimed questions, and holds them for as long as it lives."""


def address(valkey: Valkey) -> str:
    return valkey.url.replace("redis+socket://", "unix://", 1)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(url, socket_connect_timeout=0.5)
    yield redis
    await redis.aclose()


@contextmanager
def holder(url: str, project: str, texts: list[str]) -> Iterator[subprocess.Popen[str]]:
    digests = [form().digest_of([SYSTEM, Message("user", text)]) for text in texts]
    argv = [sys.executable, "-c", HOLDER, url, project, *digests]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == f"{len(texts)}\n"
            yield process
        finally:
            process.kill()


def test_two_jobs_that_ask_the_same_pay_once(
    world: World, ledger: Ledger, teacher: Teacher, bells: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One asks from the front and the other from the back; with another project's job nothing is shared."""
    monkeypatch.setattr(claims_module, "LOOK", 0.1)
    teacher.latency = 0.1
    project = world.project()
    works = [begun(world, project), begun(world, project), begun(world, world.project("another"))]

    async def run() -> list[Result]:
        async with connected(address(bells)) as redis:
            sides = (TEXTS, TEXTS[::-1], TEXTS[:5])
            return list(
                await asyncio.gather(
                    *(ask(ledger, w, teacher, side, form(), redis=redis) for w, side in zip(works, sides, strict=True))
                )
            )

    one, other, third = asyncio.run(run())
    assert {text: teacher.asked[text] for text in TEXTS} == {text: 2 if text in TEXTS[:5] else 1 for text in TEXTS}
    assert sum(booked(world, work.grip.job) for work in works) == pytest.approx(teacher.bill, abs=1e-9)
    answers = [{one.id: one.answers for one in told} for _, told in (one, other, third)]
    assert len(answers[0]) == len(TEXTS) and len(answers[2]) == 5
    assert all(answers[0][i] == answers[1][len(TEXTS) - 1 - i] != () for i in range(len(TEXTS)))


def test_who_is_killed_holds_up_nobody(
    world: World, ledger: Ledger, teacher: Teacher, bells: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a worker lives, its questions are waited for, over several leases; once it is killed, they are asked."""
    monkeypatch.setattr(claims_module, "LOOK", 0.1)
    work = begun(world, world.project())

    async def run(url: str) -> tuple[int, list[Told]]:
        with holder(url, work.project, TEXTS[:4]) as worker:
            async with connected(url) as redis:
                asking = asyncio.create_task(ask(ledger, work, teacher, TEXTS[:10], form(), redis=redis))
                await asyncio.wait([asking], timeout=3.5)
                before = teacher.calls
                worker.kill()
                return before, (await asyncio.wait_for(asking, 20))[1]

    before, told = asyncio.run(run(address(bells)))
    assert before == 6 and teacher.calls == 10 and sum(bool(one.answers) for one in told) == 10


def test_who_ends_waits_for_nobody(
    world: World, ledger: Ledger, teacher: Teacher, bells: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cap that is reached ends the waiting, too; and what one gives up unasked, another asks at once."""
    monkeypatch.setattr(claims_module, "LOOK", 0.1)
    project = world.project()
    broke = begun(world, project, 0.1)

    async def run(url: str) -> tuple[Result, Result]:
        async with connected(url) as redis:
            with holder(url, project, TEXTS[:4]):
                began = time.monotonic()
                poor = await asyncio.wait_for(ask(ledger, broke, teacher, TEXTS, form(), redis=redis), 20)
                assert time.monotonic() - began < 5.0
            rich = begun(world, project)
            return poor, await asyncio.wait_for(ask(ledger, rich, teacher, TEXTS[4:], form(), redis=redis), 10)

    (desk, _), (_, told) = asyncio.run(run(address(bells)))
    assert desk.stopped is not None and desk.stopped.code == "over_budget"
    assert sum(bool(one.answers) for one in told) == len(TEXTS) - 4 == teacher.calls


def test_what_failed_is_asked_by_the_next(
    world: World, ledger: Ledger, teacher: Teacher, bells: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "LOOK", 0.1)
    monkeypatch.setattr(desk_module, "RETRIES", 0)
    teacher.failing, teacher.latency = TEXTS[2], 0.1
    project = world.project()
    works = [begun(world, project), begun(world, project)]

    async def run(url: str) -> list[Result]:
        async with connected(url) as redis:
            both = (ask(ledger, work, teacher, TEXTS[:6], form(), redis=redis) for work in works)
            return list(await asyncio.wait_for(asyncio.gather(*both), claims_module.LEASE / 2))

    for _, told in asyncio.run(run(address(bells))):
        assert [one.id for one in told if one.failed == "server_error"] == [2] and len(told) == 6
    assert teacher.calls == 5


def test_where_nobody_can_be_asked_each_pays(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """A worker's Redis is away: its questions are asked all the same."""

    async def run() -> Result:
        async with connected(NOWHERE) as redis:
            return await ask(ledger, begun(world, world.project()), teacher, TEXTS[:5], form(), redis=redis)

    _, told = asyncio.run(run())
    assert sum(bool(one.answers) for one in told) == 5 == teacher.calls


def test_what_is_given_up_is_free_at_once(bells: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before its lease is over, and while the one who had it goes on."""
    monkeypatch.setattr(claims_module, "LOOK", 0.05)

    async def run(url: str) -> list[bool]:
        async with connected(url) as redis:
            one, other = (Claims(redis, "p", lambda _: {}, 1) for _ in range(2))
            await one.look(["a", "b"])
            waiting = asyncio.create_task(other.elsewhere("a"))
            one.give_up("a")
            assert await asyncio.wait_for(waiting, claims_module.LEASE / 2) == {}
            seen = await other.look(["a", "b"])
            await one.close()
            await other.close()
            return [seen["a"].ours, seen["b"].ours]

    assert asyncio.run(run(address(bells))) == [True, False]


def test_two_jobs_that_are_refused_do_not_wait_for_each_other(
    world: World, ledger: Ledger, teacher: Teacher, bells: Valkey
) -> None:
    """Each asks a question that the other waits for; both are refused."""
    teacher.latency, teacher.faults["403"] = 0.5, 1000
    project = world.project()
    works = [begun(world, project), begun(world, project)]

    def put(text: str) -> list[Asked]:
        return [
            Asked(id=1, messages=tuple(Line(role=m.role, content=m.content) for m in (SYSTEM, Message("user", text))))
        ]

    async def run() -> list[str | None]:
        async with (
            connected(address(bells)) as redis,
            asked(ledger, works[0], teacher, TEXTS[:1], form(), redis=redis) as (first, _),
            asked(ledger, works[1], teacher, TEXTS[1:2], form(), redis=redis) as (second, _),
        ):
            await first.take(put(TEXTS[1]))
            await second.take(put(TEXTS[0]))
            async with asyncio.timeout(10):
                await asyncio.gather(*first._tasks, *second._tasks)
            await first.close(1.0)
            await second.close(1.0)
            return [None if one.stopped is None else one.stopped.code for one in (first, second)]

    assert asyncio.run(run()) == ["endpoint_refuses"] * 2
