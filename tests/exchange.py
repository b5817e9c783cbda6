"""HTTP as a server of the tests speaks it: requests of one connection, one after the other, and replies as bytes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """`headers`: names in lower case. `body`: of JSON; `raw` whatever it is."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes


Exchange = Callable[[Request, asyncio.StreamWriter], Awaitable[bool]]
"""Replies to one request, or fails it. False: the connection is not used again."""


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange) -> None:
    """Until either side has had enough."""
    try:
        while await exchange(await _request(reader), writer):
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.split(": ", 1) for line in head[1:] if ": " in line)
    headers = {name.lower(): value for name, value in fields}
    raw = await reader.readexactly(int(headers.get("content-length", 0)))
    body = {} if headers.get("content-type", "").startswith("multipart/") else json.loads(raw or b"{}")
    method, path, _ = head[0].split()
    return Request(method, path, headers, body, raw)


async def send(writer: asyncio.StreamWriter, reply: bytes) -> bool:
    """True: the connection may go on."""
    writer.write(reply)
    await writer.drain()
    return True


def http(status: int, body: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
