"""`advance`: what can move moves, and the job's state is folded from its steps. The only place that folds."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func
from sqlalchemy.orm import Session

from models import blob, cut, event, postage, subject
from models import step as steps_of
from models.job import ENDED, Intent, Job, JobState
from models.move import adopt, move, will
from models.step import SETTLED, Step, StepState
from spec.problem import Problem


def advance(session: Session, job: Job) -> set[str]:
    """Moves the job's steps as far as they go without a worker. The caller holds the job's lock.

    Returns the queues in which a step of the job is now ready: ring them after the commit.
    """
    steps = {step.name: step for step in steps_of.lock(session, job.id)}
    cut.hold(session, job, steps)
    while any(_settle(session, job, step, steps) for step in steps.values()):
        pass
    _fold(session, job, list(steps.values()))
    return {step.queue for step in steps.values() if step.state == StepState.READY}


def _settle(session: Session, job: Job, step: Step, steps: Mapping[str, Step]) -> bool:
    """One move of one step that no worker holds; False if there is none to make."""
    wish = will(job, steps.values())
    match step.state:
        case StepState.BLOCKED | StepState.READY | StepState.PAUSED if wish is Intent.CANCEL:
            move(session, job, step, StepState.CANCELLED)
        case StepState.READY if wish is Intent.PAUSE:
            move(session, job, step, StepState.PAUSED)
        case StepState.PAUSED if wish is not Intent.PAUSE:
            step.not_before = None
            move(session, job, step, StepState.READY)
        case StepState.BLOCKED:
            return _unblock(session, job, step, steps, wish)
        case _:
            return False
    return True


def _unblock(session: Session, job: Job, step: Step, steps: Mapping[str, Step], wish: Intent) -> bool:
    needs = [steps[name] for name in step.needs.values()]
    if any(need.state in SETTLED and need.state != StepState.SUCCEEDED for need in needs):
        move(session, job, step, StepState.SKIPPED if step.optional else StepState.CANCELLED)
        return True
    before = [*needs, *(steps[name] for name in (*step.wants.values(), *step.after))]
    if any(other.state not in SETTLED for other in before):
        return False
    if not adopt(session, job, step, steps):
        move(session, job, step, StepState.PAUSED if wish is Intent.PAUSE else StepState.READY)
    return True


def _fold(session: Session, job: Job, steps: Sequence[Step]) -> None:
    state = folded(job, steps)
    if state == job.state:
        return
    job.state = state
    if job.started_at is None and any(step.attempts for step in steps):
        job.started_at = func.clock_timestamp()
    if state in ENDED:
        job.finished_at = func.clock_timestamp()
        if state == JobState.FAILED and job.error is None:
            job.error = _blamed(steps).model_dump(exclude_none=True)
        postage.leave(session, job)
        subject.settle(session, job, steps)
        for step in steps:
            kept = [*step.outputs.values(), *(f for c in step.checkpoints for f in c["files"].values())]
            blob.release(session, step.id, besides={file["digest"] for file in [*kept, *filter(None, [step.log])]})
    message = job.error["message"] if state == JobState.FAILED and job.error else ""
    event.append(session, job, "job", message, data={"state": state})


def folded(job: Job, steps: Sequence[Step]) -> JobState:
    """The job's state: a pure function of its steps, its intent and the refusal of its spec."""
    running = any(step.state == StepState.RUNNING for step in steps)
    if all(step.state in SETTLED for step in steps):
        if job.intent == Intent.CANCEL:
            return JobState.CANCELLED
        if job.error is not None or any(step.state not in _MET and not step.optional for step in steps):
            return JobState.FAILED
        if steps:
            return JobState.SUCCEEDED
    if job.wish is Intent.PAUSE and not running:
        return JobState.PAUSED
    return JobState.RUNNING if any(step.attempts for step in steps) else JobState.QUEUED


_MET = (StepState.SUCCEEDED, StepState.SKIPPED)


def _blamed(steps: Sequence[Step]) -> Problem:
    """Why the job failed: the first required step that did."""
    errors = [step.error for step in steps if step.state == StepState.FAILED and not step.optional]
    told = next(filter(None, errors), None)
    return Problem.model_validate(told) if told else Problem(code="internal", message="A step could not be begun.")
