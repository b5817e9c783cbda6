"""One move of one step, with its event. Who may make which is in `TRANSITIONS`, and a trigger of the database agrees."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from models import blob, event
from models import step as steps_of
from models.job import Intent, Job
from models.step import SETTLED, Step, StepState
from spec.answering import PREVIEW
from spec.digest import output_digest, serving_keys, step_key
from spec.problem import Problem


def will(job: Job, steps: Iterable[Step]) -> Intent:
    """What is wanted of the job's steps: its wish, but nothing more once it was refused or a required step has failed."""
    if job.error is not None or any(step.state == StepState.FAILED and not step.optional for step in steps):
        return Intent.CANCEL
    return job.wish


def move(session: Session, job: Job, step: Step, state: StepState, message: str = "", **data: Any) -> None:
    """Sets the step's state and writes the event. The caller holds the locks of the job and of the step."""
    step.state = state
    if state in SETTLED:
        step.finished_at = func.clock_timestamp()
    if state == StepState.SUCCEEDED and step.name == PREVIEW:
        job.paused_for = PREVIEW
    if state != StepState.RUNNING:
        step.owner = step.lease = step.claimed_at = step.halt = None
    event.append(session, job, "step", message, step=step.name, data={"state": state, "attempt": step.attempts, **data})


def skip(session: Session, job: Job, step: Step, reason: Problem) -> None:
    """An optional step that will not be: it counts as met, and the report gives the reason."""
    step.error = reason.model_dump(exclude_none=True)
    move(session, job, step, StepState.SKIPPED, reason.message, error=step.error)


def adopt(session: Session, job: Job, step: Step, steps: Mapping[str, Step]) -> bool:
    """Gives the step its key, and succeeds it with the outputs that already answer for it, at no cost. False if there are none."""
    keys = serving_keys(step, step.project, _read(step, steps))
    step.key = key_of(step, steps) if keys else None
    twin = session.scalars(steps_of.of_keys(step.project, keys)).one_or_none() if keys else None
    if twin is None or twin.id == step.id or not blob.pin(session, step.project, step.id, twin.outputs):
        return False
    step.outputs, step.facts, step.summary = twin.outputs, twin.facts, twin.summary
    step.cached_from = twin.id
    move(session, job, step, StepState.SUCCEEDED, cached_from=twin.id)
    return True


def key_of(step: Step, steps: Mapping[str, Step]) -> str:
    """The step's key, once what it needs has succeeded and what it wants is settled."""
    return step_key(step, step.project, _read(step, steps))


def _read(step: Step, steps: Mapping[str, Step]) -> dict[str, str]:
    """Input name to the digest of the outputs that are read under it."""
    sources = {name: steps[source] for name, source in {**step.needs, **step.wants}.items()}
    return {name: output_digest(made.outputs) for name, made in sources.items() if made.state == StepState.SUCCEEDED}


def fail(session: Session, job: Job, step: Step, error: Problem) -> None:
    """The end of a step, and of its job unless the step is optional."""
    step.error = error.model_dump(exclude_none=True)
    move(session, job, step, StepState.FAILED, error.message, error=step.error)
