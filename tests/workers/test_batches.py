"""Batches on a real database and a real server: paid once by the server's own ledger, whoever dies, and never above a cap."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.carrier import Carrier
from gateway.courier import TRIES
from gateway.front import trouble
from gateway.reply import Message, Sampling
from models import intent, lease, postage, purse
from models.answer import Kept
from models.batch import Batch, BatchState
from models.endpoint import Endpoint
from models.finish import DISK_FULL
from models.job import Job
from models.postage import Entry, Parcel, Settlement
from models.project import Project
from models.start import Work
from models.step import Step
from tests.examples.serving import TEXTS, Client
from tests.models.world import World
from tests.workers.desk import begun, booked
from tests.workers.post import PRICE, ROWS, SYSTEM, Bill, answers, batches, form, noted, one_by_one, run
from tests.workers.post import post as posted
from workers.claim import Ledger

MICRO = 1e-6


def again(world: World, work: Work) -> Work:
    """The worker has died, and the step is claimed by another."""
    world.outlive(work.grip)
    world(lease.expire, work.grip.step, work.grip.job)
    return world.begin("io")


def left(world: World, work: Work) -> int:
    """Of the job's cap, in micro-dollars."""

    def look(session: Session) -> int:
        return (
            purse.left(session, session.get_one(Job, work.grip.job), session.get_one(Step, work.grip.step))["job"] or 0
        )

    return world(look)


