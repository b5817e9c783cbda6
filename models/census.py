"""How many of what there is, over all projects: what an operator watches."""

from datetime import timedelta

from sqlalchemy import Select, func, select

from models.job import Job
from models.step import Step, StepState
from models.worker import Worker


def jobs() -> Select[str, str, int]:
    """Jobs by kind and state."""
    return select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state)


def steps() -> Select[str, str, int]:
    """Steps that wait for a worker or have one, by queue and state."""
    live = Step.state.in_((StepState.READY, StepState.RUNNING))
    return select(Step.queue, Step.state, func.count()).where(live).group_by(Step.queue, Step.state)


def workers(lease: timedelta) -> Select[int]:
    """Workers that were heard of within a lease."""
    return select(func.count()).where(Worker.last_seen > func.now() - lease)
