"""Jobs that waited for facts: planned once these have come, each in a transaction of its own."""

from collections.abc import Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import job as jobs
from models.admission import Unreadable, admit, give_up, unplanned
from models.job import ENDED, Job
from workers.claim import Away
from workers.post import Post

log = structlog.get_logger(__name__)


def readmit(post: Post, about: str | None = None) -> set[str]:
    """Tries jobs that wait; with `about` only those that wait for this dataset, model or pair. Returns queues to ring."""
    rung = set[str]()
    for job in post.ledger(_unplanned, about):
        rung |= _tried(post, job)
    return rung


def after(post: Post, job: str) -> set[str]:
    """The same for what waited for this job, if it has ended."""
    about = post.ledger(_subject, job)
    return readmit(post, about) if about is not None else set()


def _tried(post: Post, job: str) -> set[str]:
    """Whatever becomes of it, it holds up no other. Where the database was away, another transaction was first, or a newer version has to read it, it waits; where its planning raises, it fails."""
    for move in (admit, give_up):
        try:
            return post.ledger(_held, job, move)
        except (Away, IntegrityError, Unreadable) as error:
            log.warning("planning_put_off", job=job, error=str(error.args[0]))
            return set()
        except Exception:
            log.exception("planning_failed", job=job, move=move.__name__)
    return set()


def _held(session: Session, id: str, move: Callable[[Session, Job], set[str]]) -> set[str]:
    job = jobs.lock(session, id)
    return move(session, job) if job is not None else set()


def _unplanned(session: Session, about: str | None) -> list[str]:
    return list(session.scalars(unplanned(about)))


def _subject(session: Session, job: str) -> str | None:
    return session.scalar(select(Job.subject).where(Job.id == job, Job.state.in_(ENDED)))
