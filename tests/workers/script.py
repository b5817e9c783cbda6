"""A server that says what a test has written down, in its order."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.exchange import Request, converse, http, send

Reply = bytes | None
"""None: the connection breaks."""


@dataclass
class Script:
    """Replies by what is asked, as `GET /batches`: one after the other, the last one again and again."""

    replies: Mapping[str, list[Reply]]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(reader, writer, self._exchange)

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        asked = f"{request.method} {request.path.removeprefix('/v1').partition('?')[0]}"
        self.asked.append(asked)
        left = self.replies[asked]
        reply = left.pop(0) if len(left) > 1 else left[0]
        if reply is None:
            writer.transport.abort()
            return False
        return await send(writer, reply)


def said(body: object, status: int = 200, **headers: str) -> bytes:
    return http(status, json.dumps(body).encode(), **headers)


@asynccontextmanager
async def spoken(replies: Mapping[str, list[Reply]]) -> AsyncIterator[Script]:
    script = Script(replies)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield script
    finally:
        server.close()
