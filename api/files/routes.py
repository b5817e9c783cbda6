"""Files: upload, list, look at, read, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.content import content
from api.deps import Config, Db, Reader, Store, Writer
from api.files import service
from api.files.upload import FORM_BYTES, received
from api.files.wire import File, FileDeleted
from api.idempotency import OnlyOnce
from api.pages import AskedPage, Page, cut, page
from models import blob
from models import file as files

router = APIRouter(prefix="/v1/files", tags=["files"])

FORM: dict[str, Any] = {
    "type": "object",
    "title": "NewFile",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The file."},
        "purpose": {
            "type": "string",
            "maxLength": 64,
            "description": "A word that lists can be narrowed to: `dataset`, `model`, `tokenizer`, `fine-tune`, or your own.",
        },
    },
    "additionalProperties": False,
}
BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.post(
    "",
    operation_id="create_file",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}},
)
async def create(request: Request, caller: Writer, db: Db, storage: Store, config: Config, once: OnlyOnce) -> File:
    """Upload a file. It is hashed on the way, and durable when the reply comes."""
    project, quota = caller.project, config.project_quota_bytes
    announced = int(request.headers.get("content-length", 0)) - FORM_BYTES
    await db(service.fits, project, quota, max(announced, 0))
    async with received(request, config.scratch / "uploads", config.max_upload_bytes) as upload:
        await db(service.fits, project, quota, upload.bytes)
        await db(blob.announce, upload.digest, upload.bytes)
        await upload.store(storage)
        this = once.about(upload.digest, upload.filename, upload.purpose)
        file, _ = await this(db, File, service.create, project, quota, upload)
    return file


@router.get("", operation_id="list_files")
async def list_files(
    caller: Reader, db: Db, asked: AskedPage, purpose: Annotated[str | None, Query(max_length=64)] = None
) -> Page[File]:
    """Files of the project, newest first."""
    part = await db(cut, files.of_project(caller.project, purpose), files.File.id, asked)
    return page(Page[File], [File.of(row) for row in part.rows], part.has_more)


@router.get("/{file_id}", operation_id="get_file")
async def get(file_id: str, caller: Reader, db: Db) -> File:
    """One file."""
    return File.of(await db(service.get, caller.project, file_id))


@router.get(
    "/{file_id}/content",
    operation_id="get_file_content",
    response_class=StreamingResponse,
    responses={200: {"content": BYTES}, 206: {"content": BYTES, "description": "The part asked for."}},
)
async def read(
    file_id: str,
    caller: Reader,
    db: Db,
    storage: Store,
    range: Annotated[str | None, Header(max_length=100, description="`bytes=from-to`, one range.")] = None,
) -> StreamingResponse:
    """The bytes of a file, or a range of them."""
    row = await db(service.get, caller.project, file_id)
    return await content(storage, row.digest, row.bytes, row.filename, range)


@router.delete("/{file_id}", operation_id="delete_file")
async def delete(file_id: str, caller: Writer, db: Db) -> FileDeleted:
    """Delete a file. Datasets and models that were made from it stay; refused (409) while one still has to read it."""
    await db(service.delete, caller.project, file_id)
    return FileDeleted(id=file_id)
