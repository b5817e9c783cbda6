"""Jobs that wait for money of their project's month: why, and until when.

What is set aside for calls that are under way comes back in part, and a month ends: such a job goes on by itself.
"""

from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.orm import Session

from models import intent, purse
from models import job as jobs
from models import step as steps_of
from models.job import ENDED, Job
from models.step import SETTLED, Step
from spec.money import dollars

MONTH_CAP = "month_cap"
ROOM = 8
"""Times what a job lacked: it goes on once so much is free. Half of what is not spent is enough, too, and where nothing is set aside what it lacked."""
NEXT = func.to_char(func.date_trunc("month", func.timezone("UTC", func.now())) + func.make_interval(0, 1), "YYYY-MM-DD")
"""The first day of the next month (UTC)."""


def why(session: Session, job: Job) -> str | None:
    """A sentence; None: the job lacks no money of the month (what it lacks its events say), or does so no more."""
    least, found = _lacking(session, job.id), purse.month(session, job.project)
    if least is None or found is None or found.left >= _enough(found, least):
        return None
    if found.cap - found.spent >= least and found.aside:
        return (
            "What the project's cap of this month leaves is set aside for calls that are under way: "
            "the job goes on by itself as money comes back."
        )
    return (
        f"The project's cap of this month ({dollars(found.cap / purse.MICRO)}) is spent: "
        f"the job goes on by itself on {session.scalar(select(NEXT))} (UTC), or once usd_per_month is raised."
    )


def waiting() -> Select[str]:
    """Jobs that a month's cap has paused."""
    return select(Job.id).where(Job.paused_for == MONTH_CAP, Job.state.not_in(ENDED)).order_by(Job.id)


def release(session: Session, id: str) -> set[str]:
    """The service's own resume of such a job, if there is money for it again. Returns queues to ring."""
    job = jobs.lock(session, id)
    if job is None or job.paused_for != MONTH_CAP:
        return set()
    least, found = _lacking(session, id), purse.month(session, job.project)
    if least is None or (found is not None and found.left < _enough(found, least)):
        return set()
    for step in steps_of.lock(session, id):
        step.context = {name: value for name, value in step.context.items() if name != purse.BARRED}
    return intent.release(session, id, MONTH_CAP)


def _enough(found: purse.Month, least: int) -> int:
    """What has to be free before such a job goes on: as long as more may come back, not the first bit of it."""
    return min(ROOM * least, max(least, (found.cap - found.spent) // 2)) if found.aside else least


def _lacking(session: Session, job: str) -> int | None:
    """The least that a step could not have; None: it is not for want of money that the job waits."""
    barred = cast(Step.context[purse.BARRED].astext, BigInteger)
    return session.scalar(select(func.max(barred)).where(Step.job == job, Step.state.not_in(SETTLED)))
