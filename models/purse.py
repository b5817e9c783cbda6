"""Money of a running step: set aside in lots before calls are made, settled as their bills come, given back at the end.

Lots are numbered within a fence: one whose commit comes late, after it was asked for again or after all was given back, sets nothing aside.
What is spent and what is set aside never exceed a cap together: one transaction under the job's lock (and the project's, where it has
a monthly cap) decides on a lot. What is set aside when a worker is lost is booked as paid; money of batches is not
(models/postage.py), but counts against the caps, too. All amounts are micro-dollars.
"""

from dataclasses import dataclass
from math import ceil, floor
from typing import Literal, Self

from sqlalchemy import ColumnElement, Index, and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import job as jobs
from models import rate
from models.base import Base, ProjectId
from models.batch import Batch
from models.charge import DAY_NOW, Charge
from models.claim import Grip
from models.job import Job
from models.project import Project
from models.step import SETTLED, Step, StepState
from spec.cost import SLICE
from spec.ids import new_id

MICRO = 1_000_000
LAST = 2**62
"""A lot that no number comes after."""
Cap = Literal["job", "project"]
BARRED = "barred"
"""In a step's context: what the least was that a month's cap could not give it."""


class Reservation(Base):
    """What a step's calls may still cost: one row a fence."""

    __tablename__ = "reservations"
    __table_args__ = (Index(None, "project"), Index(None, "job"))

    step: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[ProjectId]
    job: Mapped[str]
    endpoint: Mapped[str]
    open: Mapped[int]
    settled: Mapped[int] = mapped_column(server_default="0")  # number of the last group that was booked
    lot: Mapped[int] = mapped_column(server_default="0")  # number of the last lot; LAST: there is to be none any more
    granted: Mapped[int] = mapped_column(server_default="0")  # what that lot holds


@dataclass(frozen=True, kw_only=True)
class Lot:
    """An answer to the wish for money: what was set aside, or which cap forbids it."""

    granted: int = 0
    barred: Cap | None = None
    lost: bool = False
    """The step is somebody else's."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """Of a project's cap."""

    cap: int
    spent: int
    aside: int
    """For calls and batches of all its jobs that are under way."""

    @property
    def left(self) -> int:
        return self.cap - self.spent - self.aside


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Calls that have been billed together."""

    group: int
    """Counts the groups of a fence: one whose commit was not heard of is sent again, and booked once."""
    endpoint: str
    price_version: int
    amount: int
    """What they cost."""
    released: int
    """What had been set aside for them."""
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int

    @classmethod
    def unheard(cls, endpoint: str, amount: int, group: int = 0) -> Self:
        """Of what was set aside, and whose bill nobody will see."""
        return cls(
            group=group, endpoint=endpoint, price_version=0, amount=amount, released=amount, calls=0, input_tokens=0,
            output_tokens=0, cached_tokens=0,
        )  # fmt: skip


def reserve(
    session: Session, grip: Grip, endpoint: str, number: int, wanted: int, least: int, bound: int | None = None
) -> Lot:
    """Sets `wanted` aside, or as much of it as the caps leave, if that is `least` or more. Once for each `number`, which rises from 1.

    `bound`: of the call that it is for, where the step has some of that; it comes back before the job waits, for all of it.
    """
    job = jobs.lock(session, grip.job)
    step = session.get(Step, grip.step, populate_existing=True)
    if job is None or step is None or step.fence != grip.fence or step.state != StepState.RUNNING:
        return Lot(lost=True)
    row = _held(session, grip)
    if row is not None and row.lot >= number:
        return Lot(granted=row.granted) if row.lot == number else Lot(lost=True)
    granted = wanted
    for cap, most in left(session, job, step).items():
        granted = granted if most is None else min(granted, most)
        if granted < least:
            bar(step, cap, least if bound is None else bound)
            return Lot(barred=cap)
    row = row or _begun(session, grip, job, endpoint)
    row.open, row.lot, row.granted = row.open + granted, number, granted
    return Lot(granted=granted)


def bar(step: Step, cap: Cap, least: int) -> None:
    """Writes down what the step could not have of a month's cap: it waits for that much (models/month.py)."""
    if cap == "project":
        step.context = {**step.context, BARRED: least}


def left(session: Session, job: Job, asking: Step) -> dict[Cap, int | None]:
    """What each cap leaves for calls of the asking step; None: there is no such cap. The caller holds the job's lock."""
    return {"job": _left_of_job(session, job, asking), "project": _left_of_project(session, job.project)}


def _held(session: Session, grip: Grip) -> Reservation | None:
    return session.get(Reservation, (grip.step, grip.fence), with_for_update=True, populate_existing=True)


def _begun(session: Session, grip: Grip, job: Job, endpoint: str) -> Reservation:
    """A new row. The caller holds the job's lock, so nobody else makes it."""
    row = Reservation(
        step=grip.step, fence=grip.fence, project=job.project, job=job.id, endpoint=endpoint, open=0, settled=0
    )
    session.add(row)
    return row


def _left_of_job(session: Session, job: Job, asking: Step) -> int | None:
    """Of the job's cap: less what was spent, what is set aside, and what the steps that must still come will cost."""
    if job.usd is None:
        return None
    spent, aside = _taken(session, Charge.job == job.id, Reservation.job == job.id, Batch.job == job.id)
    return floor(job.usd * MICRO) - spent - aside - _to_come(session, job, asking)


