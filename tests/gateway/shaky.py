"""A teacher that fails at questions of a probe: at each of them the first times that it is put, or at one of them for ever."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.teacher import Teacher
from tests.exchange import http

KINDS = ("top_logprobs", "n", "response_format", "stream", "prompt_logprobs")


def kind(path: str, body: dict[str, Any]) -> str:
    """What is asked: `plain` of a model, without anything more."""
    if "messages" not in body:
        return path.partition("?")[0].rpartition("/")[2]
    return next((f"{name} {body[name]}" if name == "top_logprobs" else name for name in KINDS if name in body), "plain")


@dataclass
class Shaky(Teacher):
    """`faults` of a kind of question: how often it fails with `status` from now on; of all others `first` times."""

    streams: bool = True
    status: int = 500
    first: int = 0
    room: int | None = None
    """Questions to a model that its limit still lets through, before it answers 429; None: it has no limit."""
    put: Counter[str] = field(default_factory=Counter)
    """Questions, by kind."""

    def _reply(self, path: str, body: dict[str, Any]) -> bytes | None:
        asked = kind(path, body)
        self.put[asked] += 1
        if self.faults.get(asked, 0) > 0 or self.put[asked] <= self.first:
            self.faults[asked] -= 1
            error = json.dumps({"error": {"message": f"no {asked}"}}).encode()
            return http(self.status, error, retry_after_ms=str(self.retry_after_ms))
        if "messages" in body and self.room is not None:
            if self.room == 0:
                error = b'{"error": {"message": "three a minute"}}'
                return http(429, error, retry_after_ms=str(self.retry_after_ms))
            self.room -= 1
        if asked == "batches":
            return http(200, b'{"data": []}')
        return super()._reply(path, body)

    def _fault(self) -> str | None:
        return None
