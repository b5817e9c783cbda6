"""Origins: the step that a cached step's outputs, log and metrics came from, however often they were taken over."""

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from models.step import Step


def of_job(job: str) -> Select[str, str, str, dict[str, str | int] | None]:
    """For each step of a job, in the order of the plan: its name, then job, name and log of the step that did the work.

    A step that did its own work is its own origin; one whose origin was deleted is left out.
    """
    chain = (
        select(Step.ordinal, Step.name.label("shown"), Step.id, Step.job, Step.name, Step.log, Step.cached_from)
        .where(Step.job == job)
        .cte("chain", recursive=True)
    )
    earlier = aliased(Step)
    chain = chain.union_all(
        select(
            chain.c.ordinal, chain.c.shown, earlier.id, earlier.job, earlier.name, earlier.log, earlier.cached_from
        ).join(earlier, earlier.id == chain.c.cached_from)
    )
    shown, source = chain.c.shown.label("name"), chain.c.name.label("source")
    return (
        select(shown, chain.c.job, source, chain.c.log).where(chain.c.cached_from.is_(None)).order_by(chain.c.ordinal)
    )
