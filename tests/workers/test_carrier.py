"""The carrier on a real database, with a server whose replies are lost, late, or refusals."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from tempfile import gettempdir

import pytest
from sqlalchemy import delete, update

from gateway import batch, carrier, patience
from gateway.batch import Remote
from gateway.call import Endpoint
from gateway.carrier import GRACE, LAST, LATE, Carrier
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.patience import FAILURES
from gateway.shipment import Shipment, Void
from models import postage
from models.batch import KEPT, Batch, BatchState
from models.postage import Entry, Parcel
from models.start import Work
from tests.models.world import World
from tests.workers.desk import begun, booked
from tests.workers.post import batches
from tests.workers.script import Reply, Script, said, spoken
from workers.books import LedgerBook
from workers.claim import Ledger

BOUND = 400_000
ENTRY = Entry("d", 0, 1, BOUND)
ONE = {"id": "batch_1", "status": "in_progress", "input_file_id": "file-1"}
MADE, ENDED, UPLOADED = said(ONE), said(ONE | {"status": "completed"}), said({"id": "file-1"})
EMPTY, LISTED = said({"data": []}), said({"data": [ONE]})
MORE = said({"data": [{"id": "batch_0"}], "has_more": True})
ILL, GONE, WRONG, BUSY = said({}, 500), said({}, 404), said({}, 400), said({}, 429, retry_after_ms="1")
UPLOAD, CREATE, LIST, LOOK = "POST /files", "POST /batches", "GET /batches", "GET /batches/batch_1"
FILE, CANCEL = "GET /files/file-2/content", "POST /batches/batch_1/cancel"
DISCARD, DISCARD_RESULTS = "DELETE /files/file-1", "DELETE /files/file-2"
Go = Callable[[Carrier, Shipment], Awaitable[object]]


@pytest.fixture
def work(world: World) -> Work:
    return begun(world, world.project(), 1.0)


async def send_off(carrier: Carrier, shipment: Shipment) -> None:
    with carrier.room() as calls:
        await carrier.post(shipment, calls)


async def watched(carrier: Carrier, shipment: Shipment, cancelled: bool = False) -> Remote:
    async def told() -> None:
        """Nobody listens."""

    stopped = asyncio.Event()
    if cancelled:
        stopped.set()
    shipment.remote = "batch_1"
    return await carrier.watch(shipment, told, stopped)


async def waited_for(carrier: Carrier, shipment: Shipment) -> Remote:
    """It is of another step: looks are as often as at first."""
    shipment.own = False
    return await watched(carrier, shipment)


async def unwanted(carrier: Carrier, shipment: Shipment) -> Remote:
    return await watched(carrier, shipment, cancelled=True)


async def collected(carrier: Carrier, shipment: Shipment) -> None:
    shipment.own = False
    await carrier.collect(shipment, Remote(id="batch_1", status="completed", files=("file-2",)), lambda *_: None)


async def late(carrier: Carrier, shipment: Shipment, own: bool = True, more: float = 0.0) -> None:
    """It was sent longer ago than it may take to be answered."""
    shipment.since, shipment.own, shipment.file = time.time() - LATE - 1.0 - more, own, "file-1"
    async with asyncio.timeout(20):
        await watched(carrier, shipment)


def carry(ledger: Ledger, work: Work, replies: Mapping[str, list[Reply]], go: Go = send_off) -> Script:
    """A batch of one call, whose money is set aside. Raises what `go` raises."""
    book = LedgerBook(ledger, work, "ep_server", lambda: False)

    async def run() -> Script:
        parcel = Parcel(id="bat_x", endpoint="ep_server", place="p", price=None, entries=[ENTRY], least=1)
        await asyncio.to_thread(book.stamp, parcel)
        async with spoken({UPLOAD: [UPLOADED], **replies}) as script, Client(private=True) as client:
            carrier = Carrier(
                client=client, endpoint=Endpoint(script.url), book=book, seconds=0.02, folder=gettempdir()
            )
            await go(carrier, Shipment(id="bat_x", entries=[ENTRY], endpoint="ep_server", price=None))
            return script

    return asyncio.run(run())


def row(world: World) -> Batch:
    (one,) = batches(world)
    return one


@pytest.mark.parametrize("lost", [None, ILL, said([])], ids=["reset", "500", "no batch"])
def test_a_batch_whose_making_is_not_heard_of_is_made_once(
    world: World, ledger: Ledger, work: Work, lost: Reply
) -> None:
    """Though the list shows it late."""
    script = carry(ledger, work, {CREATE: [lost, MADE], LIST: [EMPTY, EMPTY, LISTED]})
    assert script.asked.count(CREATE) == 1 and script.asked.count(LIST) == 3
    assert (row(world).remote, row(world).open) == ("batch_1", BOUND)


def test_one_that_is_listed_nowhere_is_made_again(world: World, ledger: Ledger, work: Work) -> None:
    script = carry(ledger, work, {CREATE: [None, MADE], LIST: [EMPTY]})
    assert script.asked.count(CREATE) == 2 and script.asked.count(LIST) == GRACE + 1
    assert row(world).remote == "batch_1"


@pytest.mark.parametrize(
    ("creates", "lists", "state"),
    [
        ([WRONG], [EMPTY], BatchState.VOID),
        ([BUSY, WRONG], [EMPTY], BatchState.VOID),
        ([None, WRONG], [EMPTY], BatchState.OPEN),
        ([None], [WRONG], BatchState.OPEN),
    ],
    ids=["refused", "refused twice", "lost, then refused", "lost, and no list"],
)
def test_money_is_free_where_no_batch_can_have_been_made(
    world: World, ledger: Ledger, work: Work, creates: list[Reply], lists: list[Reply], state: BatchState
) -> None:
    with pytest.raises(CallFailed, match="HTTP 400"):
        carry(ledger, work, {CREATE: list(creates), LIST: lists})
    assert row(world).state == state and row(world).open == BOUND * (state == BatchState.OPEN)
    assert booked(world, work.grip.job) == 0


@pytest.mark.parametrize(
    ("old", "listed", "paid"),
    [(False, EMPTY, 0), (True, EMPTY, BOUND), (False, MORE, BOUND)],
    ids=["new", "old", "many"],
)
def test_what_may_be_listed_no_more_is_paid(
    world: World, ledger: Ledger, work: Work, old: bool, listed: Reply, paid: int
) -> None:
    """Nobody noted whether it was made: one that is days old, or has too many others before it, may have been."""

    async def traced(carrier: Carrier, shipment: Shipment) -> None:
        shipment.file = "file-1"
        await asyncio.to_thread(ledger, postage.note, shipment.id, file=shipment.file)
        world(lambda session: session.execute(update(Batch).values(created_at=Batch.created_at - KEPT * old)))
        with pytest.raises(Void):
            await carrier.trace(shipment)

    carry(ledger, work, {LIST: [listed]}, traced)
    assert (row(world).state, row(world).open) == (BatchState.VOID, 0)
    assert booked(world, work.grip.job) == pytest.approx(paid / 1e6)


def test_an_endpoint_that_is_too_busy_is_asked_for_long(
    world: World, ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [BUSY] * 8
    script = carry(ledger, work, {UPLOAD: [*busy, UPLOADED], CREATE: [*busy, MADE]})
    assert (script.asked.count(UPLOAD), script.asked.count(CREATE)) == (9, 9) and LIST not in script.asked
    assert row(world).remote == "batch_1"
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with pytest.raises(CallFailed, match="HTTP 429"):
        carry(ledger, work, {UPLOAD: [BUSY]})


def test_a_batch_is_gone_once_looks_enough_have_not_found_it(world: World, ledger: Ledger, work: Work) -> None:
    """What fails otherwise says nothing of it."""
    seen = carry(ledger, work, {LOOK: [ILL, ILL, GONE, GONE, ENDED]}, watched)
    assert seen.asked.count(LOOK) == 5 and row(world).open == BOUND
    with pytest.raises(Void):
        carry(ledger, work, {LOOK: [GONE, ILL, GONE, ILL, GONE, ENDED]}, watched)
    assert row(world).state == BatchState.VOID and booked(world, work.grip.job) == pytest.approx(BOUND / 1e6)


def test_so_is_a_file_of_its_results(world: World, ledger: Ledger, work: Work) -> None:
    replies: list[Reply] = [GONE, GONE, said({"custom_id": "0", "error": {"message": "no"}})]
    carry(ledger, work, {FILE: replies}, collected)
    assert (row(world).state, booked(world, work.grip.job)) == (BatchState.DONE, 0)


def test_looks_that_are_refused_are_made_again_for_long(
    world: World, ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More often than other failures are borne, and no sooner than the endpoint asks for."""
    script = carry(ledger, work, {LOOK: [*[BUSY] * FAILURES, ILL, BUSY, ENDED]}, waited_for)
    assert script.asked.count(LOOK) == FAILURES + 3
    began = time.monotonic()
    carry(ledger, work, {LOOK: [said({}, 429, retry_after_ms="500"), ENDED]}, waited_for)
    assert time.monotonic() - began >= 0.5
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with pytest.raises(CallFailed, match="HTTP 429"):
        carry(ledger, work, {LOOK: [BUSY]}, waited_for)
    monkeypatch.setattr(patience, "FAILURES", 3)
    with pytest.raises(CallFailed, match="HTTP 500"):
        carry(ledger, work, {LOOK: [ILL, ILL, ILL, ENDED]}, waited_for)


