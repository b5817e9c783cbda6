"""Workers: what a waiting job could run on."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter

from api.deps import Config, Db, Reader
from api.pages import AskedPage, Page, cut, page
from api.workers.wire import Worker
from models import worker as workers

router = APIRouter(prefix="/v1/workers", tags=["workers"])


@router.get("", operation_id="list_workers")
async def list_workers(_: Reader, db: Db, config: Config, asked: AskedPage) -> Page[Worker]:
    """Workers that are, or were, connected to this installation, whatever the project."""
    part = await db(cut, workers.everyone(), workers.Worker.id, asked)
    since = datetime.now(UTC) - timedelta(seconds=config.lease_seconds)
    return page(Page[Worker], [Worker.of(row, since) for row in part.rows], part.has_more)
