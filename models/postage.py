"""Money of batches: set aside before a batch is sent, settled line by line as its answers come, whichever attempt or job fetches them.

Unlike a reservation it outlives the attempt that set it aside, and the job: what was sent and not fetched by then is cancelled, and settled all the
same (workers/leftovers.py). What is not settled for days after its job's end is booked as paid. All amounts are micro-dollars. The batch's row is locked
after job and steps, and before charges.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import answer, purse
from models import endpoint as endpoints
from models import job as jobs
from models.answer import Kept
from models.batch import KEPT, LIVE, Batch, BatchState
from models.claim import Grip
from models.job import Job
from models.purse import Cap, Spent
from models.step import Step, StepState


class Entry(NamedTuple):
    """A call of a batch: samples `first` to `first + samples` of a question, what it can cost, and how many bytes its result may have, at most."""

    digest: str
    first: int
    samples: int
    bound: int
    size: int = 10 << 20
    """As many as a reply that comes by itself, where nobody has written down fewer."""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What is to be sent."""

    id: str
    """`bat_…`, new: whoever does not hear of the commit asks again with the same."""
    endpoint: str
    place: str
    price: dict[str, Any] | None
    entries: Sequence[Entry]
    least: int
    """Entries that have to be paid for, or nothing is sent."""


@dataclass(frozen=True, kw_only=True)
class Stamped:
    """How many of the first entries are paid for, or which cap forbids it."""

    entries: int = 0
    barred: Cap | None = None
    lost: bool = False
    """The step is somebody else's, or the endpoint has moved."""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """Some of a batch's results."""

    after: int
    upto: int
    """Results in their order: how many were booked before, and how many are with these."""
    kept: Sequence[Kept]
    spent: Spent


def stamp(session: Session, grip: Grip, parcel: Parcel) -> Stamped:
    """Sets money aside for all entries, or as many of the first as the caps leave, and writes the batch's row."""
    job = jobs.lock(session, grip.job)
    step = session.get(Step, grip.step, populate_existing=True)
    if job is None or step is None or step.fence != grip.fence or step.state != StepState.RUNNING:
        return Stamped(lost=True)
    if _moved(session, job.project, parcel):
        return Stamped(lost=True)
    if (known := session.get(Batch, parcel.id)) is not None:
        return Stamped(entries=len(known.lines))
    sums = list(accumulate(entry.bound for entry in parcel.entries))
    number = len(sums)
    for cap, left in purse.left(session, job, step).items():
        number = number if left is None else min(number, bisect_right(sums, left))
        if number < parcel.least:
            purse.bar(step, cap, sums[0])  # when it goes on, nothing is sent yet, and any batch is worth it
            return Stamped(barred=cap)
    session.add(
        Batch(
            id=parcel.id, project=job.project, endpoint=parcel.endpoint, place=parcel.place, job=job.id, step=step.id,
            fence=grip.fence, price=parcel.price, lines=[list(entry) for entry in parcel.entries[:number]],
            open=sums[number - 1],
        )
    )  # fmt: skip
    return Stamped(entries=number)


def _moved(session: Session, project: str, parcel: Parcel) -> bool:
    """Whether the endpoint has another URL than the batch is for. It is held: it keeps its URL until the batch is written down."""
    held = endpoints.one(project, parcel.endpoint).with_for_update(read=True)
    rows = session.scalars(held, execution_options={"populate_existing": True})
    return any(row.known().digest != parcel.place for row in rows)


def note(session: Session, id: str, *, file: str | None = None, remote: str | None = None) -> bool:
    """What the endpoint calls it. False: it was given up meanwhile."""
    row = _held(session, id)
    if row is None or row.state not in LIVE:
        return False
    row.file, row.remote = file or row.file, remote or row.remote
    return True


def settle(session: Session, id: str, part: Settlement) -> int | None:
    """Keeps answers, and books what they cost to the job that sent them; once, however often it is asked for.

    Returns how many results are booked now; None: the batch is gone.
    """
    row = _held(session, id)
    if row is None or row.state == BatchState.VOID:
        return None
    if row.settled != part.after:
        return row.settled
    answer.keep(session, row.project, part.kept)
    row.settled, row.open = part.upto, row.open - part.spent.released
    purse.book(session, row.project, row.job, row.step, row.fence, part.spent)
    return row.settled


def close(session: Session, id: str, state: BatchState) -> None:
    """Nothing more comes of it: what it did not cost is free."""
    row = _held(session, id)
    if row is not None and row.state in LIVE:
        _end(row, state)


def leave(session: Session, job: Job) -> None:
    """The end of a job, which the caller holds: what it has sent and not fetched stays set aside until somebody knows what it has cost."""
    held = select(Batch).where(Batch.job == job.id, Batch.state == BatchState.OPEN).order_by(Batch.id)
    for row in session.scalars(held.with_for_update(key_share=True), execution_options={"populate_existing": True}):
        row.state = BatchState.LEFT
        if row.file is None:  # it was never sent
            _end(row, BatchState.VOID)


def miss(session: Session, id: str) -> None:
    """A batch that was left is not settled yet. One of which that is so for days is lost, whatever its endpoint says of it."""
    row = _held(session, id)
    if row is None or row.state != BatchState.LEFT:
        return
    now = _now(session)
    row.silent_since = row.silent_since or now
    if now - row.silent_since >= KEPT:
        _lose(session, row)


def unlisted(session: Session, id: str) -> None:
    """Its endpoint does not list it: it was never made. One that was written down days ago may be listed no more: it is lost."""
    row = _held(session, id)
    if row is None or row.state not in LIVE:
        return
    if row.file is not None and _now(session) - row.created_at >= KEPT:
        _lose(session, row)
    else:
        _end(row, BatchState.VOID)


def lose(session: Session, id: str) -> None:
    """The endpoint tells of it no more, though it was made: all that is set aside for it is booked as paid."""
    row = _held(session, id)
    if row is not None and row.state in LIVE:
        _lose(session, row)


def _lose(session: Session, row: Batch) -> None:
    if row.open > 0:
        purse.book(session, row.project, row.job, row.step, row.fence, Spent.unheard(row.endpoint, row.open))
    _end(row, BatchState.VOID)


def _end(row: Batch, state: BatchState) -> None:
    row.state, row.open, row.lines = state, 0, []


def _held(session: Session, id: str) -> Batch | None:
    return session.get(Batch, id, with_for_update=True, populate_existing=True)


def _now(session: Session) -> datetime:
    return session.scalars(select(func.now())).one()
