"""A teacher that repeats the key which it was shown: wherever something fails (a call, a batch, a call of a batch), and in what it answers well."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from tests.acceptance.teacher import Teacher
from tests.exchange import Request, http, send

SAID = "may not do this"
"""What follows the key in its words."""


@dataclass
class Echo(Teacher):
    """Of ten calls of a batch about one is refused, and one fails; of ten answers about one has the key in its text."""

    refusing: int = 0
    """Batches that it refuses as a whole, of the next ones."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    """The calls of the last batch."""

    @property
    def _error(self) -> dict[str, str]:
        (key,) = self.keys
        return {"code": "odd", "message": f"The key {key} {SAID}"}

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        path = request.path.partition("?")[0].removeprefix("/v1")
        if not path.startswith(("/files", "/batches")):
            return await super()._exchange(request, writer)
        if path == "/files":
            self.sent = [json.loads(line) for line in request.raw.splitlines() if line.startswith(b'{"custom_id"')]
        content = self._results() if path.endswith("/content") else json.dumps(self._told(request.method, path))
        return await send(writer, http(200, content.encode()))

    def _reply(self, path: str, body: dict[str, Any]) -> bytes | None:
        """With the key in a header, whatever it is."""
        (key,) = self.keys
        self.others = (f"words-{key}",)
        sent = self._said(path, body)
        return sent and sent.replace(b"\r\n", f"\r\nX-RateLimit-Limit-Requests: {key}\r\n".encode(), 1)

    def _said(self, path: str, body: dict[str, Any]) -> bytes | None:
        if "messages" in body and self.faults["400"] > 0:
            self.faults["400"] -= 1
            return http(400, json.dumps({"error": self._error}).encode())
        return super()._reply(path, body)

    def _answer(self, body: dict[str, Any], fault: str | None) -> bytes:
        reply = json.loads(super()._answer(body, fault))
        (key,) = self.keys
        reply["model"], (choice, *_) = key, reply["choices"]
        choice["finish_reason"] += f" {key}"
        if _lot(body) == 3:
            choice["message"]["content"] += f" {key} {SAID}"
        return json.dumps(reply).encode()

    def _told(self, method: str, path: str) -> dict[str, Any]:
        """Of a file that came, the list of batches, or a batch."""
        if path == "/files":
            return {"id": "file-1"}
        if (method, path) == ("GET", "/batches"):
            return {"data": []}
        if method == "GET" and self.refusing > 0:
            self.refusing -= 1
            return {"id": "batch_1", "status": "failed", "errors": {"data": [self._error]}}
        return {"id": "batch_1", "status": "completed", "output_file_id": "file-2"}

    def _results(self) -> str:
        return "".join(json.dumps(self._result(line)) + "\n" for line in self.sent)

    def _result(self, line: dict[str, Any]) -> dict[str, Any]:
        name, lot = {"custom_id": line["custom_id"]}, _lot(line["body"])
        if lot == 1:
            return name | {"response": {"status_code": 400, "body": {"error": self._error}}}
        if lot == 2:
            return name | {"response": None, "error": self._error}
        return name | {"response": {"status_code": 200, "body": json.loads(self._answer(line["body"], None))}}


def _lot(body: dict[str, Any]) -> int:
    """The same question meets the same every time."""
    return crc32(json.dumps(body).encode()) % 10
