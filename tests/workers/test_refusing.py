"""A desk at an endpoint that refuses: one row, all of them, for a while, or for good."""

import asyncio
import time

import pytest

from gateway import desk as desk_module
from tests.acceptance.teacher import Teacher
from tests.models.world import World
from tests.workers.desk import TEXTS, ask, asked, begun, booked, form
from tests.workers.leashed import until
from workers.claim import Ledger


def test_an_endpoint_that_only_refuses_is_called_ever_more_seldom(
    world: World, ledger: Ledger, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who wait are held, half as many come after each wait, and once that has lasted too long the job pauses at once."""
    monkeypatch.setattr(desk_module, "PATIENCE", 1.0)
    teacher.faults["429"] = 10_000
    work = begun(world, world.project(), 5.0)
    began = time.monotonic()
    desk, told = asyncio.run(ask(ledger, work, teacher, TEXTS, form()))
    assert desk.stopped is not None and desk.stopped.code == "endpoint_failing" and any(one.stop for one in told)
    assert 1.0 < time.monotonic() - began < 8.0 and booked(world, work.grip.job) == 0
    assert 10_000 - teacher.faults["429"] <= 160, "64, 32, 16, 8, and a few"


def test_an_error_that_says_when_to_come_back_holds_all(world: World, ledger: Ledger, teacher: Teacher) -> None:
    teacher.faults["500"], teacher.retry_after_ms = 1, 1500
    work = begun(world, world.project())

    async def run() -> tuple[float, int]:
        began = time.monotonic()
        async with asked(ledger, work, teacher, TEXTS[:3], form(), concurrency=1) as (desk, told):
            await asyncio.to_thread(until, lambda: teacher.calls > 0)
            held = time.monotonic() - began
            while desk._tasks:
                await asyncio.wait(desk._tasks)
            await desk.close(1.0)
        return held, sum(bool(one.answers) for one in told)

    held, answered = asyncio.run(run())
    assert held >= 1.5 and (answered, teacher.faults["500"]) == (3, 0)


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_row_that_is_refused_alone_fails_alone(
    world: World, ledger: Ledger, teacher: Teacher, concurrency: int
) -> None:
    """Whether it is the first of all, or the only one that is left."""
    teacher.forbidden, project = TEXTS[0], world.project()
    for _ in range(2):
        work = begun(world, project)
        desk, told = asyncio.run(ask(ledger, work, teacher, TEXTS[:6], form(), concurrency=concurrency))
        assert desk.stopped is None and teacher.calls == 5, "and the others are paid for once"
        (one,) = [one for one in told if not one.answers]
        assert (one.id, one.failed, one.message, one.passing) == (0, "forbidden", "HTTP 403: no: 403", True)


@pytest.mark.parametrize(("fault", "rows"), [("403", 1), ("403", 80), ("402", 80)])
def test_an_endpoint_that_refuses_all_ends_the_asking(
    world: World, ledger: Ledger, teacher: Teacher, fault: str, rows: int
) -> None:
    teacher.faults[fault] = 1000
    desk, _ = asyncio.run(ask(ledger, begun(world, world.project()), teacher, TEXTS[:rows], form(), concurrency=8))
    assert desk.stopped is not None and desk.stopped.code == "endpoint_refuses"
    assert desk.stopped.message.endswith(f"HTTP {fault}: no: {fault}") and 1000 - teacher.faults[fault] <= 32


def test_an_endpoint_that_is_not_paid_any_more_ends_the_asking(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """Its credit is gone at the last row: whatever was answered before, it is asked about again."""
    project = world.project()
    asyncio.run(ask(ledger, begun(world, project), teacher, TEXTS[:5], form()))
    teacher.faults["402"] = 1
    desk, _ = asyncio.run(ask(ledger, begun(world, project), teacher, TEXTS[:6], form()))
    assert desk.stopped is not None and desk.stopped.code == "endpoint_refuses" and teacher.calls == 5
