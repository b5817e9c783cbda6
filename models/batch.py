"""Batches: questions that were sent to an endpoint together, and are answered within a day. A batch that was sent is money: its row comes before it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Delete, Index, Select, delete, exists, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Id, ProjectId, one_of
from models.job import Job


class BatchState(StrEnum):
    OPEN = "open"  # its money is set aside
    LEFT = "left"  # the same, and its job has ended
    DONE = "done"  # every line is booked
    VOID = "void"  # it was never made, or is gone


KEPT = timedelta(days=3)
"""Time after its job's end that a batch may take to be settled before it is given up: one is answered within a day. So long is one listed for sure."""
LIVE = (BatchState.OPEN, BatchState.LEFT)


class Batch(Base):
    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_live", "project", "endpoint", postgresql_where="state IN ('open', 'left')"),
        Index(None, "job"),
        one_of("state", BatchState),
    )

    id: Mapped[Id]  # bat_
    project: Mapped[ProjectId]
    endpoint: Mapped[str]
    place: Mapped[str]  # digest of wire and URL that it was sent to
    job: Mapped[str]
    step: Mapped[str]
    fence: Mapped[int]  # under which it was sent, and is booked
    state: Mapped[str] = mapped_column(default=BatchState.OPEN)
    file: Mapped[str | None]  # the endpoint's name of what was uploaded; None: nothing was made of it yet
    remote: Mapped[str | None]  # the endpoint's name of the batch; None: not known to be made
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # spec.facts.Price, discounted
    lines: Mapped[list[Any]] = mapped_column(deferred=True)  # of models/postage.py Entry; live
    open: Mapped[int]  # micro-dollars that it may still cost
    settled: Mapped[int] = mapped_column(server_default="0")  # lines of its results that are booked
    silent_since: Mapped[datetime | None]  # when a look after its job's end first left it unsettled
    created_at: Mapped[Created]


def live(project: str, endpoint: str, place: str, step: str) -> Select[Batch]:
    """Batches at an endpoint whose answers are still to come, of whichever job; of other steps those that were made."""
    known = or_(Batch.step == step, Batch.remote.is_not(None))
    mine = (Batch.project == project, Batch.endpoint == endpoint, Batch.place == place)
    return select(Batch).where(*mine, Batch.state.in_(LIVE), known).order_by(Batch.created_at, Batch.id)


def left() -> Select[Batch]:
    """Batches whose job has ended before they were fetched."""
    return select(Batch).where(Batch.state == BatchState.LEFT).order_by(Batch.created_at)


def awaited(project: str, endpoint: str) -> Select[str]:
    """Jobs, ended or not, of which an endpoint has batches that are not settled."""
    mine = (Batch.project == project, Batch.endpoint == endpoint, Batch.state.in_(LIVE))
    return select(Batch.job).where(*mine).distinct().order_by(Batch.job)


def settled(job: str) -> Delete:
    """Forgets the batches of a job of which nothing more comes."""
    return delete(Batch).where(Batch.job == job, Batch.state.not_in(LIVE))


def forgotten() -> Delete:
    """Forgets those of deleted jobs: what they had left is settled."""
    return delete(Batch).where(Batch.state.not_in(LIVE), ~exists().where(Job.id == Batch.job))
