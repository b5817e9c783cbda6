"""A small teacher behind a real socket: it counts words per class, speaks chat completions, and fails on demand."""

import asyncio
import gzip
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.exchange import Request, converse, http, send

WORDS = {"animals": {"cat", "dog", "horse"}, "plants": {"oak", "rose", "fern"}}


def distribution(text: str) -> dict[str, float]:
    """The model itself: softmax over the counts of a class's words."""
    counts = {name: sum(word in words for word in text.lower().split()) for name, words in WORDS.items()}
    total = sum(math.exp(count) for count in counts.values())
    return {name: math.exp(count) / total for name, count in counts.items()}


@dataclass
class Teacher:
    """`fault` is raw bytes sent instead of a reply, or one of the words in `_fail`; `seen` holds requests as they came."""

    fault: bytes | str | None = None
    seen: list[tuple[str, dict[str, str], dict[str, object]]] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await converse(reader, writer, self._exchange)

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self.seen.append((request.path, request.headers, request.body))
        if self.fault is not None:
            await self._fail(writer)
            return False
        if "messages" not in request.body:
            return await send(writer, http(404, b"{}"))
        return await send(writer, http(200, json.dumps(self.answer(request.body)).encode()))

    async def _fail(self, writer: asyncio.StreamWriter) -> None:
        if self.fault == "reset":
            writer.transport.abort()
        elif self.fault == "slow":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        else:
            assert isinstance(self.fault, bytes)
            await send(writer, self.fault)

    def answer(self, body: dict[str, object]) -> dict[str, object]:
        messages = body["messages"]
        assert isinstance(messages, list)
        shares = distribution(messages[-1]["content"])
        best = max(shares, key=lambda name: shares[name])
        choice: dict[str, object] = {
            "index": 0,
            "message": {"role": "assistant", "content": best},
            "finish_reason": "stop",
        }
        if body.get("logprobs"):
            tops = [{"token": name, "logprob": math.log(share)} for name, share in shares.items()]
            choice["logprobs"] = {"content": [{"token": best, "logprob": math.log(shares[best]), "top_logprobs": tops}]}
        words = sum(len(message["content"].split()) for message in messages)
        usage = {"prompt_tokens": words, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}}
        return {"id": "c", "object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}


def bomb(size: int) -> bytes:
    return http(200, gzip.compress(bytes(size)), Content_Encoding="gzip")


@asynccontextmanager
async def teacher(fault: bytes | str | None = None, host: str = "127.0.0.1") -> AsyncIterator[Teacher]:
    served = Teacher(fault)
    server = await asyncio.start_server(served.serve, host, 0)
    served.port = server.sockets[0].getsockname()[1]
    served.url = f"http://{host}:{served.port}/v1"
    try:
        yield served
    finally:
        server.close()
