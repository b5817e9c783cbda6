"""A job on a running stack, as its owner sees it over HTTP."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from standalone.stack import Stack
from tests.acceptance.tenant import Tenant, good, tenant

ENDED = ("succeeded", "failed", "cancelled")
PATIENCE = 240.0
PAUSE = 0.2
"""Seconds between two looks: a test that asks all the time slows down what it waits for."""


@dataclass(frozen=True)
class Run:
    """One job, seen from outside."""

    owner: Tenant
    id: str

    @classmethod
    def start(cls, owner: Tenant, spec: dict[str, Any]) -> Self:
        """Posts it."""
        return cls(owner, good(owner.client.post("/v1/distillations", json=spec))["id"])

    def get(self) -> dict[str, Any]:
        return good(self.owner.client.get(f"/v1/distillations/{self.id}"))

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            path = f"/v1/distillations/{self.id}/events?limit=100&after={len(found)}"
            page = good(self.owner.client.get(path))
            found += page["data"]
            if not page["has_more"]:
                return found

    def moves(self, step: str) -> list[str]:
        return [event["data"]["state"] for event in self.events() if event["type"] == "step" and event["step"] == step]

    def checkpoints(self, step: str) -> int:
        """How many it has written that count."""
        return sum(event["type"] == "checkpoint" and event["step"] == step for event in self.events())

    def resumed(self, step: str) -> int:
        """How often an attempt went on from a checkpoint."""
        told = [event for event in self.events() if event["type"] == "message" and event["step"] == step]
        return sum(event["message"].startswith("Resumed at step") for event in told)

    def succeeded(self) -> None:
        """Waits for the end, which must be the good one, reached once by every step, with no event lost."""
        until(lambda: self.get()["state"] in ENDED)
        ended = self.get()
        assert ended["state"] == "succeeded", ended["error"]
        events = self.events()
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        ends = Counter(
            step["name"] for step in ended["steps"] for move in self.moves(step["name"]) if move == "succeeded"
        )
        assert set(ends.values()) == {1}, ends

    def weights(self) -> bytes:
        student = self.get()["student"]["model"]
        reply = self.owner.client.get(f"/v1/models/{student}/files/model.safetensors")
        assert reply.is_success
        return reply.content


@contextmanager
def project(stack: Stack, name: str) -> Iterator[Tenant]:
    """A new one, whose client is closed at the end."""
    made = tenant(stack, name)
    with made.client:
        yield made


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits for it, and fails if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(PAUSE)
