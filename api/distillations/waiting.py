"""Why nothing of a job runs at the moment."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from api.distillations.wire import Waiting
from models import month
from models import step as steps_of
from models.job import ENDED, Job, JobState
from models.step import Step, StepState
from models.worker import largest
from spec.waiting import PAIR

PAUSED = {
    None: "Paused, as asked: `resume` goes on.",
    "disk_full": "Paused because a disk is full: it goes on by itself once there is room.",
    "endpoint_refuses": "Paused because the endpoint refuses every call: mend its key or URL (PATCH it), or its credit, then `resume`.",
    "endpoint_failing": "Paused because most calls to the endpoint fail: `resume` tries again.",
    "endpoint_key": "Paused because no worker can open the endpoint's key: PATCH it with its key, then `resume`.",
    "bill_exceeded": "Paused because a call was billed higher than it could be: look at the endpoint's price, and probe the model anew, then `resume`.",
    "preview": "Paused after its preview, for you to look at the first answers: `resume` goes on, `cancel` ends it.",
    month.MONTH_CAP: "Paused because the project's cap of this month forbids further calls; the events say why: `resume` once it does not.",
}
INSPECTOR = "cpu"  # the queue of inspections


def why(session: Session | None, job: Job, steps: Sequence[Step], fresh: float) -> Waiting | None:
    """None if something runs or the job has ended. Without a session, workers and the line are not looked at."""
    if job.state in ENDED or any(step.state == StepState.RUNNING for step in steps):
        return None
    if job.state == JobState.PAUSED:
        reason = PAUSED.get(job.paused_for, f"Paused: {job.paused_for}.")
        if session is not None and job.paused_for == month.MONTH_CAP and (why := month.why(session, job)):
            reason = f"Paused: {why}"
        return Waiting(code="paused", reason=reason)
    if job.waiting_for:
        return for_facts(session, job.waiting_for, fresh)
    ready = next((step for step in steps if step.state == StepState.READY), None)
    return _for_worker(session, ready, fresh) if ready is not None else None


def _for_worker(session: Session | None, ready: Step, fresh: float) -> Waiting:
    lack = _lack(session, ready.queue, ready.memory, fresh) if session else None
    if lack is not None:
        return Waiting(code="no_worker", reason=f"Step {ready.name} is ready, but {lack}.")
    pause = session.scalar(steps_of.pause(ready.id)) if session else None
    if pause is not None:
        reason = f"Step {ready.name} was interrupted, and is tried again in {pause:.0f} s."
        return Waiting(code="retry", reason=reason)
    twin = session.scalar(steps_of.twin(ready.id)) if session else None
    if twin is not None:
        reason = f"Step {ready.name} waits for {twin}, which is doing the same: it takes what comes of it."
        return Waiting(code="twin", reason=reason, ids=[twin])
    position = (session.scalar(steps_of.ahead(ready.id, ready.queue)) or 0) + 1 if session else None
    place = f", at about position {position}" if position else ""
    return Waiting(
        code="turn", reason=f"Step {ready.name} waits for its turn in queue {ready.queue}{place}.", position=position
    )


def for_facts(session: Session | None, missing: Sequence[str], fresh: float) -> Waiting:
    """What is still being inspected or compared, as `spec.waiting.waiting` names it."""
    ids = [id for id in missing if not id.startswith(PAIR)]
    awaited = [f"the inspection of {id}" for id in ids]
    if len(ids) < len(missing):
        awaited.append("the comparison of its sets of rows")
    lack = _lack(session, INSPECTOR, 0, fresh) if session else None
    reason = f"Waits for {', '.join(awaited)}" + (f", but {lack}." if lack else ".")
    return Waiting(code="no_worker" if lack else "facts", reason=reason, ids=ids)


def _lack(session: Session, queue: str, memory: int, fresh: float) -> str | None:
    """What no connected worker has; None if one can do it."""
    best = largest(session, queue, timedelta(seconds=fresh))
    if best is None:
        return f"no connected worker does steps of queue {queue}"
    if not best.trusted:
        return f"no connected worker that does steps of queue {queue} can make a sandbox"
    if best.memory < memory:
        most = best.memory / 1e9
        return f"no connected worker has the {memory / 1e9:.1f} GB that it needs (the largest: {most:.1f} GB)"
    return None
