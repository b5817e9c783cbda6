"""The sweeper: runs in every worker, works in one at a time, and finds what nobody else will.

Everything that it does is guarded by what it finds under the row's own lock, so two sweepers at once do no harm.
"""

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from pathlib import Path

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import idempotency, lease, month
from models import worker as workers
from models.finish import DISK_FULL
from models.intent import release
from models.job import ENDED, Job
from models.step import Queue, Step, StepState
from storage import StorageError
from workers import garbage, leftovers, register
from workers.claim import Away
from workers.folder import RUNS
from workers.post import Post
from workers.readmission import readmit

SILENCE = timedelta(minutes=5)  # after which a worker is forgotten
RARE = 60.0  # seconds between looks at garbage and old keys
ORPHANED = 6 * 3600.0  # seconds between looks at bytes without a row
SHORT, LONG = 3, 3600  # seconds that a duty may take, if nobody else is to take it up meanwhile
ROOM = 256 * 2**20  # free bytes from which on a full disk counts as free again
log = structlog.get_logger(__name__)


Duty = Callable[[Post], None]


class Sweeper:
    """Three threads that look around until the worker stops: what takes long, or waits for servers of others, keeps the lives of leases waiting for
    nothing, and no other duty."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self._rare_at = self._visits_at = time.monotonic()
        self._orphans_at = time.monotonic() + ORPHANED
        self._threads = [
            threading.Thread(target=self._run, args=(due,), name=name, daemon=True)
            for name, due in (("sweeper", self._often), ("cleaner", self._seldom), ("visitor", self._abroad))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(5)

    def sweep(self) -> None:
        """Every duty that is due, once."""
        self._do(self._often())
        self._do(self._seldom())
        self._do(self._abroad())

    def _run(self, due: Callable[[], list[Duty]]) -> None:
        while not self.post.stopping.wait(self.post.settings.sweep_seconds):
            self._do(due())

    def _do(self, duties: list[Duty]) -> None:
        """Each on its own: one that fails keeps nobody from the others."""
        for duty in duties:
            try:
                duty(self.post)
            except (Away, DBAPIError, StorageError, OSError) as error:
                log.warning("sweep_failed", duty=duty.__name__, error=str(error))
            except Exception:
                log.exception("sweep_failed", duty=duty.__name__)

    def _often(self) -> list[Duty]:
        return [register.beat, scratch, *map(alone, (expire, readmission, resume_full, resume_capped, bells))]

    def _seldom(self) -> list[Duty]:
        now, due = time.monotonic(), list[Duty]()
        if now >= self._rare_at:
            self._rare_at = now + RARE
            due += map(alone, (forget_workers, forget_replies, collect))
        if now >= self._orphans_at:
            self._orphans_at = now + ORPHANED
            due += map(alone, (orphans, tidy))
        return due

    def _abroad(self) -> list[Duty]:
        now = time.monotonic()
        if now < self._visits_at:
            return []
        self._visits_at = now + RARE
        return [alone(leftover_batches)]


def alone(duty: Duty) -> Duty:
    """What one worker does for all. The lock falls with its transaction, which may stand idle as long as the duty is allowed to
    take: a frozen sweeper holds it no longer. To lose it does no harm."""

    @wraps(duty)
    def guarded(post: Post) -> None:
        with post.ledger.engine.connect() as connection:
            connection.execute(
                text(f"SET LOCAL idle_in_transaction_session_timeout = '{LONG if duty in SLOW else SHORT}s'")
            )
            if connection.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(duty.__name__, 0)))):
                duty(post)
                with suppress(DBAPIError):  # it took longer, and the server has let go of the lock already
                    connection.rollback()

    return guarded


def expire(post: Post) -> None:
    """Takes back what workers hold whose lease is over."""
    rung = set[str]()
    for step, job in post.ledger(lambda session: session.execute(lease.expired()).all()):
        log.warning("lease_expired", job=job, step=step)
        rung |= post.ledger(lease.expire, step, job)
    post.bell.ring(rung)


def readmission(post: Post) -> None:
    """Plans the jobs whose facts have come."""
    post.bell.ring(readmit(post))


def resume_full(post: Post) -> None:
    """Resumes what was paused for a full disk, once there is room."""
    paused = select(Job.id).where(Job.paused_for == DISK_FULL, Job.state.not_in(ENDED))
    rung = set[str]()
    for job in post.ledger(lambda session: session.scalars(paused).all()):
        if room(post):
            log.info("disk_has_room", job=job)
            rung |= post.ledger(release, job, DISK_FULL)
    post.bell.ring(rung)


def resume_capped(post: Post) -> None:
    """Resumes what was paused for want of a month's money, once there is some."""
    rung = set[str]()
    for job in post.ledger(lambda session: session.scalars(month.waiting()).all()):
        if queues := post.ledger(month.release, job):
            log.info("month_has_money", job=job)
            rung |= queues
    post.bell.ring(rung)


def room(post: Post) -> bool:
    """Whether scratch, and a store that is a folder, have space again."""
    folders = [post.settings.scratch, Path(post.settings.storage)]
    post.storage.check()
    return all(shutil.disk_usage(folder).free > ROOM for folder in folders if folder.is_dir())


def bells(post: Post) -> None:
    """Rings where a step waits: its bell may have been missed."""
    post.bell.ring(post.ledger(waiting))


def waiting(session: Session) -> set[str]:
    """Queues in which a step waits that may be claimed now."""
    due = select(Step.queue).where(Step.state == StepState.READY)
    late = Step.not_before.is_(None) | (Step.not_before <= func.now())
    return {queue for queue in Queue if session.scalars(due.where(Step.queue == queue, late).limit(1)).first()}


def forget_workers(post: Post) -> None:
    post.ledger(lambda session: session.execute(workers.dead(SILENCE)))


def forget_replies(post: Post) -> None:
    """Idempotency keys that are too old to be repeated."""
    post.ledger(lambda session: session.execute(idempotency.expired()))


def collect(post: Post) -> None:
    garbage.collect(post.ledger, post.storage)


def leftover_batches(post: Post) -> None:
    leftovers.fetch(post)


def orphans(post: Post) -> None:
    garbage.orphans(post.ledger, post.storage)


def tidy(post: Post) -> None:
    garbage.tidy(post.storage)


def scratch(post: Post) -> None:
    """Removes run folders of our database's steps that run no longer under that fence, here or anywhere on this disk."""
    folders = post.settings.scratch / RUNS
    if not folders.is_dir():
        return
    there = {folder.name: folder for folder in folders.iterdir()}
    known = select(Step.id, Step.fence, Step.state).where(Step.id.in_({name.rpartition("-")[0] for name in there}))
    steps = post.ledger(lambda session: session.execute(known).all()) if there else []
    running = [(step, fence) for step, fence, state in steps if state == StepState.RUNNING]
    kept = {f"{step}-{fence}" for step, fence in (*running, *post.running())}
    ours = {step for step, _, _ in steps}
    for name in there.keys() - kept:
        if name.rpartition("-")[0] in ours:
            shutil.rmtree(there[name], ignore_errors=True)


SLOW = (collect, leftover_batches, orphans, tidy)
