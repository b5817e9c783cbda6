"""Model customization jobs, as boto3's unmodified `bedrock` client asks for them."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from api.clouds.bedrock import service
from api.clouds.bedrock.errors import RESPONSES
from api.clouds.bedrock.wire import (
    MadeModelCustomizationJob,
    ModelCustomizationJob,
    ModelCustomizationJobList,
    NewModelCustomizationJob,
    Status,
    StoppedModelCustomizationJob,
)
from api.deps import Db, Reader, Ring, Writer
from api.idempotency import Once
from api.pages import Paging

router = APIRouter(prefix="/model-customization-jobs", tags=["bedrock"], responses=RESPONSES)
ORDERS: dict[str, Literal["asc", "desc"]] = {"Ascending": "asc", "Descending": "desc"}


def filters(
    status_equals: Annotated[Status | None, Query(alias="statusEquals")] = None,
    name_contains: Annotated[str | None, Query(alias="nameContains", max_length=63)] = None,
    after: Annotated[datetime | None, Query(alias="creationTimeAfter")] = None,
    before: Annotated[datetime | None, Query(alias="creationTimeBefore")] = None,
) -> service.Filters:
    return service.Filters(status=status_equals, name=name_contains, after=after, before=before)


def paging(
    limit: Annotated[int, Query(alias="maxResults", ge=1, le=1000)] = 100,
    token: Annotated[str | None, Query(alias="nextToken", max_length=64)] = None,
    order: Annotated[Literal["Ascending", "Descending"], Query(alias="sortOrder")] = "Descending",
    by: Annotated[Literal["CreationTime"], Query(alias="sortBy", description="There is one order.")] = "CreationTime",
) -> Paging:
    return Paging(limit=limit, after=token, order=ORDERS[order])


@router.post("", operation_id="create_model_customization_job", status_code=201)
async def create(body: NewModelCustomizationJob, caller: Writer, db: Db, ring: Ring) -> MadeModelCustomizationJob:
    """CreateModelCustomizationJob: starts a distillation. `clientRequestToken` makes a retry safe."""
    token = body.clientRequestToken
    digest = hashlib.sha256(f"{router.prefix}\n{body.model_dump_json()}".encode()).hexdigest()
    once = Once(project=caller.project, key=f"bedrock:{token}" if token else None, digest=digest)
    made, queues = await once(db, MadeModelCustomizationJob, service.create, caller.project, body)
    await ring.ring(queues)
    return made


@router.get("", operation_id="list_model_customization_jobs", response_model_exclude_none=True)
async def list_jobs(
    caller: Reader,
    db: Db,
    narrowed: Annotated[service.Filters, Depends(filters)],
    asked: Annotated[Paging, Depends(paging)],
) -> ModelCustomizationJobList:
    """ListModelCustomizationJobs: those that were made here, newest first."""
    return await db(service.listed, caller.project, narrowed, asked)


@router.get("/{job}", operation_id="get_model_customization_job", response_model_exclude_none=True)
async def get(job: str, caller: Reader, db: Db) -> ModelCustomizationJob:
    """GetModelCustomizationJob: by id, or by name (the newest of that name)."""
    return await db(service.get, caller.project, job)


@router.post("/{job}/stop", operation_id="stop_model_customization_job")
async def stop(job: str, caller: Writer, db: Db, ring: Ring) -> StoppedModelCustomizationJob:
    """StopModelCustomizationJob: cancels; no student is made."""
    stopped, queues = await db(service.stop, caller.project, job)
    await ring.ring(queues)
    return stopped