def _taken(
    session: Session, charges: ColumnElement[bool], reservations: ColumnElement[bool], batches: ColumnElement[bool]
) -> tuple[int, int]:
    """Spent, and set aside, by one statement: a settlement between two would be in neither sum."""
    spent = select(func.coalesce(func.sum(Charge.usd), 0.0)).where(charges).scalar_subquery()
    opened = select(func.coalesce(func.sum(Reservation.open), 0)).where(reservations).scalar_subquery()
    sent = select(func.coalesce(func.sum(Batch.open), 0)).where(batches).scalar_subquery()
    usd, aside, posted = session.execute(select(spent, opened, sent)).one()
    return ceil(round(float(usd) * MICRO, 3)), int(aside) + int(posted)


def _to_come(session: Session, job: Job, asking: Step) -> int:
    """What the asking step leaves to later calls, and the required steps that have not ended, on devices by the dearest price that is known; training
    can be cut to one slice."""
    rate.learn(session, job)
    aside = int(asking.context.get("aside", 0))
    if not job.rates:
        return aside
    rows = select(Step.queue, Step.estimate, Step.divisible).where(
        Step.job == job.id, Step.id != asking.id, Step.optional.is_(False), Step.state.not_in(SETTLED)
    )
    due = [
        (job.rates.get(queue, 0.0), min(seconds, SLICE) if cut else seconds)
        for queue, seconds, cut in session.execute(rows)
    ]
    dollars = sum(float(price) * float(seconds) for price, seconds in due) / 3600
    return aside + ceil(dollars * MICRO)


def _left_of_project(session: Session, project: str) -> int | None:
    """Of this month's cap; the project is held, so that two jobs cannot both have its last cent."""
    if session.scalar(select(Project.usd_per_month).where(Project.id == project)) is None:
        return None
    session.execute(select(Project.id).where(Project.id == project).with_for_update(key_share=True))
    found = month(session, project)
    return None if found is None else found.left


def month(session: Session, project: str) -> Month | None:
    """The calendar month (UTC) of a project that has a cap of it."""
    cap = session.scalar(select(Project.usd_per_month).where(Project.id == project))
    if cap is None:
        return None
    this = func.to_char(func.timezone("UTC", func.now()), "YYYY-MM")
    mine = and_(Charge.project == project, func.left(Charge.day, 7) == this)
    spent, aside = _taken(session, mine, Reservation.project == project, Batch.project == project)
    return Month(cap=floor(cap * MICRO), spent=spent, aside=aside)


def settle(session: Session, grip: Grip, project: str, spent: Spent) -> bool:
    """Books calls, and frees what had been set aside for them. False: the step was lost, and all of it was booked then."""
    row = _held(session, grip)
    if row is None:
        return False
    if row.settled >= spent.group:
        return True
    row.open, row.settled = row.open - spent.released, spent.group
    book(session, project, grip.job, grip.step, grip.fence, spent)
    return True


def give_back(session: Session, grip: Grip, endpoint: str) -> None:
    """The end of the calls, none of which is in flight: what is still set aside is free again, and no lot comes after.

    The row stays until the step's end: a lot that was asked for and never heard of may still be on its way here.
    """
    job = jobs.lock(session, grip.job)
    step = session.get(Step, grip.step, populate_existing=True)
    if job is None or step is None or step.fence != grip.fence or step.state != StepState.RUNNING:
        return
    row = _held(session, grip) or _begun(session, grip, job, endpoint)
    row.open, row.lot, row.granted = 0, LAST, 0


def forfeit(session: Session, step: Step, job: Job) -> None:
    """The end of a fence: what is set aside and was neither settled nor given back is booked as paid."""
    row = session.get(Reservation, (step.id, step.fence), with_for_update=True, populate_existing=True)
    if row is None:
        return
    if row.open > 0:
        lost = Spent.unheard(row.endpoint, row.open, row.settled + 1)
        book(session, job.project, job.id, step.id, step.fence, lost)
    session.delete(row)


def book_probe(session: Session, project: str, spent: Spent) -> None:
    """Adds to the day's charge of this endpoint's probes. They belong to no job, and where a step stands in a charge theirs has the project: two
    projects may have an endpoint of one name."""
    book(session, project, "", project, 0, spent, kind="probes")


def book(session: Session, project: str, job: str, step: str, fence: int, spent: Spent, kind: str = "calls") -> None:
    """Adds to the charge of this step, fence, kind, endpoint, price and day."""
    row = insert(Charge).values(
        id=new_id("chg_"), project=project, job=job, step=step, fence=fence, kind=kind, queue="io", device="",
        seconds=0.0, usd=spent.amount / MICRO, day=DAY_NOW, endpoint=spent.endpoint, price_version=spent.price_version,
        calls=spent.calls, input_tokens=spent.input_tokens, output_tokens=spent.output_tokens,
        cached_tokens=spent.cached_tokens,
    )  # fmt: skip
    table = Charge.__table__.c
    # A charge only grows. Its dollars are counted in whole micro-dollars: a sum of many small floats would drift.
    grown = func.round((table.usd + row.excluded.usd) * MICRO) / MICRO
    counted = {
        name: table[name] + row.excluded[name] for name in ("calls", "input_tokens", "output_tokens", "cached_tokens")
    }
    session.execute(
        row.on_conflict_do_update(
            index_elements=["step", "fence", "kind", "endpoint", "price_version", "day"], set_={"usd": grown, **counted}
        )
    )
