"""The desk on a real database and a real socket: money is set aside before a call, caps hold, answers are kept before they are told."""

import asyncio
import random
import time
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gateway.caller import Caller
from gateway.desk import Desk
from gateway.reply import Message
from gateway.words import NAME
from models import lease
from models.answer import StoredAnswer
from models.charge import Charge
from models.project import Project
from models.purse import Reservation
from models.step import Step, StepState
from spec.gateway import Answer, Told
from tests.acceptance.teacher import Teacher, sentences
from tests.models.world import World
from tests.workers.desk import PRICE, SYSTEM, TEXTS, ask, asked, begun, booked, form
from tests.workers.leashed import until
from workers.claim import Ledger


@pytest.mark.parametrize(("caps", "seed"), [(20, 11), pytest.param(100, 12, marks=pytest.mark.proof)])
def test_caps_are_held(world: World, ledger: Ledger, teacher: Teacher, caps: int, seed: int) -> None:
    """From ten calls' bounds on: less than any cap that `validate` takes, which has to cover 32 (benchmarks/caps.py draws from there, of whole jobs)."""
    project = world.project()
    free = begun(world, project)
    asyncio.run(ask(ledger, free, teacher, TEXTS, form()))
    full = teacher.bill
    assert booked(world, free.grip.job) == pytest.approx(full, abs=1e-9) and teacher.calls == len(TEXTS)
    lowest = 10 * max(form().bound([SYSTEM, Message("user", text)], 1) for text in TEXTS) / 1e6
    draw = random.Random(seed)
    for number in range(caps):
        cap = draw.uniform(lowest, full)
        teacher.forget()
        work = begun(world, world.project(f"p{number}"), cap)
        desk, told = asyncio.run(ask(ledger, work, teacher, TEXTS, form()))
        spent = booked(world, work.grip.job)
        assert teacher.bill <= cap and spent == pytest.approx(teacher.bill, abs=1e-9), (cap, spent, teacher.bill)
        if teacher.calls < len(TEXTS):
            assert desk.stopped is not None and desk.stopped.code == "over_budget" and any(one.stop for one in told)
            assert spent > 0.9 * cap, (cap, spent)
        assert sum(bool(one.answers) for one in told) == teacher.calls
    assert not world(lambda session: session.scalars(select(Reservation).where(Reservation.open != 0)).all())


