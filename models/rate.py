"""Rates: what an hour of a queue's devices costs, as far as anybody knows. A worker says it while it is connected; afterwards the ledger does."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.charge import Charge
from models.job import Job
from models.step import Queue
from models.worker import connected

SILENCE = timedelta(minutes=1)
"""A worker that was heard of within it is connected."""
REMEMBERED = 1000
"""Charges that are looked through, the newest first: a price that is older is forgotten."""


def known(session: Session) -> dict[str, float]:
    """US dollars an hour by queue, where they are not 0: the dearest connected worker's; of a queue that no worker does now, that of the last lease.

    Of `io` none: to wait for the network uses no device.
    """
    found: dict[str, float] = {}
    for worker in session.scalars(connected(SILENCE)):
        for queue in worker.queues:
            found[queue] = max(found.get(queue, 0.0), worker.price_per_hour)
    if not {Queue.GPU, Queue.CPU} <= found.keys():
        found = _remembered(session) | found
    return {queue: rate for queue, rate in found.items() if rate > 0 and queue != Queue.IO}


def learn(session: Session, job: Job) -> None:
    """Raises the job's rates to what is known now: a worker that has come since may be dearer. The caller holds the job, or has just made it."""
    now = known(session)
    job.rates = {queue: max(job.rates.get(queue, 0.0), now.get(queue, 0.0)) for queue in {**job.rates, **now}}
    session.flush()


def _remembered(session: Session) -> dict[str, float]:
    last = select(Charge.id, Charge.queue, Charge.seconds).order_by(Charge.id.desc()).limit(REMEMBERED).subquery()
    newest = select(func.max(last.c.id)).where(last.c.seconds > 0).group_by(last.c.queue)
    rates = select(Charge.queue, Charge.usd / Charge.seconds * 3600).where(Charge.id.in_(newest))
    return {queue: round(float(rate), 9) for queue, rate in session.execute(rates)}
