"""Leases: renewed by the heartbeat, taken back by the sweeper. Only the database's clock counts."""

from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from models import charge, purse, share
from models import job as jobs
from models import step as steps_of
from models.advance import advance
from models.claim import Grip
from models.job import Intent
from models.move import fail, move, will
from models.step import Step, StepState
from spec.problem import Problem

BOUND = 20  # interruptions in a row, without a checkpoint or an answer between, that are nobody's fault

# What is left of a cap in hours: less what device steps have used and use now, less the estimates of those that must still
# come; shared between the steps that use it up now. Of a cap in dollars the same: less all charges, what is set aside for
# calls, what running steps have cost since their claim, and the estimates of those to come; over the price of what runs. A running step
# costs what its worker does, one to come the most that is known of its queue (models/rate.py).
HEARTBEAT = text("""
UPDATE steps SET lease = clock_timestamp() + make_interval(secs => :lease)
FROM jobs
WHERE steps.id = :step AND steps.fence = :fence AND steps.state = 'running' AND jobs.id = steps.job
RETURNING
  CASE WHEN EXISTS (SELECT 1 FROM steps f WHERE f.job = jobs.id AND f.state = 'failed' AND NOT f.optional)
       THEN 'cancel' WHEN jobs.paused_for IS NOT NULL AND jobs.intent <> 'cancel' THEN 'pause'
       ELSE jobs.intent END AS intent,
  steps.halt,
  LEAST(
  CASE WHEN jobs.hours IS NULL OR steps.queue <> 'gpu' THEN NULL ELSE (
    SELECT (jobs.hours * 3600
        - sum(s.seconds + CASE WHEN s.state = 'running' AND s.claimed_at IS NOT NULL
                               THEN extract(epoch FROM clock_timestamp() - s.claimed_at) ELSE 0 END)
        - coalesce(sum(s.estimate) FILTER (WHERE NOT s.optional AND NOT s.divisible AND s.id <> steps.id
                               AND s.state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')), 0))
      / greatest(1, count(*) FILTER (WHERE s.state = 'running'))
    FROM steps s WHERE s.job = jobs.id AND s.queue = 'gpu') END,
  CASE WHEN jobs.usd IS NULL OR steps.queue = 'io' THEN NULL ELSE (
    SELECT (jobs.usd - (SELECT coalesce(sum(c.usd), 0) FROM charges c WHERE c.job = jobs.id)
        - (SELECT coalesce(sum(r.open), 0) / 1e6 FROM reservations r WHERE r.job = jobs.id)
        - (SELECT coalesce(sum(b.open), 0) / 1e6 FROM batches b WHERE b.job = jobs.id)
        - coalesce(sum(p.rate / 3600 * CASE WHEN s.state = 'running' AND s.claimed_at IS NOT NULL
                               THEN extract(epoch FROM clock_timestamp() - s.claimed_at)::float
                               WHEN NOT s.optional AND NOT s.divisible THEN s.estimate ELSE 0 END), 0))
      / nullif(sum(CASE WHEN s.state = 'running' THEN p.rate / 3600 ELSE 0 END), 0)
    FROM steps s LEFT JOIN workers w ON w.id = s.owner
      CROSS JOIN LATERAL (SELECT coalesce(w.price_per_hour, (jobs.rates->>s.queue)::float, 0) AS rate) p
    WHERE s.job = jobs.id AND s.queue <> 'io' AND s.state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')) END)
    AS seconds_left
""")


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What a heartbeat brings back."""

    intent: Intent
    halt: str | None
    seconds_left: float | None
    """Of the budget, for this step; None: no cap."""


def renew(session: Session, grip: Grip, lease: float) -> Pulse | None:
    """Extends the lease; None: the step is somebody else's, stop at once."""
    row = session.execute(HEARTBEAT, {"step": grip.step, "fence": grip.fence, "lease": lease}).one_or_none()
    if row is None:
        return None
    left = None if row.seconds_left is None else float(row.seconds_left)
    return Pulse(intent=Intent(row.intent), halt=row.halt, seconds_left=left)


def expired(dead: str | None = None) -> Select[str, str]:
    """(step, job) of leases that have run out, or that a worker held which is known to be gone."""
    over = or_(Step.lease < func.clock_timestamp(), Step.owner == dead) if dead else Step.lease < func.clock_timestamp()
    return select(Step.id, Step.job).where(Step.state == StepState.RUNNING, over).order_by(Step.lease)


def expire(session: Session, id: str, job_id: str, dead: str | None = None) -> set[str]:
    """Takes a step back from a worker that is gone: charged, fenced off, claimable again. Returns queues to ring."""
    job = jobs.lock(session, job_id)
    if job is None:
        return set()
    steps = steps_of.lock(session, job_id)
    if session.execute(expired(dead).where(Step.id == id)).one_or_none() is None:
        return set()
    step = next(step for step in steps if step.id == id)
    seconds = charge.book(session, job, step)
    purse.forfeit(session, step, job)
    step.fence += 1
    step.interruptions += 1
    wish = will(job, steps)
    if wish is Intent.CANCEL:
        move(session, job, step, StepState.CANCELLED)
    elif step.interruptions > BOUND:
        message = f"Interrupted {step.interruptions} times in a row without a checkpoint or an answer between."
        fail(session, job, step, Problem(code="interrupted", message=message))
    else:
        state = StepState.PAUSED if wish is Intent.PAUSE else StepState.READY
        move(session, job, step, state, "The worker is gone; the step will be resumed.", lost=True)
    queues = advance(session, job)
    share.add(session, job.project, step.queue, seconds)
    return queues
