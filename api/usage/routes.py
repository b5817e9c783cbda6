"""Usage: sums over the ledger of charges."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.deps import Db, Reader
from api.pages import AskedPage, Paging, narrowed
from api.usage.wire import Usage, UsageRow
from models import blob, usage

router = APIRouter(prefix="/v1/usage", tags=["usage"])

Grouping = Literal["job", "step", "endpoint", "day"]
GROUPS = {"job": usage.JOB, "step": usage.STEP, "endpoint": usage.ENDPOINT, "day": usage.DAY}
SPENT = ("device_seconds", "usd", "calls", "input_tokens", "output_tokens", "cached_tokens")


@router.get("", operation_id="get_usage")
async def get(
    caller: Reader,
    db: Db,
    asked: AskedPage,
    group_by: Annotated[Grouping, Query(description="What one row is about.")] = "job",
) -> Usage:
    """What the project has used: device seconds, calls, tokens, money, bytes; by job, step, endpoint or day."""
    return await db(used, caller.project, group_by, asked)


def used(session: Session, project: str, group_by: Grouping, asked: Paging) -> Usage:
    """One page of rows, and the sums over all there are."""
    total = dict(zip(SPENT, session.execute(usage.total(project)).one(), strict=True))
    group = GROUPS[group_by]
    found = session.execute(narrowed(usage.by(group, project), group, asked)).all()
    data = [
        UsageRow.model_validate({"id": id, "bytes_stored": None, **dict(zip(SPENT, spent, strict=True))})
        for id, *spent in found[: asked.limit]
    ]
    if group_by == "job":
        held = dict(session.execute(usage.held_by_jobs([row.id for row in data])).tuples().all())
        data = [row.model_copy(update={"bytes_stored": held.get(row.id, 0)}) for row in data]
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
