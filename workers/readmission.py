"""Jobs that waited for facts: planned once these have come, each in a transaction of its own."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import job as jobs
from models.admission import admit, unplanned
from models.job import ENDED, Job
from workers.post import Post


def readmit(post: Post, about: str | None = None) -> set[str]:
    """Tries jobs that wait; with `about` only those that wait for this dataset, model or pair. Returns queues to ring."""
    rung = set[str]()
    for job in post.ledger(_unplanned, about):
        rung |= post.ledger(_admit, job)
    return rung


def after(post: Post, job: str) -> set[str]:
    """The same for what waited for this job, if it has ended."""
    about = post.ledger(_subject, job)
    return readmit(post, about) if about is not None else set()


def _unplanned(session: Session, about: str | None) -> list[str]:
    return list(session.scalars(unplanned(about)))


def _admit(session: Session, id: str) -> set[str]:
    job = jobs.lock(session, id)
    return admit(session, job) if job is not None else set()


def _subject(session: Session, job: str) -> str | None:
    return session.scalar(select(Job.subject).where(Job.id == job, Job.state.in_(ENDED)))
