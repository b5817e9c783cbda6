"""What is given up when a cap is reached or the user says `finish`: first baselines, then training time.

A baseline is worth something only at the student's own number of steps: it is trained to that number, or left out.
"""

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy.orm import Session

from models import event
from models.job import Intent, Job
from models.move import key_of, skip
from models.step import SETTLED, Step, StepState
from spec.params import ASKING
from spec.problem import Problem


class Halt(StrEnum):
    """Why a running step is asked to stop, besides the job's intent."""

    FINISH = "finish"  # deliver the best so far
    LEVEL = "level"  # a baseline: the student was cut, train to its number of steps


CAPS = {"budget": "the budget", "budget.hours": "the budget of hours", "budget.usd": "the budget of dollars"}
REASON = "ended_early"
FINISHED = Problem(code="finished_early", message="Left out: the job was asked to finish before this had begun.")


def capped(job: Job) -> str:
    """The field of the cap that was reached; `budget` where there are two."""
    return "budget.hours" if job.usd is None else "budget.usd" if job.hours is None else "budget"


def reason(job: Job, step: Step, reached: int | None, *, by_cap: bool) -> str:
    """Why a step ended early, in a sentence; its summary has it as REASON. `reached`: its last optimizer step; not `by_cap`: by `finish`."""
    if step.verb in ASKING:  # it uses no device's hours, and `finish` asks nothing of it
        return f"Asking was cut short by {CAPS['budget.usd']}."
    return f"Training was cut at step {reached} by {CAPS[capped(job)] if by_cap else 'finish'}."


def over_budget(job: Job) -> Problem:
    param = capped(job)
    return Problem(code="over_budget", message=f"Left out: {CAPS[param]} is used up.", param=param)


def student_of(steps: Mapping[str, Step]) -> Step | None:
    """The step that may be cut and must succeed; None in a job without training."""
    return next((step for step in steps.values() if step.verb == "train" and not step.optional), None)


def baselines_of(steps: Mapping[str, Step]) -> list[Step]:
    return [step for step in steps.values() if step.divisible and step.optional]


def shed(session: Session, job: Job, steps: Mapping[str, Step], reason: Problem) -> None:
    """Leaves out the baselines that no worker has begun, from the last listed."""
    for step in reversed(baselines_of(steps)):
        if step.state not in SETTLED and step.attempts == 0:
            skip(session, job, step, reason)


def finish(session: Session, job: Job, steps: Mapping[str, Step]) -> None:
    """What `finish` asks of the steps that a worker holds or nobody has begun; `hold` asks the others."""
    shed(session, job, steps, FINISHED)
    student = student_of(steps)
    if student is not None and student.state == StepState.RUNNING:
        student.halt = Halt.FINISH


def hold(session: Session, job: Job, steps: Mapping[str, Step]) -> None:
    """Training that is to be short stays so, whatever has become of the attempt that was asked to stop."""
    student = student_of(steps)
    if student is None:
        return
    if job.intent == Intent.FINISH and student.state in (StepState.READY, StepState.PAUSED) and student.checkpoints:
        # No child holds its weights: the next one resumes the checkpoint, which is where it stops.
        newest = int(student.checkpoints[0]["step"])
        train_to(student, min(newest, student.params.get("stop_step") or newest), steps)
    level(session, job, steps)


def level(session: Session, job: Job, steps: Mapping[str, Step]) -> None:
    """Brings the baselines to the number of steps at which the student ended, if it was cut short."""
    student = student_of(steps)
    if student is None or student.state != StepState.SUCCEEDED or not student.cut:
        return
    reached = int(student.summary["step"])
    for baseline in baselines_of(steps):
        if baseline.state == StepState.RUNNING:
            if baseline.params.get("stop_step") != reached:
                baseline.halt = Halt.LEVEL
        elif baseline.state == StepState.SUCCEEDED:
            _leave_out(session, job, steps, baseline, reached)
        elif baseline.state not in SETTLED:
            train_to(baseline, reached, steps)


def train_to(step: Step, number: int, steps: Mapping[str, Step]) -> None:
    """The step will stop at `number` of the same schedule, from the newest checkpoint that is not past it."""
    step.params = {**step.params, "stop_step": number}
    step.checkpoints = [checkpoint for checkpoint in step.checkpoints if checkpoint["step"] <= number]
    step.cut = not step.optional
    step.key = None if step.state == StepState.BLOCKED else key_of(step, steps)


def _leave_out(session: Session, job: Job, steps: Mapping[str, Step], baseline: Step, reached: int) -> None:
    """A finished baseline of another length is no baseline: nothing may read it."""
    if baseline.summary.get("step") == reached:
        return
    for step in steps.values():
        if baseline.name in step.wants.values():
            step.wants = {name: source for name, source in step.wants.items() if source != baseline.name}
            message = f"{baseline.name} is left out: it has more steps than the student, which ended at {reached}."
            baseline.error = warning = Problem(code="baseline_left_out", message=message).model_dump(exclude_none=True)
            if warning not in job.warnings:
                job.warnings = [*job.warnings, warning]
                event.append(session, job, "message", message, step=baseline.name, data={"level": "warning"})
