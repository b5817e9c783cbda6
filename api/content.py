"""Stored bytes as a reply: streamed, by ranges, named, and never taken for anything but bytes."""

import asyncio
from urllib.parse import quote

from starlette.responses import StreamingResponse

from api.ranges import span
from storage import Storage


async def content(
    storage: Storage,
    digest: str,
    size: int,
    filename: str,
    asked: str | None = None,
    media_type: str = "application/octet-stream",
) -> StreamingResponse:
    """The bytes of a blob; `asked` is the Range header of a route that takes one.

    Raises storage.Missing before the reply has begun, Unsatisfiable.
    """
    start, length = span(asked, size)
    chunks = await asyncio.to_thread(storage.read, digest, start, length)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(length),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        "etag": f'"{digest}"',
        "x-content-type-options": "nosniff",
    }
    if length == size:
        return StreamingResponse(chunks, 200, headers, media_type)
    headers["content-range"] = f"bytes {start}-{start + length - 1}/{size}"
    return StreamingResponse(chunks, 206, headers, media_type)
