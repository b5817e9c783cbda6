"""The anchor of the upload benchmark: the same multipart body, parsed by the same parser and written, and nothing else."""

import os
import tempfile
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Plain ASGI, `python -m uvicorn benchmarks.bare_upload:app`: no hash, no fsync, no framework; the file has no name."""
    if scope["type"] != "http":
        return
    headers = dict(scope["headers"])
    _, options = parse_options_header(headers[b"content-type"])
    with tempfile.TemporaryFile(dir=os.environ["BARE_UPLOAD_FOLDER"], buffering=0) as file:

        def written(data: bytes, start: int, end: int) -> None:
            file.write(memoryview(data)[start:end])

        parser = MultipartParser(options[b"boundary"], {"on_part_data": written})
        more = True
        while more:
            message = await receive()
            parser.write(message.get("body", b""))
            more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
