"""What can be read of a job's past: events, metrics, checkpoints, logs, answers, new texts, report."""

from collections import defaultdict
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from api.distillations.wire import Checkpoint, DistillationEvent, Metrics, Series
from api.errors import NotFound
from models import event as events
from models import job as jobs
from models import origin as origins
from models import step as steps
from models.event import Event
from models.job import ENDED, Job
from models.step import Step, StepState
from spec.nearest import suggestion
from spec.outcomes import ANSWERS, TEXTS


def get(session: Session, project: str, id: str) -> Job:
    """Raises NotFound."""
    job = session.scalar(jobs.one(project, id))
    if job is None:
        raise NotFound.of("distillation", id)
    return job


def after(session: Session, project: str, id: str, seq: int, limit: int) -> tuple[list[DistillationEvent], bool]:
    """Events past a number, and whether none can follow them. Raises NotFound."""
    job = get(session, project, id)  # read first: what an ended job has is visible to the next statement
    rows = session.scalars(events.after(id, seq).limit(limit)).all()
    last = rows[-1].seq if rows else seq
    return [DistillationEvent.of(row) for row in rows], job.state in ENDED and last >= job.last_seq


def metrics(session: Session, project: str, id: str) -> Metrics:
    """Every series of every step; those of a cached step are the ones of the run that made it. Raises NotFound."""
    get(session, project, id)
    shown: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for origin in session.execute(origins.of_job(id)):
        shown[origin.job, origin.source].append(origin.name)
    table: defaultdict[tuple[str, str], dict[int, float | None]] = defaultdict(dict)
    written = select(Event).where(Event.type == "metrics", tuple_(Event.job, Event.step).in_(list(shown)))
    for row in session.scalars(written.order_by(Event.job, Event.seq)):
        for name in shown[row.job, row.step or ""]:
            for series, value in row.data["series"].items():
                table[name, series][row.data["step"]] = value  # an attempt that went back overwrites
    data = [
        Series(step=step, name=series, at=sorted(points), values=[points[at] for at in sorted(points)])
        for (step, series), points in table.items()
    ]
    return Metrics(distillation=id, data=data)


def checkpoints(session: Session, project: str, id: str) -> list[Checkpoint]:
    """Those that are kept, newest first within a step. Raises NotFound."""
    get(session, project, id)
    return [
        Checkpoint(
            id=f"{row.name}/{held['step']}",
            step=row.name,
            step_number=held["step"],
            bytes=sum(file["bytes"] for file in held["files"].values()),
        )
        for row in session.scalars(steps.of_jobs([id]))
        for held in row.checkpoints
    ]


def logs(session: Session, project: str, id: str, step: str | None) -> list[tuple[str, dict[str, Any]]]:
    """Step name and log file `{digest, bytes}` of each step that has one. Raises NotFound (also `step_not_found`)."""
    get(session, project, id)
    found = session.execute(origins.of_job(id)).all()
    if step is not None and step not in {origin.name for origin in found}:
        hint = suggestion(step, [origin.name for origin in found]) or "No step is planned yet."
        raise NotFound(f"No step {step[:80]!r}.", code="step_not_found", param="step", hint=hint)
    return [(origin.name, origin.log) for origin in found if origin.log and step in (None, origin.name)]


def answers(session: Session, project: str, id: str) -> dict[str, Any]:
    """What was said of each row, by the last step that has ended of those that ask and filter; of a preview while there is no other.

    A file `{digest, bytes}`. Raises NotFound (also `not_asked`, `not_answered`).
    """
    return _told(session, project, id, ("answer", "keep"), ANSWERS)


def texts(session: Session, project: str, id: str) -> dict[str, Any]:
    """Every text that was written, a file `{digest, bytes}`. Raises NotFound (also `not_asked`, `not_answered`)."""
    return _told(session, project, id, ("synthesise",), TEXTS)


def _told(session: Session, project: str, id: str, verbs: tuple[str, ...], name: str) -> dict[str, Any]:
    """The output of this name that the last step of these verbs has left."""
    job = get(session, project, id)
    planned = session.scalars(steps.of_jobs([id])).all()
    asking = [step for step in planned if step.verb in verbs]
    what = "answers" if name == ANSWERS else "new texts"
    if planned and not asking:
        asks = {"answers": "a teacher behind an endpoint answers its rows", "new texts": "it says `data.synthesise`"}
        hint = f"A job has {what} where {asks[what]}."
        raise NotFound(f"Distillation {id} asks no endpoint for {what}.", code="not_asked", hint=hint)
    made: list[dict[str, Any]] = [step.outputs[name] for step in asking if step.state == StepState.SUCCEEDED]
    if not made:
        hint = "They are there once the step that asks has ended well; the events of one that failed show some."
        raise NotFound(f"Distillation {id} is {job.state} and has no {what}.", code="not_answered", hint=hint)
    return made[-1]


def report(session: Session, project: str, id: str, name: str) -> dict[str, Any]:
    """A file of the report, `{digest, bytes}`. Raises NotFound (also `report_not_ready`)."""
    job = get(session, project, id)
    made = select(Step).where(Step.job == id, Step.verb == "package", Step.state == StepState.SUCCEEDED)
    step = session.scalar(made)
    if step is None:
        raise NotFound(
            f"Distillation {id} is {job.state} and has no report.",
            code="report_not_ready",
            hint="It is written by the last step, `package`.",
        )
    found: dict[str, Any] = step.outputs[name]
    return found
