"""Usage: sums over the ledger of charges."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.deps import Db, Reader
from api.pages import AskedPage, Paging, narrowed
from api.projects.routes import own
from api.usage.wire import Usage, UsageRow
from models import blob, usage

router = APIRouter(prefix="/v1/usage", tags=["usage"])

Grouping = Literal["job", "step", "endpoint", "day", "project"]
GROUPS = {
    "job": usage.JOB, "step": usage.STEP, "endpoint": usage.ENDPOINT, "day": usage.DAY, "project": usage.PROJECT,
}  # fmt: skip
SPENT = ("device_seconds", "usd", "calls", "input_tokens", "output_tokens", "cached_tokens")
UNTOLD = {"job": None, "name": None, "bytes_stored": None}


@router.get("", operation_id="get_usage")
async def get(
    caller: Reader,
    db: Db,
    asked: AskedPage,
    group_by: Annotated[Grouping, Query(description="What one row is about.")] = "job",
) -> Usage:
    """What the project has used: device seconds, calls, tokens, money, bytes; by job, step, endpoint or day. By project an administrator sees all, others the own one."""
    return await db(used, own(caller) if group_by == "project" else caller.project, group_by, asked)


def used(session: Session, project: str | None, group_by: Grouping, asked: Paging) -> Usage:
    """One page of rows, and the sums over all there are; `project` None: of all projects."""
    total = dict(zip(SPENT, session.execute(usage.total(project)).one(), strict=True))
    group = GROUPS[group_by]
    found = session.execute(narrowed(usage.by(group, project), group, asked)).all()
    rows = {id: dict(zip(SPENT, spent, strict=True)) for id, *spent in found[: asked.limit]}
    about = _about(session, group_by, list(rows))
    data = [UsageRow.model_validate({"id": id, **spent, **about.get(id, UNTOLD)}) for id, spent in rows.items()]
    return Usage.model_validate(
        {
            **total,
            "bytes_stored": session.scalars(blob.held_bytes(project)).one(),
            "data": data,
            "has_more": len(found) > asked.limit,
            "first_id": data[0].id if data else None,
            "last_id": data[-1].id if data else None,
        }
    )


def _about(session: Session, group_by: Grouping, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What ids of jobs, steps or projects stand for. The name of what was deleted is not known any more."""
    if group_by == "step":
        steps = session.execute(usage.of_steps(ids))
        return {id: UNTOLD | {"job": job, "name": name} for id, job, name in steps}
    if group_by == "job":
        names = dict(session.execute(usage.names_of_jobs(ids)).all())
        held = dict(session.execute(usage.held_by_jobs(ids)).all())
        return {id: UNTOLD | {"name": names.get(id), "bytes_stored": held.get(id, 0)} for id in ids}
    if group_by == "project":
        names = dict(session.execute(usage.names_of_projects(ids)).all())
        held = dict(session.execute(usage.held_by_projects(ids)).all())
        return {id: UNTOLD | {"name": names.get(id), "bytes_stored": held.get(id, 0)} for id in ids}
    return {}
