"""Answers that are kept: how much there is, and how it goes."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import service
from api.answers.wire import AnswersDeleted, KeptAnswers
from api.deps import Db, Reader, Writer
from models import answer as answers

router = APIRouter(prefix="/v1/answers", tags=["answers"])

Before = Annotated[
    int | None, Query(ge=0, le=10**11, description="Unix seconds: only answers that were kept before; all, where it is absent.")
]  # fmt: skip


@router.get("", operation_id="get_answers")
async def get(caller: Reader, db: Db) -> KeptAnswers:
    """How many answers of endpoints the project keeps, and how many bytes they take."""
    return KeptAnswers.of(await db(answers.size, caller.project))


@router.delete("", operation_id="delete_answers")
async def delete(caller: Writer, db: Db, before: Before = None) -> AnswersDeleted:
    """Deletes kept answers of the project, of all endpoints, for 20 seconds at most: repeat it until it is `done`. The same questions cost anew. Refused (409) while a job that has not ended asks an endpoint."""
    return await service.sweep(db, caller.project, None if before is None else datetime.fromtimestamp(before, UTC))
