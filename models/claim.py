"""The claim: one statement that takes one ready step, locks that row alone, and never waits.

It does not touch the job (a step locked before its job deadlocks with everybody else), and it does not look at expired
leases: only the sweeper takes those back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select, text, union_all
from sqlalchemy.orm import Session

from models.step import Step, StepState

# projects: a loose index scan, so that a project with 100,000 waiting steps costs one probe.
# burden: device seconds used lately, halved each hour, plus a minute for each step that runs now. Ordering by the
# number of running steps alone gives one worker's every claim to the same project.
# A step whose key runs elsewhere is left alone: its output will be a cache hit.
# begun: whether steps of jobs that have begun are taken, too; the job is read, not locked.
CLAIM = text("""
WITH RECURSIVE projects(project) AS (
  (SELECT project FROM steps WHERE queue = :queue AND state = 'ready' ORDER BY project LIMIT 1)
  UNION ALL
  SELECT (SELECT s.project FROM steps s WHERE s.queue = :queue AND s.state = 'ready' AND s.project > p.project
          ORDER BY s.project LIMIT 1)
  FROM projects p WHERE p.project IS NOT NULL
), heads AS (
  SELECT h.*, coalesce(sh.used * power(0.5, extract(epoch FROM now() - sh.at) / 3600), 0)
      + 60 * (SELECT count(*) FROM steps r WHERE r.state = 'running' AND r.project = p.project AND r.queue = :queue)
      AS burden
  FROM projects p
  LEFT JOIN shares sh ON sh.project = p.project AND sh.queue = :queue
  CROSS JOIN LATERAL (
    SELECT s.id, s.attempts > 0 AS interrupted, s.priority, s.created_at, s.ordinal FROM steps s
    WHERE s.queue = :queue AND s.state = 'ready' AND s.project = p.project AND s.memory <= :memory
      AND (s.not_before IS NULL OR s.not_before <= now())
      AND NOT EXISTS (SELECT 1 FROM steps r WHERE r.queue = :queue AND r.project = s.project AND r.key = s.key
                      AND r.state = 'running')
      AND (:begun OR NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = s.job AND j.started_at IS NOT NULL))
    ORDER BY (s.attempts > 0) DESC, s.priority DESC, s.created_at, s.ordinal, s.id LIMIT 2) h
  WHERE p.project IS NOT NULL
), pick AS (
  SELECT s.id FROM heads h JOIN steps s ON s.id = h.id WHERE s.state = 'ready'
  ORDER BY h.interrupted DESC, h.burden, h.priority DESC, h.created_at, h.ordinal, h.id
  LIMIT 1 FOR UPDATE OF s SKIP LOCKED
)
UPDATE steps SET state = 'running', owner = :worker, fence = fence + 1, attempts = attempts + 1, tailed = 0,
  claimed_at = clock_timestamp(), lease = clock_timestamp() + make_interval(secs => :lease), halt = NULL,
  progress = NULL
FROM pick WHERE steps.id = pick.id
RETURNING steps.id, steps.job, steps.fence, steps.name, steps.memory
""")


@dataclass(frozen=True, kw_only=True)
class Grip:
    """A claimed step: what every later write of the worker carries. The fence tells a stale one."""

    step: str
    job: str
    fence: int
    name: str
    memory: int
    """Bytes that it is expected to need."""


def claim(session: Session, worker: str, queue: str, memory: int, lease: float, *, begun: bool = True) -> Grip | None:
    """The next fitting step of a queue, now running under a lease of `lease` seconds; None if none waits.

    `begun`: of a job that has begun, too.
    """
    values = {"worker": worker, "queue": queue, "memory": memory, "lease": lease, "begun": begun}
    row = session.execute(CLAIM, values).one_or_none()
    return Grip(step=row.id, job=row.job, fence=row.fence, name=row.name, memory=row.memory) if row else None


def waits(session: Session, queues: Iterable[str], memory: int) -> set[str]:
    """The queues in which a claim with so much memory may find something now."""
    due = or_(Step.not_before.is_(None), Step.not_before <= func.now())
    names = sorted(queues)
    some = [
        select(Step.queue).where(Step.queue == name, Step.state == StepState.READY, Step.memory <= memory, due).limit(1)
        for name in names
    ]
    return set(session.scalars(union_all(*(each.subquery().select() for each in some)))) if some else set()
