"""The end of a step: one transaction, guarded by the fence, decided by what the user wants at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from models import blob, charge, cut, event, month, purse, share
from models import job as jobs
from models import step as steps_of
from models.admission import recount
from models.advance import advance
from models.claim import Grip
from models.job import Intent, Job
from models.lease import BOUND
from models.move import fail, move, skip, will
from models.step import Step, StepState
from spec.answering import PREVIEW
from spec.params import ASKING, PASS
from spec.problem import Problem
from spec.run import Result

DISK_FULL = "disk_full"
PAUSING = {
    DISK_FULL: "Paused: the disk is full.",
    "endpoint_refuses": "Paused: the endpoint refuses every call.",
    "endpoint_failing": "Paused: most calls to the endpoint fail.",
    "endpoint_key": "Paused: the endpoint's key cannot be opened here.",
    "bill_exceeded": "Paused: a call was billed higher than it could be.",
    month.MONTH_CAP: "Paused: the project's cap of this month forbids further calls.",
}
"""Failures that the job waits out instead of failing, and nobody counts. A full disk and a month's money are watched; the others wait for `resume`."""
HALVING = ("score", "train")  # verbs that need less memory where a pass has fewer rows
AGAIN = 2  # attempts of the others, which need the same each time


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a worker knows of the end of a step: verified, hashed, and in storage."""

    result: Result
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: dict[str, Any] | None = None
    over_budget: bool = False
    """The worker asked the child to stop because the cap was reached."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long failures are met with another attempt."""

    max_attempts: int
    backoff: float = 5.0
    """Seconds before the second attempt; doubled for each further one."""


def finish(session: Session, grip: Grip, outcome: Outcome, patience: Patience) -> set[str]:
    """Writes the end of an attempt. Returns queues to ring; nothing happens if the step is not ours any more.

    Safe to repeat when a commit's reply was lost: the step has then left `running` under this fence.
    """
    job = jobs.lock(session, grip.job)
    steps = {step.name: step for step in steps_of.lock(session, grip.job)} if job else {}
    step = steps.get(grip.name)
    if job is None or step is None or step.fence != grip.fence or step.state != StepState.RUNNING:
        return set()
    seconds = charge.book(session, job, step)
    purse.forfeit(session, step, job)
    step.log = outcome.log or step.log
    kept = outcome.outputs | ({"log.txt": outcome.log} if outcome.log else {})
    blob.keep(session, job.project, step.id, kept)
    _decide(session, job, step, steps, outcome, patience)
    queues = advance(session, job)
    share.add(session, job.project, step.queue, seconds)
    return queues


def _decide(
    session: Session, job: Job, step: Step, steps: Mapping[str, Step], outcome: Outcome, patience: Patience
) -> None:
    wish = will(job, steps.values())
    if outcome.result.status == "succeeded":
        _deliver(session, job, step, outcome)
    elif wish is Intent.CANCEL:
        move(session, job, step, StepState.CANCELLED)
    elif outcome.result.status == "stopped":
        _stopped(session, job, step, steps, outcome)
    else:
        _failed(session, job, step, outcome.result, patience, wish)


def _deliver(session: Session, job: Job, step: Step, outcome: Outcome) -> None:
    result = outcome.result
    early = cut.reason(job, step, result.step, by_cap=outcome.over_budget) if step.cut else None
    step.outputs, step.facts = outcome.outputs, result.facts
    step.summary = {**result.summary, "step": result.step, "imports": result.imports}
    if early is not None:
        step.summary[cut.REASON] = early
    step.error = None
    if result.passing:
        step.key = None
        message = f"{result.passing:,} calls failed for reasons that may pass: a later job makes them again."
        event.append(session, job, "message", message, step=step.name, data={"level": "warning"})
    move(session, job, step, StepState.SUCCEEDED, seconds=round(step.seconds, 3), cut=step.cut)
    if step.name == PREVIEW:
        recount(session, job)
    if early is not None:
        event.append(session, job, "message", early, step=step.name, data={"level": "warning"})


def _stopped(session: Session, job: Job, step: Step, steps: Mapping[str, Step], outcome: Outcome) -> None:
    """The child stopped when it was asked to: what that means depends on why."""
    shortened = step.divisible and (outcome.over_budget or step.halt == cut.Halt.FINISH)
    if shortened and step.optional:
        skip(session, job, step, cut.over_budget(job))
    elif shortened and outcome.outputs:
        step.cut = True
        _deliver(session, job, step, outcome)
        if outcome.over_budget and step.verb not in ASKING:
            cut.shed(session, job, steps, cut.over_budget(job))
    else:
        move(session, job, step, StepState.PAUSED if job.wish is Intent.PAUSE else StepState.READY)


def _failed(session: Session, job: Job, step: Step, result: Result, patience: Patience, wish: Intent) -> None:
    """Another attempt, by class of the failure, or the end."""
    error = result.error or Problem(code="internal", message="The step failed and did not say why.")
    last = result.retry == "never"
    wait = 0.0
    if result.retry == "memory" and step.verb in HALVING:
        step.micro_batch = (step.micro_batch or step.params.get("batch_size") or PASS) // 2
        last = step.micro_batch < 1
    elif result.retry == "infrastructure":
        # What a job waits out is nobody's interruption, however often.
        step.interruptions += error.code not in PAUSING
        last = step.interruptions > BOUND
        wait = min(1.0 * step.interruptions, 30.0)
    elif result.retry == "memory":
        step.failures += 1
        last = step.failures >= min(AGAIN, patience.max_attempts)
    elif result.retry == "unknown":
        step.failures += 1
        last = step.failures >= patience.max_attempts
        wait = patience.backoff * 2 ** (step.failures - 1)
    if last:
        for further in result.summary.get("problems", [])[1:]:
            event.append(
                session, job, "message", str(further["message"]), step=step.name, data={"level": "error", **further}
            )
        step.summary = result.summary
        fail(session, job, step, error)
        return
    if error.code in PAUSING and wish is not Intent.PAUSE:
        job.paused_for, wish = error.code, Intent.PAUSE
        why = month.why(session, job) if error.code == month.MONTH_CAP else None
        words = f"Paused: {why}" if why else PAUSING[error.code]
        event.append(session, job, "message", words, step=step.name, data={"level": "error"})
    step.not_before = func.clock_timestamp() + timedelta(seconds=wait)
    state = StepState.PAUSED if wish is Intent.PAUSE else StepState.READY
    move(session, job, step, state, error.message, error=error.model_dump(exclude_none=True))
