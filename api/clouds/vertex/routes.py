"""Tuning jobs, as a user of Vertex AI asks for them: `v1` or `v1beta1`. Whose they are says the key alone; project and location are a place of the user's own."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from api.clouds.vertex import service
from api.clouds.vertex.errors import RESPONSES
from api.clouds.vertex.wire import CancelledTuningJob, NewTuningJob, TuningJob, TuningJobList
from api.deps import Db, Reader, Ring, Writer
from api.pages import Paging

router = APIRouter(
    prefix="/{version}/projects/{project}/locations/{location}/tuningJobs", tags=["vertex"], responses=RESPONSES
)
Word = Annotated[str, Path(max_length=200)]


def below(version: Literal["v1", "v1beta1"], project: Word, location: Word) -> str:
    """The parent of a job; both versions have the same jobs."""
    return f"projects/{project}/locations/{location}"


def paging(
    limit: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 100,
    token: Annotated[str | None, Query(alias="pageToken", max_length=64)] = None,
) -> Paging:
    return Paging(limit=limit, after=token, order="desc")


Parent = Annotated[str, Depends(below)]


@router.post("", operation_id="create_tuning_job", response_model_exclude_none=True)
async def create(parent: Parent, body: NewTuningJob, caller: Writer, db: Db, ring: Ring) -> TuningJob:
    """Starts a distillation."""
    made, queues = await db(service.create, caller.project, parent, body)
    await ring.ring(queues)
    return made


@router.get("", operation_id="list_tuning_jobs", response_model_exclude_none=True)
async def list_jobs(parent: Parent, caller: Reader, db: Db, asked: Annotated[Paging, Depends(paging)]) -> TuningJobList:
    """Those of one parent, newest first."""
    return await db(service.listed, caller.project, parent, asked)


@router.get("/{job}", operation_id="get_tuning_job", response_model_exclude_none=True)
async def get(parent: Parent, job: str, caller: Reader, db: Db) -> TuningJob:
    """A tuning job: its state, why it failed or waits, and the student."""
    return await db(service.get, caller.project, parent, job)


@router.post("/{job}:cancel", operation_id="cancel_tuning_job")
async def cancel(parent: Parent, job: str, caller: Writer, db: Db, ring: Ring) -> CancelledTuningJob:
    """Cancels; no student is made."""
    cancelled, queues = await db(service.cancel, caller.project, parent, job)
    await ring.ring(queues)
    return cancelled
