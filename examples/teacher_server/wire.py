"""What the two wires share, and which of them a request is of."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from examples.teacher_server import anthropic, openai
from examples.teacher_server.answer import Answer, Event
from examples.teacher_server.ask import Ask
from examples.teacher_server.ledger import Counts
from examples.teacher_server.refused import Json, Refused


class Wire(Protocol):
    NAME: str

    def read(self, body: bytes) -> tuple[str, Ask]: ...
    def reply(
        self, call: str, model: str, created: int, ask: Ask, answers: Sequence[Answer], counts: Counts | None
    ) -> Json: ...
    def events(
        self, call: str, model: str, created: int, ask: Ask, answers: Sequence[Answer], counts: Counts | None
    ) -> Iterator[Event]: ...
    def error(self, refused: Refused) -> Json: ...
    def failing(self, refused: Refused) -> str: ...


def wire_of(request: Request) -> Wire:
    return anthropic if "anthropic-version" in request.headers else openai


async def shown(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return JSONResponse(openai.error(refused), refused.status)


async def unknown(request: Request, missing: Exception) -> Response:
    assert isinstance(missing, HTTPException)
    message = f"Unknown request: {request.method} {request.url.path}"
    return JSONResponse(wire_of(request).error(Refused(missing.status_code, message)), missing.status_code)