@pytest.mark.parametrize(("refusal", "times"), [(BUSY, 2), (WRONG, 1)], ids=["busy", "for good"])
def test_a_cancel_that_is_refused_is_tried_again(
    world: World, ledger: Ledger, work: Work, refusal: Reply, times: int
) -> None:
    script = carry(ledger, work, {CANCEL: [refusal, MADE], LOOK: [MADE, MADE, ENDED]}, unwanted)
    assert script.asked.count(CANCEL) == times


@pytest.mark.parametrize("own", [True, False])
def test_a_batch_that_is_late_is_cancelled(world: World, ledger: Ledger, work: Work, own: bool) -> None:
    """Once; what it has made by then comes with its end."""
    script = carry(ledger, work, {CANCEL: [BUSY, MADE], LOOK: [MADE, MADE, MADE, ENDED]}, partial(late, own=own))
    assert (script.asked.count(CANCEL), script.asked.count(LOOK)) == (2, 4) and row(world).open == BOUND


def test_one_that_does_not_end_is_given_up_and_paid(
    world: World, ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three days after it was sent, and no sooner than its cancelling has had time."""
    monkeypatch.setattr(carrier, "CANCELLING", 0.2)
    began = time.monotonic()
    with pytest.raises(CallFailed, match=r"has not ended 3\.\d days after it was sent") as error:
        carry(ledger, work, {CANCEL: [MADE], LOOK: [MADE], DISCARD: [GONE]}, partial(late, more=LAST - LATE))
    assert isinstance(error.value, Retryable) and time.monotonic() - began > 0.2
    assert (row(world).state, row(world).open) == (BatchState.VOID, 0)
    assert booked(world, work.grip.job) == pytest.approx(BOUND / 1e6)


def test_results_that_are_longer_than_they_can_be_are_left_there(
    world: World, ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "REPLY", 0)

    async def short(carrier: Carrier, shipment: Shipment) -> None:
        shipment.entries = [ENTRY._replace(size=10), ENTRY._replace(size=9)]
        with pytest.raises(Permanent, match="larger than 19 bytes"):
            await collected(carrier, shipment)

    carry(ledger, work, {FILE: [said({"custom_id": "0", "error": {"message": "no"}})]}, short)
    assert (row(world).state, row(world).open) == (BatchState.OPEN, BOUND)


def test_files_of_a_batch_that_is_not_made_or_that_another_has_sent_are_deleted(
    world: World, ledger: Ledger, work: Work
) -> None:

    async def refusing(carrier: Carrier, shipment: Shipment) -> None:
        with pytest.raises(CallFailed, match="HTTP 400"):
            await send_off(carrier, shipment)

    script = carry(ledger, work, {CREATE: [WRONG], DISCARD: [MADE]}, refusing)
    assert script.asked[-1] == DISCARD and row(world).state == BatchState.VOID

    async def fetching(carrier: Carrier, shipment: Shipment) -> None:
        shipment.file = "file-1"
        await carrier.collect(shipment, await waited_for(carrier, shipment), lambda *_: None)

    ended, line = said(ONE | {"status": "completed", "output_file_id": "file-2"}), said({"custom_id": "0"})
    world(lambda session: session.execute(delete(Batch)))
    replies: dict[str, list[Reply]] = {LOOK: [ended], FILE: [line], DISCARD: [GONE], DISCARD_RESULTS: [MADE]}
    assert carry(ledger, work, replies, fetching).asked[-2:] == [DISCARD, DISCARD_RESULTS]
