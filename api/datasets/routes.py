"""Datasets: make, list, look at, read, delete."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from api.content import content
from api.datasets import service
from api.datasets.wire import Dataset, DatasetDeleted, NewDataset, Preview
from api.deps import Db, Reader, Ring, Store, Writer
from api.idempotency import OnlyOnce
from api.pages import AskedPage, Page, cut, page
from models import dataset as datasets
from spec.run import PREVIEW

ARROW = "application/vnd.apache.arrow.file"
BYTES: dict[str, Any] = {ARROW: {"schema": {"type": "string", "format": "binary"}}}
Split = Annotated[str | None, Query(max_length=64, description="Without one: train, else the first.")]

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])


@router.post("", operation_id="create_dataset", status_code=201)
async def create(body: NewDataset, caller: Writer, db: Db, ring: Ring, once: OnlyOnce) -> Dataset:
    """Makes a dataset from uploaded files. It is `processing` until an inspection has read them."""
    made, queues = await once(db, Dataset, service.create, caller.project, body)
    await ring.ring(queues)
    return made


@router.get("", operation_id="list_datasets")
async def list_datasets(caller: Reader, db: Db, asked: AskedPage) -> Page[Dataset]:
    """Lists datasets, newest first."""
    found = await db(cut, datasets.of_project(caller.project), datasets.Dataset.id, asked)
    return page(Page[Dataset], [Dataset.of(row) for row in found.rows], found.has_more)


@router.get("/{dataset_id}", operation_id="get_dataset")
async def get(dataset_id: str, caller: Reader, db: Db) -> Dataset:
    """Shows a dataset with its facts: splits, columns, roles, bad rows."""
    return Dataset.of(await db(service.get, caller.project, dataset_id))


@router.delete("/{dataset_id}", operation_id="delete_dataset")
async def delete(dataset_id: str, caller: Writer, db: Db, ring: Ring) -> DatasetDeleted:
    """Deletes a dataset. Refused (409) while a job that has not ended needs it."""
    await ring.ring(await db(service.delete, caller.project, dataset_id))
    return DatasetDeleted(id=dataset_id)


@router.get("/{dataset_id}/preview", operation_id="preview_dataset")
async def preview(
    dataset_id: str,
    caller: Reader,
    db: Db,
    store: Store,
    split: Split = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Rows at most.")] = 10,
) -> Preview:
    """Shows the first rows of a split."""
    name, facts, files = await db(service.split, caller.project, dataset_id, split)
    rows = await asyncio.to_thread(lambda: json.loads(b"".join(store.read(files[PREVIEW]["digest"])))[name])
    return Preview(dataset=dataset_id, split=name, rows=facts.rows, data=rows[:limit])


@router.get(
    "/{dataset_id}/content",
    operation_id="get_dataset_content",
    response_class=StreamingResponse,
    responses={200: {"content": BYTES}, 206: {"content": BYTES, "description": "The part asked for."}},
)
async def read(
    dataset_id: str,
    caller: Reader,
    db: Db,
    store: Store,
    split: Split = None,
    range: Annotated[str | None, Header(max_length=100, description="`bytes=from-to`, one range.")] = None,
) -> StreamingResponse:
    """Downloads a split as one Arrow IPC file."""
    name, facts, files = await db(service.split, caller.project, dataset_id, split)
    file = files[facts.path]
    return await content(store, file["digest"], file["bytes"], f"{dataset_id}-{name}.arrow", range, ARROW)
