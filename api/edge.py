"""The outermost layer: an id for every request, a line for every reply, no reply outside the envelope."""

import time
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.clouds.dialect import spoken
from api.errors import Failure, Invalid, TooLarge
from api.metrics import Requests
from spec.ids import new_id

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
GONE = 499  # in logs and counts alone: whoever asked did not wait for the reply
QUIET = ("/healthz", "/readyz", "/metrics")


class Edge:
    """Pure ASGI, added once. `limit` is the largest body in bytes; `larger` has the paths that take more."""

    def __init__(self, app: ASGIApp, limit: int, larger: Mapping[str, int], requests: Requests) -> None:
        self.app = app
        self.limit = limit
        self.larger = larger
        self.requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        passage = Passage(scope, receive, send, self.larger.get(scope["path"], self.limit))
        clear_contextvars()
        bind_contextvars(request=passage.id)
        began = time.perf_counter()
        try:
            await self._pass(passage)
        finally:
            self._note(passage, time.perf_counter() - began)

    async def _pass(self, passage: "Passage") -> None:
        try:
            passage.refuse_announced()
            passage.refuse_zero()
            await self.app(passage.scope, passage.receive, passage.send)
        except (TooLarge, Invalid) as refusal:
            await spoken(passage.scope["path"], refusal)(passage.scope, passage.receive, passage.send)
        except ClientDisconnect:
            passage.status = passage.status or GONE
        except Exception:
            log.exception("unhandled")
            if passage.status is not None:
                raise
            failure = Failure("Something went wrong here. It was logged under this request's id.")
            await spoken(passage.scope["path"], failure)(passage.scope, passage.receive, passage.send)

    def _note(self, passage: "Passage", seconds: float) -> None:
        route = getattr(passage.scope.get("route"), "path", "unmatched")
        self.requests.seen(passage.scope["method"], route, passage.status or 0, seconds)
        if route not in QUIET:
            line: dict[str, Any] = {"method": passage.scope["method"], "path": passage.scope["path"]}
            log.info("request", **line, status=passage.status, seconds=round(seconds, 4))


class Passage:
    """One request on its way in and its reply on its way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self.scope = scope
        self.id = new_id("req_")
        self.status: int | None = None
        self._receive = receive
        self._send = send
        self._left = self._limit = limit

    def refuse_announced(self) -> None:
        """A Content-Length above the limit is answered before a byte is read. Raises TooLarge."""
        announced = Headers(scope=self.scope).get("content-length", "0")
        if announced.isascii() and announced.isdigit() and int(announced) > self._limit:
            raise TooLarge(self._words())

    def refuse_zero(self) -> None:
        """No text in PostgreSQL holds a zero byte: whoever asks for one is told so before it is asked. Raises Invalid."""
        if "\0" in self.scope["path"] or b"%00" in self.scope["query_string"]:
            raise Invalid("The address holds a zero byte.", code="invalid_value")

    async def receive(self) -> Message:
        """Raises HTTPException 413 (which FastAPI lets through) once a body that announced no length is too long."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, self._words())
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["x-request-id"] = self.id
        await self._send(message)

    def _words(self) -> str:
        return f"The body is larger than the {self._limit} bytes allowed here."
