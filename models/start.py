"""The start of a claimed step: asked again under the job's lock whether it is still wanted, and still unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from models import job as jobs
from models import lease, rate
from models import step as steps_of
from models.advance import advance
from models.claim import Grip
from models.cut import over_budget
from models.job import Intent, Job
from models.move import adopt, move, skip, will
from models.step import Step, StepState
from models.told import told


@dataclass(frozen=True, kw_only=True)
class Work:
    """All that a worker must know to run a step without looking into the database again."""

    grip: Grip
    project: str
    verb: str
    queue: str
    optional: bool
    divisible: bool
    params: dict[str, Any]
    files: dict[str, dict[str, Any]]
    """`<input name>/<path>` to {digest, bytes}, of the plan's files and of earlier steps' outputs."""
    checkpoints: list[dict[str, Any]]
    """Newest first: {path, step, files}."""
    micro_batch: int | None
    context: dict[str, Any]
    seconds_left: float | None


def start(session: Session, grip: Grip, lease_seconds: float) -> tuple[Work | None, set[str]]:
    """The work of a claimed step; None if there is none to do after all. And the queues to ring."""
    job = jobs.lock(session, grip.job)
    if job is None:
        return None, set()
    if job.usd is not None:
        rate.learn(session, job)
    steps = {step.name: step for step in steps_of.lock(session, job.id)}
    step = steps.get(grip.name)
    pulse = lease.renew(session, grip, lease_seconds)
    if step is None or pulse is None:
        return None, set()
    if not _go(session, job, step, steps, pulse.seconds_left):
        return None, advance(session, job)
    step.started_at = step.started_at or step.claimed_at
    move(session, job, step, StepState.RUNNING)
    queues = advance(session, job)
    return _work(session, grip, job, step, steps, pulse.seconds_left), queues


def _go(session: Session, job: Job, step: Step, steps: Mapping[str, Step], seconds_left: float | None) -> bool:
    """Whether the step is to run. If not, it has moved on."""
    wish = will(job, steps.values())
    if wish in (Intent.PAUSE, Intent.CANCEL):
        move(session, job, step, StepState.PAUSED if wish is Intent.PAUSE else StepState.CANCELLED)
        return False
    if adopt(session, job, step, steps):
        return False
    if step.optional and seconds_left is not None and seconds_left <= 0:
        skip(session, job, step, over_budget(job))
        return False
    return True


def _work(
    session: Session, grip: Grip, job: Job, step: Step, steps: Mapping[str, Step], seconds_left: float | None
) -> Work:
    files = dict(step.inputs)
    for name, source in {**step.needs, **step.wants}.items():
        files |= {f"{name}/{path}": file for path, file in steps[source].outputs.items()}
    return Work(
        grip=grip,
        project=job.project,
        verb=step.verb,
        queue=step.queue,
        optional=step.optional,
        divisible=step.divisible,
        params=step.params,
        files=files,
        checkpoints=list(step.checkpoints),
        micro_batch=step.micro_batch,
        context={**step.context, **told(session, job, list(steps.values()))},
        seconds_left=seconds_left,
    )
