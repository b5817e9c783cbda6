"""What a teacher behind an endpoint has said, row by row, and the texts that it has written: all of it, not the first of each kind alone."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from api.deps import Db, Reader, Store
from api.distillations import history
from api.distillations.lines import MEDIA, Format, Line, sent
from api.distillations.wire import Answer, AnswerKind, NewText, Side
from spec.outcomes import Fate
from storage import Storage

As = Annotated[Format, Query(description="`jsonl`: an object a line; `csv`: the same with lists and objects as JSON.")]


def documented(line: str) -> dict[int | str, dict[str, Any]]:
    """Either format of a reply, by the schema of a line."""
    schema = {"$ref": f"#/components/schemas/{line}"}
    text = {"schema": {"type": "string"}}
    return {200: {"content": {"application/jsonl": {"schema": schema}, "text/csv": text}}}


router = APIRouter(prefix="/v1/distillations", tags=["distillations"])


@router.get(
    "/{distillation_id}/answers",
    operation_id="get_distillation_answers",
    response_class=StreamingResponse,
    response_model=Answer,
    responses=documented("Answer"),
)
async def answers(
    distillation_id: str,
    caller: Reader,
    db: Db,
    store: Store,
    kind: Annotated[list[AnswerKind] | None, Query(description="Only rows of this kind; may be repeated.")] = None,
    side: Annotated[Side | None, Query(description="Only held-out rows, or training rows.")] = None,
    format: As = "jsonl",
) -> StreamingResponse:
    """Shows every row that was asked about, in the order in which answers came, as JSON a line or CSV."""
    file = await db(history.answers, caller.project, distillation_id)

    def wanted(line: Line) -> bool:
        return (not kind or line["kind"] in kind) and side in (None, line["side"])

    return await _stream(store, file["digest"], Answer, wanted, format, f"{distillation_id}-answers")


@router.get(
    "/{distillation_id}/texts",
    operation_id="get_distillation_texts",
    response_class=StreamingResponse,
    response_model=NewText,
    responses=documented("NewText"),
)
async def texts(
    distillation_id: str,
    caller: Reader,
    db: Db,
    store: Store,
    fate: Annotated[list[Fate] | None, Query(description="Only texts of this fate; may be repeated.")] = None,
    format: As = "jsonl",
) -> StreamingResponse:
    """Shows every text that the teacher wrote, kept or left out, as JSON a line or CSV."""
    file = await db(history.texts, caller.project, distillation_id)

    def wanted(line: Line) -> bool:
        return not fate or line["fate"] in fate

    return await _stream(store, file["digest"], NewText, wanted, format, f"{distillation_id}-texts")


async def _stream(
    store: Storage, digest: str, shape: type[BaseModel], wanted: Callable[[Line], bool], format: Format, name: str
) -> StreamingResponse:
    """Raises storage.Missing before the reply has begun."""
    chunks = await asyncio.to_thread(store.read, digest)
    headers = {"content-disposition": f"attachment; filename={name}.{format}", "x-content-type-options": "nosniff"}
    return StreamingResponse(sent(chunks, shape, wanted, format), 200, headers, MEDIA[format])
