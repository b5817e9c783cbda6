"""A job as it is shown: its row, its steps, what it waits for, what it cost, what came of it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from api.distillations.waiting import why
from api.distillations.wire import DistillationJob, DistillationStep
from models import charge as charges
from models import step as steps_of
from models.job import Job
from models.model import Model
from models.step import Step, StepState

SHOWN = load_only(
    Step.job, Step.ordinal, Step.name, Step.verb, Step.queue, Step.optional, Step.state, Step.attempts, Step.seconds,
    Step.cached_from, Step.cut, Step.progress, Step.error, Step.started_at, Step.finished_at, Step.memory, Step.summary,
    raiseload=True,
)  # fmt: skip


def show(session: Session, job: Job, fresh: float) -> DistillationJob:
    """One job, with its place in the line. A worker that was not seen for `fresh` seconds is not connected."""
    (shown,) = show_all(session, [job])
    steps = list(session.scalars(steps_of.of_jobs([job.id]).options(SHOWN)))
    return shown.model_copy(update={"waiting": why(session, job, steps, fresh)})


def show_all(session: Session, jobs: Sequence[Job]) -> list[DistillationJob]:
    """Many jobs in three statements; what they wait for is told without a place in the line."""
    ids = [job.id for job in jobs]
    steps: defaultdict[str, list[Step]] = defaultdict(list)
    for step in session.scalars(steps_of.of_jobs(ids).options(SHOWN)):
        steps[step.job].append(step)
    used = {job: (seconds, usd) for job, seconds, usd in session.execute(charges.by_job(ids))}
    students = set(session.scalars(select(Model.id).where(Model.id.in_([job.subject for job in jobs]))))
    return [_shown(job, steps[job.id], used.get(job.id, (0.0, 0.0)), job.subject in students) for job in jobs]


def _shown(job: Job, steps: Sequence[Step], used: tuple[float, float], student: bool) -> DistillationJob:
    return DistillationJob.model_validate(
        {
            "id": job.id,
            "name": job.name,
            "state": job.state,
            "intent": job.intent,
            "created_at": int(job.created_at.timestamp()),
            "started_at": job.started_at and int(job.started_at.timestamp()),
            "finished_at": job.finished_at and int(job.finished_at.timestamp()),
            "spec": job.resolved or job.spec,
            "resolved": job.resolved is not None,
            "student": {"model": job.subject if student else None},
            "steps": [DistillationStep.of(step) for step in steps],
            "waiting": why(None, job, steps, 0.0),
            "error": job.error,
            "problems": job.problems,
            "warnings": job.warnings,
            "estimate": job.estimate,
            "result": _result(steps),
            "metadata": job.metadata_,
            "usage": {"device_seconds": round(used[0], 3), "usd": round(used[1], 6)},
        }
    )


def _result(steps: Sequence[Step]) -> dict[str, Any] | None:
    packaged = (step.summary for step in steps if step.verb == "package" and step.state == StepState.SUCCEEDED)
    return next(packaged, None)
