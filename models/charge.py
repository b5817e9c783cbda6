"""Charges: a ledger of device-seconds and of calls to endpoints, those of probes too, in seconds, tokens and dollars. A row only grows."""

from collections.abc import Iterable

from sqlalchemy import Index, Select, extract, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, Id, ProjectId
from models.job import Job
from models.step import Queue, Step
from models.worker import Worker
from spec.ids import new_id

DAY_NOW = func.to_char(func.timezone("UTC", func.now()), "YYYY-MM-DD")


class Charge(Base):
    __tablename__ = "charges"
    __table_args__ = (
        Index(None, "project", "created_at"),
        Index(None, "job"),
        Index(None, "step", "fence", "kind", "endpoint", "price_version", "day", unique=True),
    )

    id: Mapped[Id]  # chg_
    project: Mapped[ProjectId]
    job: Mapped[str]  # empty: of probes
    step: Mapped[str]  # of probes their project, which sets endpoints of one name apart
    fence: Mapped[int]
    kind: Mapped[str]  # device_seconds, calls or probes
    queue: Mapped[str]
    device: Mapped[str]
    seconds: Mapped[float]
    usd: Mapped[float] = mapped_column(server_default="0")
    day: Mapped[str]  # YYYY-MM-DD (UTC) on which it was booked
    endpoint: Mapped[str] = mapped_column(server_default="")  # ep_, of calls
    price_version: Mapped[int] = mapped_column(server_default="0")
    calls: Mapped[int] = mapped_column(server_default="0")
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    cached_tokens: Mapped[int] = mapped_column(server_default="0")  # of the input, from the endpoint's cache
    created_at: Mapped[Created]


def by_job(ids: Iterable[str]) -> Select[str, float, float]:
    """Device seconds and dollars booked so far, for each job that has any. The caller has checked whose jobs they are."""
    sums = select(Charge.job, func.sum(Charge.seconds), func.sum(Charge.usd))
    return sums.where(Charge.job.in_(tuple(ids))).group_by(Charge.job)


def book(session: Session, job: Job, step: Step) -> float:
    """Charges the lease that ends now, and returns its seconds. Once a fence: the caller holds the step.

    A step that waits for the network uses no device: what it costs are its calls.
    """
    leased = extract("epoch", func.clock_timestamp() - Step.claimed_at)
    seconds = float(session.scalar(select(leased).where(Step.id == step.id)) or 0.0)
    step.seconds += seconds
    if step.queue == Queue.IO:
        return seconds
    worker = session.get(Worker, step.owner)
    session.add(
        Charge(
            id=new_id("chg_"),
            project=job.project,
            job=job.id,
            step=step.id,
            fence=step.fence,
            kind="device_seconds",
            queue=step.queue,
            device=worker.device if worker else "unknown",
            seconds=seconds,
            usd=seconds * worker.price_per_hour / 3600 if worker else 0.0,
            day=DAY_NOW,
        )
    )
    return seconds
