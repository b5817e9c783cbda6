"""Workers: who is connected and with what."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Select, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, Id


class Worker(Base):
    __tablename__ = "workers"

    id: Mapped[Id]  # wrk_
    name: Mapped[str] = mapped_column(unique=True)  # survives a restart
    hostname: Mapped[str]
    queues: Mapped[list[Any]]
    slots: Mapped[int]
    device: Mapped[str]
    memory: Mapped[int]
    price_per_hour: Mapped[float]
    sandbox: Mapped[str]  # namespace, bubblewrap or none
    trusted: Mapped[bool]  # may open uploads: it has a sandbox, or is allowed to do without
    versions: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    started_at: Mapped[Created]
    last_seen: Mapped[datetime]


def everyone() -> Select[Worker]:
    """Workers that are, or were, connected."""
    return select(Worker)


def arrive(session: Session, worker: Worker) -> str | None:
    """Registers a worker under its stable name. Returns the id of its predecessor, whose steps are free to be taken back."""
    named = select(Worker.id).where(Worker.name == worker.name).with_for_update()
    before = session.scalars(named).one_or_none()
    session.execute(delete(Worker).where(Worker.name == worker.name))
    session.add(worker)
    return before if before != worker.id else None


def beat(session: Session, id: str) -> bool:
    """Shows that the worker lives; False if it was taken for dead and forgotten."""
    seen = update(Worker).where(Worker.id == id).values(last_seen=func.clock_timestamp()).returning(Worker.id)
    return session.execute(seen, execution_options={"synchronize_session": False}).one_or_none() is not None


def leave(id: str) -> Delete:
    """A worker that ends as it should."""
    return delete(Worker).where(Worker.id == id)


def dead(silence: timedelta) -> Delete:
    """Workers that were not heard of for so long."""
    return delete(Worker).where(Worker.last_seen < func.clock_timestamp() - silence)


def trusted(session: Session, queue: str, silence: timedelta = timedelta(minutes=1)) -> bool:
    """Whether a worker that may open uploads, and was heard of within `silence`, does steps of this queue."""
    able = connected(silence).where(Worker.queues.contains([queue]), Worker.trusted)
    return session.scalars(able.limit(1)).first() is not None


def serves(session: Session, queue: str, silence: timedelta = timedelta(minutes=1)) -> bool:
    """Whether a worker that was heard of within `silence` does steps of this queue."""
    able = connected(silence).where(Worker.queues.contains([queue]))
    return session.scalars(able.limit(1)).first() is not None


def largest(session: Session, queue: str, silence: timedelta) -> Worker | None:
    """The worker that offers most memory to steps of this queue. Where one may open uploads, the others leave them to it."""
    able = (
        connected(silence).where(Worker.queues.contains([queue])).order_by(Worker.trusted.desc(), Worker.memory.desc())
    )
    return session.scalars(able.limit(1)).first()


def connected(silence: timedelta) -> Select[Worker]:
    """Workers that were heard of within `silence`."""
    return select(Worker).where(Worker.last_seen > func.now() - silence)
