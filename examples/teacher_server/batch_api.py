"""`/v1/files` and `/v1/batches`, as OpenAI has them: a file of calls is answered when there is time, for a part of the price."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.teacher_server import openai
from examples.teacher_server.faults import LINE_KINDS, SLOW_BATCH
from examples.teacher_server.refused import Json, Refused

if TYPE_CHECKING:
    from examples.teacher_server.app import Server

URL = "/v1/chat/completions"
RUNNING = ("validating", "in_progress", "finalizing", "cancelling")
DAY = 86_400
TOGETHER = 32
"""Calls that go through the encoder at once."""
LAPSED = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "This request was not executed, since the batch was cancelled.",
}


@dataclass
class Batch:
    input: str
    metadata: dict[str, str]
    id: str = field(default_factory=lambda: f"batch_{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))
    status: str = "validating"
    total: int = 0
    completed: int = 0
    failed: int = 0
    output: str | None = None
    errors: str | None = None
    problems: list[Json] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def shown(self) -> Json:
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": URL,
            "completion_window": "24h",
            "input_file_id": self.input,
            "output_file_id": self.output,
            "error_file_id": self.errors,
            "status": self.status,
            "errors": {"object": "list", "data": self.problems} if self.problems else None,
            "created_at": self.created,
            "expires_at": self.created + DAY,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
        }


class BatchApi:
    """`seconds`: how long a batch lies before it is begun; `most`: calls that may wait together, None: any number."""

    def __init__(self, server: "Server", seconds: float, most: int | None) -> None:
        self.server, self.seconds, self.most = server, seconds, most
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, Batch] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        return [
            Route("/v1/files", self.upload, methods=["POST"]),
            Route("/v1/files/{id}", self.delete, methods=["DELETE"]),
            Route("/v1/files/{id}/content", self.content),
            Route("/v1/batches", self.create, methods=["POST"]),
            Route("/v1/batches", self.listed, methods=["GET"]),
            Route("/v1/batches/{id}", self.get),
            Route("/v1/batches/{id}/cancel", self.cancel, methods=["POST"]),
        ]

    async def upload(self, request: Request) -> Response:
        self.server.check(request, openai)
        async with request.form() as form:
            file = form.get("file")
            if form.get("purpose") != "batch" or not isinstance(file, UploadFile):
                raise Refused(400, "A form with purpose=batch and a file is expected.", "purpose")
            content, name = await file.read(), file.filename
        id = self._kept(content)
        told = {"id": id, "object": "file", "bytes": len(content), "created_at": int(time.time()), "filename": name}
        return JSONResponse(told | {"purpose": "batch"})

    async def content(self, request: Request) -> Response:
        self.server.check(request, openai)
        return Response(self._file(request.path_params["id"]), media_type="application/octet-stream")

    async def delete(self, request: Request) -> Response:
        self.server.check(request, openai)
        id = request.path_params["id"]
        self._file(id)
        del self.files[id]
        return JSONResponse({"id": id, "object": "file", "deleted": True})

    async def create(self, request: Request) -> Response:
        self.server.check(request, openai)
        body = await request.json()
        if body.get("endpoint") != URL or body.get("completion_window") != "24h":
            raise Refused(400, f"endpoint is {URL}, and completion_window 24h.", "endpoint")
        self._file(str(body.get("input_file_id")))
        made = Batch(body["input_file_id"], body.get("metadata") or {})
        self.batches[made.id] = made
        task = asyncio.create_task(self._run(made))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return JSONResponse(made.shown())

    async def listed(self, request: Request) -> Response:
        """The newest first."""
        self.server.check(request, openai)
        limit, after = int(request.query_params.get("limit", 20)), request.query_params.get("after")
        newest = list(reversed(self.batches.values()))
        ids = [one.id for one in newest]
        start = ids.index(after) + 1 if after in ids else 0
        page = newest[start : start + limit]
        more = start + limit < len(newest)
        return JSONResponse({"object": "list", "data": [one.shown() for one in page], "has_more": more})

    async def get(self, request: Request) -> Response:
        return JSONResponse(self._batch(request).shown())

    async def cancel(self, request: Request) -> Response:
        found = self._batch(request)
        if found.status not in RUNNING:
            raise Refused(409, f"The batch is {found.status}.")
        found.status = "cancelling"
        found.cancelled.set()
        return JSONResponse(found.shown())

    def _batch(self, request: Request) -> Batch:
        self.server.check(request, openai)
        found = self.batches.get(request.path_params["id"])
        if found is None:
            raise Refused(404, "There is no such batch.", "batch_id")
        return found

    def _file(self, id: str) -> bytes:
        if id not in self.files:
            raise Refused(404, f"There is no file {id!r}.", "file_id")
        return self.files[id]

    def _kept(self, content: bytes) -> str:
        id = f"file-{uuid.uuid4().hex}"
        self.files[id] = content
        return id

    async def _run(self, batch: Batch) -> None:
        """From its validation to its files."""
        try:
            lines = list(read(self.files[batch.input]))
            waiting = sum(one.total for one in self.batches.values() if one.status in RUNNING)
            if self.most is not None and waiting + len(lines) > self.most:
                raise Refused(429, "The queue of batches has no room for so many.", code="token_limit_exceeded")
        except Refused as refused:
            batch.status, batch.problems = "failed", [{"code": refused.code, "message": refused.message}]
            return
        batch.total, batch.status = len(lines), "in_progress"
        with suppress(TimeoutError):
            slow = self.server.faults.draw((SLOW_BATCH,)) is not None
            await asyncio.wait_for(batch.cancelled.wait(), self.seconds + slow * self.server.faults.seconds)
        made = list[dict[str, Any]]()
        for first in range(0, len(lines), TOGETHER):
            made += await asyncio.gather(*(self._line(batch, line) for line in lines[first : first + TOGETHER]))
        lapsed = {one["error"]["code"] for one in made if one["error"]}
        well = [one for one in made if one["response"] and one["response"]["status_code"] == 200]
        named = {one["custom_id"] for one in well}
        ill = [one for one in made if one["custom_id"] not in named]
        batch.output, batch.errors = (
            self._kept("".join(json.dumps(one) + "\n" for one in some).encode()) if some else None
            for some in (well, ill)
        )
        batch.status = (
            "cancelled" if batch.cancelled.is_set() else "expired" if "batch_expired" in lapsed else "completed"
        )

    async def _line(self, batch: Batch, line: dict[str, Any]) -> dict[str, Any]:
        """One result; in the ledger before it is told."""
        server, id = self.server, f"chatcmpl-{uuid.uuid4().hex}"
        fault = server.faults.draw(LINE_KINDS)
        lapsed = "batch_cancelled" if batch.cancelled.is_set() else "batch_expired" if fault == "line_expires" else None
        if lapsed:
            batch.failed += 1
            error = {"code": lapsed, "message": LAPSED[lapsed]}
            return {"id": f"batch_req_{id}", "custom_id": line["custom_id"], "response": None, "error": error}
        status, body = 200, Json()
        try:
            if fault == "line_fails":
                raise Refused(500, "The server had an error while processing your request.")
            body, counts = await server.batched(id, json.dumps(line["body"]).encode(), fault)
            server.ledger.write(id, status, fault, counts, share=server.batch_share)
        except Refused as refused:
            status, body = refused.status, openai.error(refused)
            server.ledger.write(id, status, fault, None)
        batch.completed, batch.failed = batch.completed + (status == 200), batch.failed + (status != 200)
        response = {"status_code": status, "request_id": f"req_{id}", "body": body}
        return {"id": f"batch_req_{id}", "custom_id": line["custom_id"], "response": response, "error": None}


def read(content: bytes) -> Iterator[dict[str, Any]]:
    """Calls of a file. Raises Refused for the first line that is none."""
    seen = set[str]()
    for number, text in enumerate(content.splitlines(), 1):
        try:
            line = json.loads(text)
            name, meant = line["custom_id"], (line["method"], line["url"], type(line["body"]))
        except (ValueError, KeyError, TypeError) as wrong:
            raise Refused(400, f"Line {number} is no call.", code="invalid_json_line") from wrong
        if meant != ("POST", URL, dict) or not isinstance(name, str) or name in seen:
            raise Refused(400, f"Line {number} is no call, or has another's name.", code="invalid_json_line")
        seen.add(name)
        yield line