def test_what_was_paid_for_is_told_before_the_stop(
    world: World, ledger: Ledger, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that is busy between an answer's commit and its telling."""
    make = Caller.make

    async def later(self: Caller, *question: Any) -> dict[int, Answer]:
        answers = await make(self, *question)
        await asyncio.sleep(0.2)
        return answers

    monkeypatch.setattr(Caller, "make", later)
    cap = 2 * max(form().bound([SYSTEM, Message("user", text)], 1) for text in TEXTS) / 1e6
    _, told = asyncio.run(ask(ledger, begun(world, world.project(), cap), teacher, TEXTS, form()))
    stop = next(place for place, one in enumerate(told) if one.stop)
    assert 0 < teacher.calls < len(TEXTS)
    assert sum(bool(one.answers) for one in told[:stop]) == teacher.calls


@pytest.mark.parametrize("since", [False, True])
def test_what_must_still_come_is_left(world: World, ledger: Ledger, teacher: Teacher, since: bool) -> None:
    """A worker at $360 an hour, which may have come since the job was planned: a slice of training (3 s) and grading (10 s) are $1.30, which no answer
    may have: all together would cost $1.87."""
    work = begun(world, world.project(), 2.8, {"gpu": 1.0 if since else 360.0})
    if since:
        world.connect(360.0, "gpu", "io")
    asyncio.run(ask(ledger, work, teacher, TEXTS, form()))
    assert 0.85 * 1.5 < booked(world, work.grip.job) <= 1.5


def test_what_a_step_leaves_to_later_calls_is_left(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """Texts are asked for with what the answers to old rows leave of a cap."""
    work = begun(world, world.project(), 1.9)

    def leaving(session: Session) -> None:
        session.get_one(Step, work.grip.step).context = {"aside": 900_000}

    world(leaving)
    desk, _ = asyncio.run(ask(ledger, work, teacher, TEXTS, form()))
    assert desk.stopped is not None and 0.75 < booked(world, work.grip.job) <= 1.0


def test_answers_are_kept_and_cost_nothing_again(world: World, ledger: Ledger, teacher: Teacher) -> None:
    project = world.project()
    first = begun(world, project)
    _, told = asyncio.run(ask(ledger, first, teacher, TEXTS[:20], form()))
    kept = world(lambda s: s.scalar(select(func.count()).where(StoredAnswer.project == project)))
    assert kept == 20 == teacher.calls
    charge = world(lambda s: s.scalars(select(Charge).where(Charge.job == first.grip.job)).one())
    assert (charge.endpoint, charge.price_version, charge.calls) == ("ep_words", PRICE.version, 20)
    assert (charge.input_tokens, charge.output_tokens) == (teacher.tokens_in, teacher.tokens_out)
    second = begun(world, project)
    _, again = asyncio.run(ask(ledger, second, teacher, TEXTS[:30], form()))
    assert teacher.calls == 30 and booked(world, second.grip.job) < booked(world, first.grip.job)
    by_id = {one.id: one.answers for one in told}
    assert all((one.answers, one.paid) == (by_id[one.id], 0) for one in again if one.id < 20)


@pytest.mark.parametrize("answered", [True, False])
def test_interruptions_are_in_a_row_where_nothing_is_answered_between(
    world: World, ledger: Ledger, teacher: Teacher, answered: bool
) -> None:
    """As many workers were lost as may be: one more ends the step, but for an answer of this attempt."""
    work = begun(world, world.project())
    world(
        lambda session: session.execute(update(Step).where(Step.id == work.grip.step).values(interruptions=lease.BOUND))
    )
    teacher.faults["400"] = 0 if answered else 3
    asyncio.run(ask(ledger, work, teacher, TEXTS[:3], form()))
    world.outlive(work.grip)
    world(lease.expire, work.grip.step, work.grip.job)
    step = world.steps(work.grip.job)["answer"]
    expected = (StepState.READY, 1) if answered else (StepState.FAILED, lease.BOUND + 1)
    assert (step.state, step.interruptions) == expected and teacher.calls == 3 * answered


def test_equal_questions_are_paid_for_once(world: World, ledger: Ledger, teacher: Teacher) -> None:
    work = begun(world, world.project())
    _, told = asyncio.run(ask(ledger, work, teacher, [TEXTS[0]] * 20 + TEXTS[1:3], form()))
    assert sum(one.paid for one in told) == pytest.approx(1e6 * teacher.bill) and sum(one.paid > 0 for one in told) == 3
    assert teacher.calls == 3 and len({one.answers for one in told if one.id < 20}) == 1 and len(told) == 22


def test_odd_replies_are_kept_all_the_same(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """NUL in words of all kinds, log-probabilities that are none, counts beyond all bounds: nothing of a group is lost by one of them."""
    work = begun(world, world.project())
    teacher.odd = True
    desk, told = asyncio.run(ask(ledger, work, teacher, TEXTS[:6], form(top_logprobs=3)))
    assert desk.stopped is None and not desk.unbooked and all(one.answers for one in told)
    assert teacher.calls == 6, "a count that makes no sense is no reason to ask again"
    kept = world(lambda s: s.scalars(select(StoredAnswer).where(StoredAnswer.project == work.project)).all())
    assert kept and all(value <= 0 for one in kept for place in one.reply["top_logprobs"] for value in place.values())
    assert all(
        one.reply["finish_reason"].startswith("stop\ufffd") and len(one.reply["finish_reason"]) <= NAME for one in kept
    )
    teacher.faults["401"] = 1
    refused, _ = asyncio.run(ask(ledger, begun(world, world.project()), teacher, TEXTS[6:7], form()))
    assert refused.stopped is not None and refused.stopped.message == "ep_words: HTTP 401: no: 401\ufffd?"


def test_a_close_in_the_middle_ends_and_books(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """Nobody waits for the last calls: the desk ends all the same, and what the endpoint billed is booked."""
    teacher.latency = 0.3

    async def run() -> None:
        async with asked(ledger, work, teacher, TEXTS, form(), concurrency=8) as (desk, _):
            await asyncio.to_thread(until, lambda: teacher.calls >= 8)
            await asyncio.wait_for(desk.close(0.05), 10)

    for _ in range(3):
        work = begun(world, world.project(), 5.0)
        until(lambda: teacher.flying == 0)  # of those that nobody waited for the last time
        teacher.forget()
        asyncio.run(run())
        until(lambda: teacher.flying == 0)
        assert booked(world, work.grip.job) >= teacher.bill - 1e-9 and 8 <= teacher.calls < len(TEXTS)


def test_two_jobs_share_a_month_cap(world: World, ledger: Ledger, teacher: Teacher) -> None:
    project = world.project()

    def capped(session: Any) -> None:
        session.get(Project, project).usd_per_month = 2.0

    world(capped)
    works = [begun(world, project), begun(world, project)]
    halves = (TEXTS[:60], TEXTS[60:])

    async def both() -> list[tuple[Desk, list[Told]]]:
        return list(
            await asyncio.gather(*(ask(ledger, w, teacher, h, form()) for w, h in zip(works, halves, strict=True)))
        )

    desks = asyncio.run(both())
    assert teacher.bill <= 2.0 and any(d.stopped and d.stopped.code == "month_cap" for d, _ in desks)
    assert sum(booked(world, w.grip.job) for w in works) == pytest.approx(teacher.bill, abs=1e-9)


def test_calls_are_as_many_at_once_as_allowed(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """80 calls of a second, 64 at once, take two turns."""
    teacher.latency = 1.0
    work = begun(world, world.project())
    began = time.monotonic()
    asyncio.run(ask(ledger, work, teacher, TEXTS, form()))
    assert 48 <= teacher.most <= 64 and time.monotonic() - began < 20.0


def test_what_waits_for_its_turn_has_no_money(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """200 questions of a worker that is lost with 8 calls in flight: a lot of 64 is booked beyond the bill, and no more."""
    teacher.latency = 0.3
    texts = sentences(200, 8)[0]
    highest = max(form().bound([SYSTEM, Message("user", text)], 1) for text in texts) / 1e6
    work = begun(world, world.project(), 100.0)

    async def run() -> float:
        async with asked(ledger, work, teacher, texts, form(), concurrency=8) as (desk, _):
            await asyncio.to_thread(until, lambda: teacher.calls >= 16)
            await asyncio.to_thread(world.outlive, work.grip)
            await asyncio.to_thread(world, lease.expire, work.grip.step, work.grip.job)
            bill = teacher.bill
            await asyncio.wait_for(desk.close(0.05), 10)
            return bill

    bill = asyncio.run(run())
    beyond = booked(world, work.grip.job) - bill
    assert 0 < beyond <= 64 * highest, beyond / highest
