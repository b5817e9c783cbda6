"""The teacher behind the chat-completions wire: what a hosted model looks like from outside, its faults included."""

import asyncio
import itertools
import json
import socket
import struct
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from examples.teacher_server.answer import Answer, asked_text, choose, offered, tell
from examples.teacher_server.batches import Batches
from examples.teacher_server.faults import UNBILLED, Faults
from examples.teacher_server.ledger import Ledger
from examples.teacher_server.limits import Limits

MODEL = "minilm-docstrings"
Json = dict[str, object]


class Protocol(HttpToolsProtocol):
    """uvicorn's own, with the connection within reach: a fault may reset it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]  # ours alone


class Refused(Exception):
    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        self.status, self.message, self.param, self.code = status, message, param, code


@dataclass
class Server:
    batches: Batches
    ledger: Ledger
    limits: Limits
    latency: float = 0.0
    key: str | None = None
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        encoder = self.batches.teacher.encoder.tokenizer
        self.count = lambda text: len(encoder.encode(text, add_special_tokens=False).ids)
        self.pieces = {
            name: split(name, encoder.encode(name, add_special_tokens=False).offsets) for name in self.classes
        }

    @property
    def classes(self) -> list[str]:
        return self.batches.teacher.classes

    def app(self) -> Starlette:
        routes = [
            Route("/v1/models", self.models),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/faults", self.set_faults, methods=["POST"]),
            Route("/ledger", self.read_ledger),
            Route("/prices", self.read_prices),
        ]
        return Starlette(routes=routes, exception_handlers={Refused: refusal})

    async def models(self, request: Request) -> Response:
        self.check(request)
        return JSONResponse(
            {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "examples"}]}
        )

    async def read_ledger(self, request: Request) -> Response:
        self.check(request)
        return JSONResponse({"object": "list", "data": self.ledger.rows()})

    async def read_prices(self, request: Request) -> Response:
        given, told = (float(price) for price in self.ledger.prices)
        return JSONResponse({"unit": "dollars per million tokens", "models": {MODEL: {"input": given, "output": told}}})

    async def set_faults(self, request: Request) -> Response:
        """{"rates": {kind: share of calls}, "seed": 1, "seconds": 1.0}; replies with what was injected until now."""
        self.check(request)
        before = dict(self.faults.count)
        try:
            self.faults = Faults(**await request.json())
        except (TypeError, ValueError) as wrong:
            raise Refused(400, str(wrong), "rates") from wrong
        return JSONResponse({"injected": before})

    def check(self, request: Request) -> None:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, "Incorrect API key provided.", code="invalid_api_key")

    async def chat(self, request: Request) -> Response:
        self.check(request)
        call, fault = f"chatcmpl-{uuid.uuid4().hex}", self.faults.draw()
        wait = self.limits.refused() or (1 if fault == "status_429" else None)
        if wait is not None:
            self.ledger.write(call, 429, fault, (0, 0))
            headers = {**self.limits.headers(), "retry-after": str(wait)}
            return JSONResponse(envelope("Rate limit reached.", None, "rate_limit_exceeded"), 429, headers)
        self.limits.running += 1
        try:
            if fault in UNBILLED:
                self.ledger.write(call, 500, fault, (0, 0))
                raise Refused(500, "The server had an error while processing your request.")
            asked = await request.json()
            check(asked)
            body = await self.complete(call, asked, fault)
            return await self.reply(request, body, bool(asked.get("stream")), fault)
        finally:
            self.limits.running -= 1

    async def complete(self, call: str, asked: Json, fault: str | None) -> Json:
        """The reply's body; the call is in the ledger when it returns."""
        messages = asked["messages"]
        assert isinstance(messages, list)
        prompt = "\n".join(str(message["content"]) for message in messages)
        latency = asyncio.sleep(self.latency)
        row, _ = await asyncio.gather(self.batches.logprobs(asked_text(str(messages[-1]["content"]))), latency)
        logprobs = dict(zip(self.classes, row, strict=True))
        allowed = enum(asked.get("response_format")) or offered(prompt, self.classes)
        among = {name: logprobs[name] for name in allowed if name in logprobs} or logprobs
        total = int(str(asked.get("n") or 1))
        seeds = [
            (asked.get("seed"), prompt, n) if asked.get("seed") is not None else uuid.uuid4() for n in range(total)
        ]
        heat, top_p = float(str(asked.get("temperature", 1))), float(str(asked.get("top_p", 1)))
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
        names = [choose(among, heat, top_p, seed) for seed in seeds]
        answers = [tell(name, among, self.pieces, int(str(limit)) if limit else None) for name in names]
        tokens = sum(self.count(str(message["content"])) for message in messages), sum(len(a.pieces) for a in answers)
        self.ledger.write(call, 0 if fault == "reset" else 200, fault, tokens)
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        choices = [choice(n, answer, asked, fault) for n, answer in enumerate(answers)]
        return {
            "id": call,
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "choices": choices,
            "usage": usage,
        }

    async def reply(self, request: Request, body: Json, stream: bool, fault: str | None) -> Response:
        if fault == "reset":
            reset(request.scope["transport"])
        whole = "".join(events(body)) if stream else json.dumps(body)
        if fault == "malformed_json":
            whole = whole.replace('":', '"', 3)
        kind, headers = "text/event-stream" if stream else "application/json", self.limits.headers()
        if fault == "truncated_body":
            headers["content-length"] = str(len(whole.encode()))
        if fault in ("slow_body", "truncated_body"):
            parts = self.halves(whole, fault, request.scope["transport"])
            return StreamingResponse(parts, media_type=kind, headers=headers)
        return Response(whole, media_type=kind, headers=headers)

    async def halves(self, whole: str, fault: str, transport: asyncio.Transport) -> AsyncIterator[str]:
        yield whole[: len(whole) // 2]
        if fault == "truncated_body":
            transport.close()
        await asyncio.sleep(0.01 if fault == "truncated_body" else self.faults.seconds)
        yield whole[len(whole) // 2 :]


def split(name: str, offsets: list[tuple[int, int]]) -> list[str]:
    """The name's own characters, token by token."""
    ends = [0, *(end for _, end in offsets)]
    return [name[start:end] for start, end in itertools.pairwise(ends)]


def check(asked: object) -> None:
    messages = asked.get("messages") if isinstance(asked, dict) else None
    if (
        not isinstance(messages, list)
        or not messages
        or not all(isinstance(m, dict) and "content" in m for m in messages)
    ):
        raise Refused(400, "messages: a list of objects with role and content", "messages")


def enum(wanted: object) -> list[str]:
    """The classes that a JSON schema allows; its one property is `label`."""
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return []
    try:
        found = wanted["json_schema"]["schema"]["properties"]["label"]["enum"]
    except (KeyError, TypeError) as missing:
        raise Refused(400, "only a schema whose property `label` has an enum", "response_format") from missing
    return [str(name) for name in found]


def choice(index: int, answer: Answer, asked: Json, fault: str | None) -> Json:
    text = "".join(answer.pieces)
    content = json.dumps({"label": text}) if asked.get("response_format") and answer.finish == "stop" else text
    message: Json = {"role": "assistant", "content": content, "refusal": None}
    if fault in ("empty", "refused"):
        message |= {
            "content": "" if fault == "empty" else None,
            "refusal": "I cannot help with that." if fault == "refused" else None,
        }
    most = int(str(asked.get("top_logprobs") or 0))
    said = [
        {**token(piece, tops[piece]), "top_logprobs": [token(*pair) for pair in list(tops.items())[:most]]}
        for piece, tops in zip(answer.pieces, answer.tops, strict=True)
    ]
    told = {"content": said} if asked.get("logprobs") else None
    return {"index": index, "message": message, "finish_reason": answer.finish, "logprobs": told}


def token(piece: str, logprob: float) -> Json:
    return {"token": piece, "logprob": logprob, "bytes": list(piece.encode())}


def events(body: Json) -> list[str]:
    """Each choice in one chunk, then the usage, as `stream_options.include_usage` asks for."""
    choices = body["choices"]
    assert isinstance(choices, list)
    head = {**body, "object": "chat.completion.chunk", "usage": None}
    chunks = [
        {**head, "choices": [{**{k: v for k, v in c.items() if k != "message"}, "delta": c["message"]}]}
        for c in choices
    ]
    chunks.append({**head, "choices": [], "usage": body["usage"]})
    return [*(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks), "data: [DONE]\n\n"]


def reset(transport: asyncio.Transport) -> None:
    """The peer gets RST, not FIN: nothing that was written lingers."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def envelope(message: str, param: str | None, code: str | None) -> Json:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


async def refusal(request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, Refused)
    return JSONResponse(envelope(wrong.message, wrong.param, wrong.code), wrong.status)
