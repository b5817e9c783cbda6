"""Models: make, list, look at, download, delete."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import StreamingResponse

from api.content import content
from api.deps import Db, Reader, Ring, Store, Writer
from api.idempotency import OnlyOnce
from api.models import service
from api.models.archive import zipped
from api.models.wire import Model, ModelDeleted, NewModel
from api.pages import Page, Paging, cut, page
from models import model as models

BINARY = {"schema": {"type": "string", "format": "binary"}}
BYTES: dict[str, Any] = {"application/octet-stream": BINARY}
ZIP: dict[str, Any] = {"application/zip": BINARY}

router = APIRouter(prefix="/v1/models", tags=["models"])


def paging(
    limit: Annotated[int, Query(ge=1, le=1000, description="Items at most.")] = 1000,
    after: Annotated[str | None, Query(max_length=64, description="The id after which the page begins.")] = None,
    order: Annotated[Literal["asc", "desc"], Query(description="By time of creation.")] = "desc",
) -> Paging:
    """OpenAI's list of models has no pages, and its client asks for none: so the first page is a large one."""
    return Paging(limit=limit, after=after, order=order)


@router.post("", operation_id="create_model", status_code=201)
async def create(body: NewModel, caller: Writer, db: Db, ring: Ring, once: OnlyOnce) -> Model:
    """Makes a model from uploaded weights. It is `processing` until an inspection has checked them and run a batch."""
    made, queues = await once(db, Model, service.create, caller.project, body)
    await ring.ring(queues)
    return made


@router.get("", operation_id="list_models")
async def list_models(caller: Reader, db: Db, asked: Annotated[Paging, Depends(paging)]) -> Page[Model]:
    """Lists models, newest first."""
    found = await db(cut, models.of_project(caller.project), models.Model.id, asked)
    return page(Page[Model], [Model.of(row) for row in found.rows], found.has_more)


@router.get("/{model_id}", operation_id="get_model")
async def get(model_id: str, caller: Reader, db: Db) -> Model:
    """Shows a model with its facts: parameters, bytes, signature, tensors, files."""
    return Model.of(await db(service.get, caller.project, model_id))


@router.delete("/{model_id}", operation_id="delete_model")
async def delete(model_id: str, caller: Writer, db: Db, ring: Ring) -> ModelDeleted:
    """Deletes a model; its students stay. Refused (409) while a job that has not ended needs it."""
    await ring.ring(await db(service.delete, caller.project, model_id))
    return ModelDeleted(id=model_id)


@router.get(
    "/{model_id}/files/{name:path}",
    operation_id="get_model_file",
    response_class=StreamingResponse,
    responses={200: {"content": BYTES}, 206: {"content": BYTES, "description": "The part asked for."}},
)
async def file(
    model_id: str,
    name: str,
    caller: Reader,
    db: Db,
    store: Store,
    range: Annotated[str | None, Header(max_length=100, description="`bytes=from-to`, one range.")] = None,
) -> StreamingResponse:
    """Downloads one file of a model. The ETag is its sha256."""
    found = await db(service.file, caller.project, model_id, name)
    return await content(store, found["digest"], found["bytes"], name.rpartition("/")[2], range)


@router.get(
    "/{model_id}/archive",
    operation_id="get_model_archive",
    response_class=StreamingResponse,
    responses={200: {"content": ZIP}},
)
async def archive(model_id: str, caller: Reader, db: Db, store: Store) -> StreamingResponse:
    """Downloads all files of a model as one zip."""
    files = await db(service.files, caller.project, model_id)
    headers = {"content-disposition": f"attachment; filename={model_id}.zip", "x-content-type-options": "nosniff"}
    return StreamingResponse(zipped(store, files, model_id), 200, headers, "application/zip")
