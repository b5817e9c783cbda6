"""Usage: sums over what was charged and what is held."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Double, Numeric, Select, cast, func, select

from models.blob import Blob, Ref
from models.charge import Charge
from models.job import Job
from models.project import Project
from models.step import Step

JOB: ColumnElement[str] = Charge.job.expression
PROJECT: ColumnElement[str] = Charge.project.expression
DAY: ColumnElement[str] = Charge.day.expression
ENDPOINT: ColumnElement[str] = Charge.endpoint.expression
STEP: ColumnElement[str] = Charge.step.expression


def _sum(column: ColumnElement[float]) -> ColumnElement[float]:
    """To the millionth: the last bits of a sum of floats hang on its order, which no two queries share."""
    return cast(func.round(cast(func.coalesce(func.sum(column), 0.0), Numeric), 6), Double)


SECONDS = _sum(Charge.seconds.expression)
USD = _sum(Charge.usd.expression)

CALLS: ColumnElement[int] = func.coalesce(func.sum(Charge.calls), 0)
INPUT: ColumnElement[int] = func.coalesce(func.sum(Charge.input_tokens), 0)
OUTPUT: ColumnElement[int] = func.coalesce(func.sum(Charge.output_tokens), 0)
CACHED: ColumnElement[int] = func.coalesce(func.sum(Charge.cached_tokens), 0)


def total(project: str | None) -> Select[float, float, int, int, int, int]:
    """Device seconds, dollars, calls, and tokens in, out and cached of a project, or of all (None)."""
    return select(SECONDS, USD, CALLS, INPUT, OUTPUT, CACHED).where(*_of(project))


def by(group: ColumnElement[str], project: str | None) -> Select[str, float, float, int, int, int, int]:
    """The same by `JOB` or `STEP` (probes, which belong to none, left out), `ENDPOINT` (what is of no endpoint left out), `DAY` or `PROJECT`."""
    sums = select(group, SECONDS, USD, CALLS, INPUT, OUTPUT, CACHED)
    named = JOB if group is STEP else group
    return sums.where(*_of(project), named != "").group_by(group)


def _of(project: str | None) -> list[ColumnElement[bool]]:
    return [] if project is None else [Charge.project == project]


def of_steps(steps: Sequence[str]) -> Select[str, str, str | None]:
    """(id, job, name) of steps that were charged. The caller knows whose steps they are."""
    told = select(STEP, func.max(JOB), func.max(Step.name)).outerjoin(Step, Step.id == STEP)
    return told.where(STEP.in_(steps)).group_by(STEP)


def names_of_jobs(jobs: Sequence[str]) -> Select[str, str]:
    """The caller knows whose jobs they are."""
    return select(Job.id, Job.name).where(Job.id.in_(jobs))


def names_of_projects(projects: Sequence[str]) -> Select[str, str]:
    """The caller may see them."""
    return select(Project.id, Project.name).where(Project.id.in_(projects))


def held_by_projects(projects: Sequence[str]) -> Select[str, int]:
    """Bytes that each project holds, each content counted once a project. The caller may see them."""
    held = select(Ref.project, Ref.digest, Blob.bytes).distinct().join(Blob, Blob.digest == Ref.digest)
    each = held.where(Ref.project.in_(projects)).subquery()
    return select(each.c.project, cast(func.sum(each.c.bytes), BigInteger)).group_by(each.c.project)


def held_by_jobs(jobs: Sequence[str]) -> Select[str, int]:
    """Bytes that the steps of each job hold, each content counted once a job. The caller knows whose jobs they are."""
    held = select(Step.job, Ref.digest, Blob.bytes).distinct()
    held = held.join(Ref, Ref.owner == Step.id).join(Blob, Blob.digest == Ref.digest).where(Step.job.in_(jobs))
    each = held.subquery()
    return select(each.c.job, cast(func.sum(each.c.bytes), BigInteger)).group_by(each.c.job)
