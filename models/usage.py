"""Usage: sums over what was charged and what is held."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select

from models.blob import Blob, Ref
from models.charge import Charge
from models.step import Step

JOB: ColumnElement[str] = Charge.job.expression
DAY: ColumnElement[str] = func.to_char(func.timezone("UTC", Charge.created_at), "YYYY-MM-DD")
SECONDS: ColumnElement[float] = func.coalesce(func.sum(Charge.seconds), 0.0)
USD: ColumnElement[float] = func.coalesce(func.sum(Charge.usd), 0.0)


def total(project: str) -> Select[float, float]:
    """Device seconds and dollars of a project."""
    return select(SECONDS, USD).where(Charge.project == project)


def by(group: ColumnElement[str], project: str) -> Select[str, float, float]:
    """The same by `JOB` or `DAY`."""
    return select(group, SECONDS, USD).where(Charge.project == project).group_by(group)


def held_by_jobs(jobs: Sequence[str]) -> Select[str, int]:
    """Bytes that the steps of each job hold, each content counted once a job. The caller knows whose jobs they are."""
    held = select(Step.job, Ref.digest, Blob.bytes).distinct()
    held = held.join(Ref, Ref.owner == Step.id).join(Blob, Blob.digest == Ref.digest).where(Step.job.in_(jobs))
    each = held.subquery()
    return select(each.c.job, cast(func.sum(each.c.bytes), BigInteger)).group_by(each.c.job)
