"""The teacher behind two wires: what a hosted model looks like from outside, its limits, bill and faults included."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from secrets import compare_digest
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from examples.teacher_server import anthropic, openai
from examples.teacher_server.answer import GARBAGE, REFUSAL, Answer, answers, verbatim
from examples.teacher_server.ask import Ask
from examples.teacher_server.batch_api import BatchApi
from examples.teacher_server.faults import UNBILLED, Faults
from examples.teacher_server.ledger import Counts, Ledger
from examples.teacher_server.limits import Limits, retry
from examples.teacher_server.refused import Json, Refused
from examples.teacher_server.tokens import Tokens
from examples.teacher_server.transport import reset
from examples.teacher_server.wire import Wire, shown, unknown, wire_of

MODEL = "minilm-docstrings"
STARTED = 1_760_000_000  # the model's birthday on the wire: the same on every machine


class Source(Protocol):
    """What knows the classes: the model or a table."""

    classes: list[str]

    async def logprobs(self, text: str) -> list[float]: ...


@dataclass
class Call:
    wire: Wire
    request: Request
    fault: str | None = None
    id: str = ""

    def __post_init__(self) -> None:
        self.id = ("msg_" if self.wire is anthropic else "chatcmpl-") + uuid.uuid4().hex


@dataclass
class Server:
    source: Source
    tokens: Tokens
    ledger: Ledger
    limits: Limits
    model: str = MODEL
    latency: float = 0.0
    key: str | None = None
    cached_from: int = 1024
    faults: Faults = field(default_factory=Faults)
    batch_share: Decimal = Decimal("0.5")
    """Of the prices, that a call in a batch costs."""
    batch_seconds: float = 0.0
    batch_most: int | None = None
    thought: int = 0
    """Tokens that it thinks before an answer, within its bound."""

    def app(self) -> Starlette:
        routes = [
            *BatchApi(self, self.batch_seconds, self.batch_most).routes(),
            Route("/v1/models", self.models),
            Route("/v1/models/{model}", self.one_model),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/messages", self.messages, methods=["POST"]),
            Route("/faults", self.show_faults, methods=["GET"]),
            Route("/faults", self.set_faults, methods=["POST"]),
            Route("/ledger", self.show_ledger),
        ]
        return Starlette(routes=routes, exception_handlers={Refused: shown, HTTPException: unknown})

    async def models(self, request: Request) -> Response:
        wire = wire_of(request)
        try:
            self.check(request, wire)
        except Refused as refused:
            return JSONResponse(wire.error(refused), refused.status)
        if wire is anthropic:
            own: Json = {
                "type": "model",
                "id": self.model,
                "display_name": self.model,
                "created_at": "2025-10-09T00:00:00Z",
            }
            return JSONResponse({"data": [own], "has_more": False, "first_id": self.model, "last_id": self.model})
        return JSONResponse({"object": "list", "data": [self.described()]})

    async def one_model(self, request: Request) -> Response:
        self.check(request, openai)
        if request.path_params["model"] != self.model:
            raise self.no_such_model(request.path_params["model"])
        return JSONResponse(self.described())

    def described(self) -> Json:
        return {"id": self.model, "object": "model", "created": STARTED, "owned_by": "examples"}

    def no_such_model(self, model: str) -> Refused:
        return Refused(404, f"The model {model!r} does not exist; this is {self.model!r}.", "model", "model_not_found")

    async def show_ledger(self, request: Request) -> Response:
        self.check(request)
        return JSONResponse(self.ledger.shown())

    async def show_faults(self, request: Request) -> Response:
        self.check(request)
        return JSONResponse(self.faults.shown())

    async def set_faults(self, request: Request) -> Response:
        """{"shares": {kind: share of calls}, "seed": 1, "seconds": 1.0}, counted anew; replies with what was before."""
        self.check(request)
        before = self.faults.shown()
        try:
            self.faults = Faults(**await request.json())
        except (TypeError, ValueError) as wrong:
            raise Refused(400, str(wrong), "shares") from wrong
        return JSONResponse(before)

    def check(self, request: Request, wire: Wire | None = None) -> None:
        """The key, as the wire carries it; as either does where no wire is meant."""
        if wire is anthropic and "anthropic-version" not in request.headers:
            raise Refused(400, "anthropic-version: header is required")
        if self.key is None:
            return
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        own = request.headers.get("x-api-key", "")
        keys = [bearer] if wire is openai else [own] if wire is anthropic else [bearer, own]
        if not any(compare_digest(key.encode(), self.key.encode()) for key in keys):
            raise Refused(401, "Incorrect API key provided.", code="invalid_api_key")

    async def chat(self, request: Request) -> Response:
        return await self.call(Call(openai, request))

    async def messages(self, request: Request) -> Response:
        return await self.call(Call(anthropic, request))

    async def call(self, call: Call) -> Response:
        """One call from its key to its reply. Every call is in the ledger once, before its reply leaves."""
        try:
            self.check(call.request, call.wire)
            ask = self.bounded(*call.wire.read(await call.request.body()))
            prompt, cached = self.tokens.prompt(ask.contents, self.cached_from)
            self.admit(call, ask, prompt)
            self.limits.running += 1
            try:
                return await self.answered(call, ask, prompt, cached)
            finally:
                self.limits.running -= 1
        except Refused as refused:
            self.ledger.write(call.id, refused.status, call.fault, None)
            headers = {**self.headers(call), **refused.headers}
            return JSONResponse(call.wire.error(refused), refused.status, headers)

    def bounded(self, model: str, ask: Ask) -> Ask:
        """With the limit of the answer alone. Raises Refused for another model, and where one that thinks is not bounded as OpenAI's are."""
        if model != self.model:
            raise self.no_such_model(model)
        if not self.thought or ask.limit is None:
            return ask
        if ask.old_bound:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            raise Refused(400, message, "max_tokens", "unsupported_parameter")
        if ask.limit <= self.thought:
            raise Refused(400, "Could not finish the message because max_tokens or model output limit was reached.")
        return replace(ask, limit=ask.limit - self.thought)

    def admit(self, call: Call, ask: Ask, prompt: int) -> None:
        """Raises Refused where a limit or a fault is in the way. A call counts with its prompt and all that it may answer."""
        longest = max(len(self.tokens.pieces(name)) for name in self.source.classes)
        wait = self.limits.refused(prompt + ask.n * (ask.limit or longest))
        if wait is None:
            call.fault = self.faults.draw()
            wait = 1.0 if call.fault == "status_429" else None
        if wait is not None:
            raise Refused(429, "Rate limit reached.", code="rate_limit_exceeded", headers=dict(retry(wait)))
        if call.fault == "status_500":
            raise Refused(500, "The server had an error while processing your request.")
        if call.fault == "status_529":
            raise Refused(529, "Overloaded")

    async def answered(self, call: Call, ask: Ask, prompt: int, cached: int) -> Response:
        if call.fault in UNBILLED:
            self.ledger.write(call.id, 0, call.fault, None)
            return lost(call)
        begun = time.monotonic()
        made = await self.made(ask, call.fault)
        await asyncio.sleep(max(0.0, self.latency - (time.monotonic() - begun)))
        counts = Counts(prompt, cached, sum(self.thought + len(answer.pieces) for answer in made))
        if ask.stream and call.fault != "reset":
            return StreamingResponse(
                self.streamed(call, ask, made, counts), media_type="text/event-stream", headers=self.headers(call)
            )
        self.ledger.write(call.id, 0 if call.fault == "reset" else 200, call.fault, counts, ask.seed)
        if call.fault == "reset":
            return lost(call)
        told = None if call.fault == "no_usage" else counts
        return self.sent(call, call.wire.reply(call.id, self.model, int(time.time()), ask, made, told))

    async def streamed(self, call: Call, ask: Ask, made: Sequence[Answer], counts: Counts) -> AsyncIterator[str]:
        """Event by event. In the ledger with the tokens that were told, before the last event leaves, or when nobody listens any more."""
        usage = None if call.fault == "no_usage" else counts
        events = list(call.wire.events(call.id, self.model, int(time.time()), ask, made, usage))
        told, half = self.thought * len(made), len(events) // 2
        self.limits.running += 1
        try:
            for place, event in enumerate(events[:-1]):
                if place == half and await self.broken(call):
                    if call.fault == "error_event":
                        yield call.wire.failing(Refused(500, "The server had an error in the middle of its answer."))
                    return
                told += event.tokens
                yield (
                    event.text.replace('":', '"', 3) if place == half and call.fault == "malformed_json" else event.text
                )
                await asyncio.sleep(0)  # each event leaves by itself
        finally:
            self.limits.running -= 1
            self.ledger.write(call.id, 200, call.fault, replace(counts, completion=told), ask.seed)
        if call.fault != "no_end":
            yield events[-1].text

    async def broken(self, call: Call) -> bool:
        """What goes wrong in the middle of a stream; whether it ends there."""
        if call.fault == "slow_body":
            await asyncio.sleep(self.faults.seconds)
        if call.fault == "truncated_body":
            call.request.scope["transport"].close()
        return call.fault in ("truncated_body", "error_event")

    async def batched(self, id: str, body: bytes, fault: str | None) -> tuple[Json, Counts]:
        """The reply to a call of a batch, and what it is billed for. Raises Refused."""
        ask = self.bounded(*openai.read(body))
        prompt, cached = self.tokens.prompt(ask.contents, self.cached_from)
        made = await self.made(ask, fault)
        counts = Counts(prompt, cached, sum(self.thought + len(answer.pieces) for answer in made))
        told = None if fault == "no_usage" else counts
        return openai.reply(id, self.model, int(time.time()), ask, made, told), counts

    async def made(self, ask: Ask, fault: str | None) -> list[Answer]:
        row = await self.source.logprobs(ask.text(self.source.classes))
        distribution = dict(zip(self.source.classes, row, strict=True))
        return spoiled(fault, ask, self.tokens) or answers(ask, distribution, self.tokens)

    def headers(self, call: Call) -> dict[str, str]:
        if call.wire is anthropic:
            return {"request-id": f"req_{call.id}", **self.limits.anthropic_headers()}
        return {"x-request-id": f"req_{call.id}", **self.limits.headers()}

    def sent(self, call: Call, body: Json) -> Response:
        whole = json.dumps(body)
        if call.fault == "malformed_json":
            whole = whole.replace('":', '"', 3)
        kind, headers = "application/json", self.headers(call)
        if call.fault not in ("slow_body", "truncated_body"):
            return Response(whole, media_type=kind, headers=headers)
        headers["content-length"] = str(len(whole.encode()))
        return StreamingResponse(self.halves(call, whole), media_type=kind, headers=headers)

    async def halves(self, call: Call, whole: str) -> AsyncIterator[str]:
        yield whole[: len(whole) // 2]
        if call.fault == "truncated_body":
            call.request.scope["transport"].close()
        else:
            await asyncio.sleep(self.faults.seconds)
            yield whole[len(whole) // 2 :]


def spoiled(fault: str | None, ask: Ask, tokens: Tokens) -> list[Answer]:
    """The answers of a model that went wrong; none where it did not."""
    if fault == "empty":
        return [Answer([], [])] * ask.n
    if fault == "refused":
        return [replace(verbatim(REFUSAL, ask, tokens), finish="refusal")] * ask.n
    return [verbatim(GARBAGE, ask, tokens)] * ask.n if fault == "garbage" else []


def lost(call: Call) -> Response:
    reset(call.request.scope["transport"])
    return Response()
