"""What a running child tells: events, progress and checkpoints, each written once under the fence."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import blob, event
from models import job as jobs
from models.claim import Grip
from models.event import Line
from models.job import Job
from models.step import Step, StepState

KEPT = 2  # checkpoints of a step


def write(session: Session, grip: Grip, lines: Sequence[tuple[int, Line]]) -> bool:
    """Writes events of the child by its own numbers; those already taken are left out. False: the step is lost."""
    held = _hold(session, grip)
    if held is None:
        return False
    job, step = held
    fresh = [(n, line) for n, line in lines if n > step.tailed]
    if fresh:
        event.extend(session, job, [line for _, line in fresh])
        step.tailed = fresh[-1][0]
    return True


def say(session: Session, grip: Grip, text: str) -> None:
    """A message of the worker itself, beside what its child tells."""
    if (held := _hold(session, grip)) is not None:
        job, step = held
        event.append(session, job, "message", text, step=step.name, data={"level": "info"})


def progress(session: Session, grip: Grip, data: dict[str, Any]) -> None:
    """Shows how far the child is: the step's row alone, no event."""
    mine = (Step.id == grip.step, Step.fence == grip.fence, Step.state == StepState.RUNNING)
    session.execute(update(Step).where(*mine).values(progress=data), execution_options={"synchronize_session": False})


def checkpoint(
    session: Session, grip: Grip, path: str, number: int, files: dict[str, Any], log: dict[str, Any] | None = None
) -> bool:
    """Points to a checkpoint whose files are in storage: from now on it counts. `log`: what the attempt has said so far. False: the step is lost."""
    held = _hold(session, grip)
    if held is None:
        return False
    job, step = held
    older = [other for other in step.checkpoints if other["path"] != path]
    step.checkpoints = [{"path": path, "step": number, "files": files}, *older][:KEPT]
    step.interruptions = 0
    step.log = log or step.log
    blob.keep(session, job.project, step.id, files | ({"log.txt": log} if log else {}))
    needed = [*step.inputs.values(), *(file for kept in step.checkpoints for file in kept["files"].values())]
    blob.release(session, step.id, besides={file["digest"] for file in [*needed, *filter(None, [step.log])]})
    event.append(session, job, "checkpoint", "", step=step.name, data={"step": number})
    return True


def answered(session: Session, grip: Grip) -> None:
    """Answers are about to be kept: like a checkpoint, they are what interruptions before them did not take. Before all other locks."""
    counted = session.scalar(select(Step.interruptions).where(Step.id == grip.step))
    if counted and (held := _hold(session, grip)) is not None:
        held[1].interruptions = 0


def _hold(session: Session, grip: Grip) -> tuple[Job, Step] | None:
    job = jobs.lock(session, grip.job)
    if job is None:
        return None
    step = session.get(Step, grip.step, with_for_update={"key_share": True}, populate_existing=True)
    if step is None or step.fence != grip.fence or step.state != StepState.RUNNING:
        return None
    return job, step
