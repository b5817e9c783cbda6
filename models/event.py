"""Events: numbered without gaps within a job, in the transaction that made them true."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Select, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created
from models.job import Job

CHANNEL = "events"


class Line(NamedTuple):
    """An event before it has its number."""

    type: str
    message: str
    step: str | None = None
    data: dict[str, Any] = {}


class Event(Base):
    """Types: job, step, metrics, checkpoint, message."""

    __tablename__ = "events"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    step: Mapped[str | None]  # name of the step in the plan
    message: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[Created]


def after(job: str, seq: int) -> Select[Event]:
    """A job's events past a number, in order. The caller has checked whose job it is."""
    return select(Event).where(Event.job == job, Event.seq > seq).order_by(Event.seq)


def append(
    session: Session, job: Job, type: str, message: str, *, step: str | None = None, data: dict[str, Any] | None = None
) -> int:
    """Writes one event and returns its number. The caller holds the job's lock; listeners hear of it at the commit."""
    return extend(session, job, [Line(type, message, step, data or {})])


def extend(session: Session, job: Job, lines: Iterable[Line]) -> int:
    """Writes events under consecutive numbers and returns the last. The caller holds the job's lock."""
    numbered = [{"job": job.id, "seq": seq, **line._asdict()} for seq, line in enumerate(lines, start=job.last_seq + 1)]
    if numbered:
        job.last_seq = numbered[-1]["seq"]
        session.flush()
        session.execute(insert(Event), numbered)
        session.execute(select(func.pg_notify(CHANNEL, job.id)))
    return job.last_seq
