"""At what a desk books its calls: cheap ones, failed ones, lost ones, and those that were billed too high."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from gateway import caller as caller_module
from gateway.call import call
from gateway.form import Form
from gateway.reply import Message, Reply
from models import lease, purse
from models.purse import Reservation
from spec.facts import Price
from tests.acceptance.teacher import Teacher, served
from tests.models.world import World
from tests.workers.desk import PRICE, SYSTEM, TEXTS, ask, begun, booked, form
from workers.claim import Ledger


def test_what_is_lost_is_booked_as_paid(world: World, ledger: Ledger) -> None:
    """A worker that dies with money set aside: all of it is booked, and whatever it writes later changes nothing."""
    work = begun(world, world.project(), 1.0)
    lot = ledger(purse.reserve, work.grip, "ep_words", 1, 300_000, 300_000)
    assert lot.granted == 300_000
    world.outlive(work.grip)
    world(lease.expire, work.grip.step, work.grip.job)
    assert booked(world, work.grip.job) == pytest.approx(0.3)
    assert ledger(purse.reserve, work.grip, "ep_words", 2, 1, 1).lost
    late = purse.Spent(
        group=1,
        endpoint="ep_words",
        price_version=1,
        amount=5,
        released=5,
        calls=1,
        input_tokens=1,
        output_tokens=1,
        cached_tokens=0,
    )
    assert not ledger(purse.settle, work.grip, work.project, late)
    assert booked(world, work.grip.job) == pytest.approx(0.3)


def test_a_commit_that_is_sent_twice_books_once(world: World, ledger: Ledger) -> None:
    """Its reply was lost: nobody knows whether it landed."""
    work = begun(world, world.project(), 1.0)
    ledger(purse.reserve, work.grip, "ep_words", 1, 300_000, 300_000)
    spent = purse.Spent(
        group=1,
        endpoint="ep_words",
        price_version=1,
        amount=5_000,
        released=5_000,
        calls=1,
        input_tokens=7,
        output_tokens=1,
        cached_tokens=0,
    )
    for _ in range(2):
        assert ledger(purse.settle, work.grip, work.project, spent)
    assert booked(world, work.grip.job) == pytest.approx(0.005)
    assert world(lambda session: session.scalars(select(Reservation.open)).one()) == 295_000


@pytest.mark.parametrize("fault", ["reset", "504", "500", "429", "unusable", "mute", "201"])
def test_failed_calls_are_charged_by_what_may_be_billed(
    world: World, ledger: Ledger, teacher: Teacher, fault: str
) -> None:
    """A call without a reply, or without usage, is booked at what was set aside; a refused one at nothing; one without an answer by its usage."""
    teacher.faults[fault] = 1
    work = begun(world, world.project())
    _, told = asyncio.run(ask(ledger, work, teacher, TEXTS[:1], form()))
    bound = form().bound([SYSTEM, Message("user", TEXTS[0])], 1) / 1e6
    words = len(SYSTEM.content.split()) + len(TEXTS[0].split())
    plain = (words * PRICE.input + PRICE.output) / 1e6
    expected = {"reset": bound + plain, "504": bound + plain, "unusable": bound, "mute": 2 * plain}.get(fault, plain)
    assert booked(world, work.grip.job) == pytest.approx(expected, abs=1e-9) and told[0].answers
    assert told[0].paid == round(1e6 * expected)
    assert expected >= teacher.bill and teacher.calls == 1 + (fault in ("reset", "504", "mute"))


def test_a_call_that_fails_as_nobody_foresaw_is_booked_at_what_was_set_aside(
    world: World, ledger: Ledger, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint has answered it, and bills it; the desk stops, and waits for no call that is over."""

    async def odd(*what: Any) -> Reply:
        await call(*what)
        raise LookupError("nobody foresaw this")

    monkeypatch.setattr(caller_module, "call", odd)
    work = begun(world, world.project())
    desk, _ = asyncio.run(ask(ledger, work, teacher, TEXTS[:1], form()))
    assert teacher.calls == 1 and teacher.bill > 0
    bound = form().bound([SYSTEM, Message("user", TEXTS[0])], 1) / 1e6
    assert booked(world, work.grip.job) == pytest.approx(bound, abs=1e-9)
    assert desk.stopped is not None and desk.stopped.code == "internal" and desk.flying == 0


def cheap_form() -> Form:
    """$0.02 and $0.05 a million: a call is some tenths of a micro-dollar."""
    return Form(**{**vars(form()), "price": Price(version=1, input=0.02, output=0.05)})


@pytest.mark.parametrize("concurrency", [1, 64])
def test_cheap_calls_are_booked_to_the_micro_dollar(world: World, ledger: Ledger, concurrency: int) -> None:
    """However many are booked together, no call is rounded up by itself; and the prices of answers are the bill."""
    work, cheap = begun(world, world.project(), 1.0), cheap_form()
    with served(rate_in=0.02, rate_out=0.05) as teacher:
        _, told = asyncio.run(ask(ledger, work, teacher, TEXTS[:40], cheap, concurrency=concurrency))
    assert teacher.calls == 40 and teacher.bill < 30e-6
    assert -1e-9 <= booked(world, work.grip.job) - teacher.bill < 1e-6
    assert sum(one.paid for one in told) == pytest.approx(1e6 * teacher.bill)
    assert not world(lambda session: session.scalars(select(Reservation).where(Reservation.open != 0)).all())


def test_a_cap_of_cheap_calls_is_held_and_spent(world: World, ledger: Ledger) -> None:
    cheap = cheap_form()
    bound = max(cheap.bound([SYSTEM, Message("user", text)], 1) for text in TEXTS) / 1e6
    with served(rate_in=0.02, rate_out=0.05) as teacher:
        for number, cap in enumerate((20e-6, 23e-6, 27e-6)):
            teacher.forget()
            work = begun(world, world.project(f"cheap{number}"), cap)
            desk, _ = asyncio.run(ask(ledger, work, teacher, TEXTS, cheap))
            assert desk.stopped is not None and desk.stopped.code == "over_budget" and teacher.calls < len(TEXTS)
            assert teacher.bill <= booked(world, work.grip.job) + 1e-9 <= cap + 2e-9
            assert teacher.bill > cap - bound - 1e-6, (cap, bound, teacher.bill)


def test_a_bill_above_what_it_could_be_stops_the_asking(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """The price that we were told is too low by a factor of 100: the first bills say so, and no second lot is spent."""
    cheap = form()
    cheap = Form(**{**vars(cheap), "price": Price(version=1, input=0.1, output=0.1)})
    work = begun(world, world.project(), 1.0)
    with served(rate_in=1.0, rate_out=1.0) as dear:
        dear.tokens_factor = 1000
        desk, _ = asyncio.run(ask(ledger, work, dear, TEXTS, cheap))
        assert desk.stopped is not None and desk.stopped.code == "bill_exceeded"
        assert dear.calls <= 64, "what waited for its turn was not asked any more"