@pytest.mark.parametrize("written", [False, True])
def test_on_a_full_disk_the_job_waits_for_room(
    world: World, ledger: Ledger, server: Client, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Where questions are gathered, and where the file of a batch is written."""
    full = Carrier.room if written else None
    rooms: list[int] = []

    def room(carrier: Carrier) -> IO[bytes]:
        rooms.append(1)
        if full is not None and len(rooms) == 1:
            return full(carrier)
        return closing.enter_context(Path("/dev/full").open("r+b", buffering=0))

    monkeypatch.setattr(Carrier, "room", room)
    bill, work = Bill(server), begun(world, world.project(), 1.0)
    with ExitStack() as closing:
        if written:
            courier, _ = run(ledger, work, server, ROWS[:5], form())
            assert courier.stopped is not None and courier.stopped.code == DISK_FULL
        else:
            with pytest.raises(OSError, match="No space") as error:
                run(ledger, work, server, ROWS[:5], form())
            assert trouble(error.value, "").code == DISK_FULL, "whoever called it knows"
    assert bill.calls == 0


def test_a_batch_is_answered_kept_and_paid_at_its_share(world: World, ledger: Ledger, server: Client) -> None:
    project, bill = world.project(), Bill(server)
    work = begun(world, project, 1.0)
    courier, told = run(ledger, work, server, [*ROWS[:40], ROWS[0]], form())
    assert courier.stopped is None and bill.calls == 40, "equal questions are one"
    assert answers(told) == {i: [TEXTS[text]] for i, text in enumerate([*ROWS[:40], ROWS[0]])}
    assert bill.usd > 0 and booked(world, work.grip.job) == pytest.approx(bill.usd, abs=MICRO)
    (one,) = batches(world)
    assert (one.state, one.open, one.settled, one.lines) == (BatchState.DONE, 0, 40, [])
    assert any(one.batches is not None and one.batches.rows == 40 for one in told)
    # Whoever asks one by one finds the answers, and the reverse.
    second = begun(world, project)
    told = asyncio.run(one_by_one(ledger, second, server, ROWS[:45], form(price=PRICE)))
    assert bill.calls == 45 and len(answers(told)) == 45
    third = begun(world, project)
    _, told = run(ledger, third, server, ROWS[:45], form())
    assert bill.calls == 45 and booked(world, third.grip.job) == 0 and len(answers(told)) == 45


@pytest.mark.parametrize("several", [True, False])
def test_samples_are_asked_together_or_apart(world: World, ledger: Ledger, server: Client, several: bool) -> None:
    bill, work = Bill(server), begun(world, world.project())
    _, told = run(ledger, work, server, ROWS[:6], form(samples=3, several=several))
    assert bill.calls == (6 if several else 18) and all(len(one) == 3 for one in answers(told).values())
    assert booked(world, work.grip.job) == pytest.approx(bill.usd, abs=MICRO)


def test_calls_that_fail_or_expire_are_made_again_and_cost_nothing(
    world: World, ledger: Ledger, server: Client
) -> None:
    bill, work = Bill(server), begun(world, world.project(), 1.0)
    server.faults(shares={"line_fails": 0.2, "line_expires": 0.3}, seed=3)
    courier, told = run(ledger, work, server, ROWS[:40], form())
    sent = [one.settled for one in batches(world)]
    assert courier.stopped is None and sent[0] == 40 and len(sent) == TRIES and sent == sorted(sent, reverse=True)
    failures = [one for one in told if one.failed]
    assert len(answers(told)) + len(failures) == 40 and 0 < len(failures) < 15 and all(one.passing for one in failures)
    assert bill.calls == len(answers(told)) and booked(world, work.grip.job) == pytest.approx(bill.usd, abs=MICRO)


def test_a_batch_of_which_most_fails_gives_the_endpoint_up(world: World, ledger: Ledger, server: Client) -> None:
    server.faults(shares={"line_fails": 0.8})
    courier, _ = run(ledger, begun(world, world.project()), server, ROWS[:40], form())
    assert courier.stopped is not None and courier.stopped.code == "endpoint_failing"


def test_what_says_no_usage_is_booked_at_its_bound(world: World, ledger: Ledger, server: Client) -> None:
    bill, work = Bill(server), begun(world, world.project())
    server.faults(shares={"no_usage": 1.0})
    run(ledger, work, server, ROWS[:5], form())
    bound = sum(form().bound([SYSTEM, Message("user", text)], 1) for text in ROWS[:5])
    assert booked(world, work.grip.job) == pytest.approx(bound * MICRO) and bill.calls == 5


def test_caps_are_held(world: World, ledger: Ledger, server: Client) -> None:
    """A batch is as large as the cap leaves, and what comes back pays for more; the month's cap, too."""
    whole = begun(world, world.project())
    run(ledger, whole, server, ROWS[:50], form())
    full = booked(world, whole.grip.job)
    for share, monthly in ((0.5, False), (0.8, True)):
        project, bill = world.project(), Bill(server)

        def capped(session: Session, project: str = project, cap: float = share * full) -> None:
            session.get_one(Project, project).usd_per_month = cap

        if monthly:
            world(capped)
        work = begun(world, project, None if monthly else share * full)
        courier, told = run(ledger, work, server, ROWS[:50], form())
        assert courier.stopped is not None and courier.stopped.code == ("month_cap" if monthly else "over_budget")
        assert bill.usd <= share * full and booked(world, work.grip.job) == pytest.approx(bill.usd, abs=9 * MICRO)
        assert bill.usd > 0.7 * share * full and len(answers(told)) == bill.calls
        assert sorted(answers(told)) == list(range(bill.calls)), "the first rows first"


def test_nine_tenths_of_a_cap_are_spent(world: World, ledger: Ledger, server: Client) -> None:
    """Where a call may cost seven times what it does."""
    how = form(sampling=Sampling(temperature=0.0, max_tokens=64))
    bill, work = Bill(server), begun(world, world.project(), 0.044)
    courier, told = run(ledger, work, server, ROWS, how)
    bound = sum(how.bound([SYSTEM, Message("user", text)], 1) for text in ROWS[: bill.calls]) * MICRO
    assert courier.stopped is not None and courier.stopped.code == "over_budget"
    assert bound > 6.5 * bill.usd and 0.9 * 0.044 < bill.usd <= 0.044 and bill.calls == len(answers(told))


def test_a_queue_that_is_full_gets_smaller_batches(world: World, ledger: Ledger, server: Client) -> None:
    bill, work = Bill(server), begun(world, world.project())
    _, told = run(ledger, work, server, ROWS[:100], form())
    assert len(answers(told)) == bill.calls == 100
    assert BatchState.VOID in {one.state for one in batches(world)}
    assert booked(world, work.grip.job) == pytest.approx(bill.usd, abs=4 * MICRO)


@pytest.mark.parametrize("noticed", [True, False])
def test_a_batch_of_a_killed_worker_is_taken_up(world: World, ledger: Ledger, server: Client, noticed: bool) -> None:
    """Whether or not its making was written down; its money stays set aside meanwhile, and it is paid for once."""
    bill, work = Bill(server), begun(world, world.project(), 1.0)
    before = left(world, work)
    server.faults(shares={"slow_batch": 1.0}, seconds=1.0)
    run(ledger, work, server, ROWS[:30], form(), until=lambda courier: bool(noted(world)))
    if not noticed:
        world(forget)
    second = again(world, work)
    (one,) = batches(world)
    assert booked(world, work.grip.job) == 0 and one.open == sum(line[3] for line in one.lines) > 0
    assert left(world, second) == before - one.open
    server.faults()
    _, told = run(ledger, second, server, ROWS[:35], form())
    assert len(answers(told)) == bill.calls == 35
    paid = booked(world, work.grip.job)
    assert paid == pytest.approx(bill.usd, abs=2 * MICRO) and left(world, second) == pytest.approx(
        before - paid / MICRO
    )


def forget(session: Session) -> None:
    session.scalars(select(Batch)).one().remote = None


def test_answers_of_a_batch_end_a_row_of_interruptions(world: World, ledger: Ledger, server: Client) -> None:
    work = begun(world, world.project())
    world(
        lambda session: session.execute(update(Step).where(Step.id == work.grip.step).values(interruptions=lease.BOUND))
    )
    run(ledger, work, server, ROWS[:5], form())
    assert again(world, work).grip.step == work.grip.step
    assert world.steps(work.grip.job)["answer"].interruptions == 1


def test_a_batch_that_was_never_sent_is_void(world: World, ledger: Ledger, server: Client) -> None:
    """Killed between setting money aside and the upload."""
    bill, work = Bill(server), begun(world, world.project(), 1.0)
    parcel = Parcel(
        id="bat_x", endpoint="ep_server", place="place", price=None, entries=[Entry("d", 0, 1, 400_000)], least=1
    )
    for _ in range(2):  # its commit was not heard of
        assert ledger(postage.stamp, work.grip, parcel).entries == 1
    assert left(world, work) == 600_000
    second = again(world, work)
    assert ledger(postage.stamp, work.grip, parcel).lost
    run(ledger, second, server, ROWS[:5], form())
    assert [one.state for one in batches(world)] == [BatchState.VOID, BatchState.DONE]
    assert booked(world, work.grip.job) == pytest.approx(bill.usd, abs=MICRO) and bill.calls == 5


def test_nothing_is_sent_to_an_endpoint_that_has_moved(world: World, ledger: Ledger) -> None:
    """Nobody could ask there what it has cost."""
    project = world.project()
    row = Endpoint(project=project, id="ep_server", wire="openai", url="https://old.example/v1")
    world(lambda session: session.add(row))
    work = begun(world, project, 1.0)
    entries = [Entry("d", 0, 1, 100)]
    here = Parcel(id="bat_a", endpoint="ep_server", place=row.known().digest, price=None, entries=entries, least=1)

    def move(session: Session) -> None:
        session.get_one(Endpoint, (project, "ep_server")).url = "https://new.example/v1"

    assert ledger(postage.stamp, work.grip, here).entries == 1
    world(move)
    assert ledger(postage.stamp, work.grip, replace(here, id="bat_b")).lost
    assert [one.id for one in batches(world)] == ["bat_a"]


def test_results_are_booked_once_whoever_fetches_them(world: World, ledger: Ledger) -> None:
    """A commit that was not heard of, or two that fetch the same batch; and nothing of one that is gone."""
    work = begun(world, world.project(), 1.0)
    entries = [Entry(f"d{i}", 0, 1, 100_000) for i in range(4)]
    parcel = Parcel(id="bat_y", endpoint="ep_server", place="place", price=None, entries=entries, least=1)
    ledger(postage.stamp, work.grip, parcel)
    spent = replace(purse.Spent.unheard("ep_server", 30_000), released=200_000, calls=2)
    kept = [Kept(digest="d0", sample=0, reply={"text": "a"})]
    for after, upto in ((0, 2), (0, 2), (1, 3), (2, 4)):
        assert ledger(postage.settle, "bat_y", Settlement(after=after, upto=upto, kept=kept, spent=spent)) == max(
            2, upto if after == 2 else 0
        )
    (one,) = batches(world)
    assert (one.settled, one.open) == (4, 0) and booked(world, work.grip.job) == pytest.approx(0.06)
    ledger(postage.close, "bat_y", BatchState.VOID)
    assert ledger(postage.settle, "bat_y", Settlement(after=4, upto=5, kept=kept, spent=spent)) is None


def test_another_job_waits_for_a_batch_that_has_its_questions(world: World, ledger: Ledger, server: Client) -> None:
    """The first job is paused; the bill stays its own."""
    project, bill = world.project(), Bill(server)
    first = begun(world, project, 1.0)
    server.faults(shares={"slow_batch": 1.0}, seconds=1.0)
    run(ledger, first, server, ROWS[:20], form(), until=lambda courier: bool(noted(world)))
    world.end(first.grip, "stopped", bare=True)
    world(intent.pause, project, first.grip.job)
    second = begun(world, project, 1.0)
    _, told = run(ledger, second, server, ROWS[10:25], form())
    assert len(answers(told)) == 15 and bill.calls == 25
    assert booked(world, first.grip.job) + booked(world, second.grip.job) == pytest.approx(bill.usd, abs=2 * MICRO)
    assert 0 < booked(world, second.grip.job) < booked(world, first.grip.job)


def test_two_jobs_that_run_fetch_one_batch(world: World, ledger: Ledger, server: Client) -> None:
    """Whoever is first; what is in the batch is paid for once."""
    project, bill = world.project(), Bill(server)
    works = [begun(world, project, 1.0) for _ in range(2)]
    server.faults(shares={"slow_batch": 1.0}, seconds=1.0)

    async def both() -> list[int]:
        first = asyncio.create_task(posted(ledger, works[0], server, ROWS[:20], form()))
        while not noted(world):  # noqa: ASYNC110  # it is in the database
            await asyncio.sleep(0.02)
        second = asyncio.create_task(posted(ledger, works[1], server, ROWS[10:25], form()))
        return [len(answers(told)) for _, told in (await first, await second)]

    assert asyncio.run(both()) == [20, 15] and bill.calls == 25
    assert sum(booked(world, work.grip.job) for work in works) == pytest.approx(bill.usd, abs=3 * MICRO)
