"""A model that a probe looks at: questions that are put to it, a few times each where that may help."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.call import WIRES, Endpoint, call, send
from gateway.client import Client, Response
from gateway.failure import Permanent, Retryable
from gateway.reply import Ask, Message, Reply, Sampling
from gateway.retry import HOPELESS, tried
from spec.facts import BoundName, Capabilities

SHORT = "Say yes."
THOUGHT = 1024
"""Tokens beside an answer. Models that want `max_completion_tokens` think within it, and OpenAI refuses (400) a bound that leaves no room for that."""
TOGETHER = 6
"""Calls in flight, where nobody has said otherwise."""
FAULTS = ("server_error", "malformed", "reset")
"""How some servers fail at what they cannot do, instead of refusing it."""
NOTHING = Capabilities()
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`before`: what was seen of it earlier. `until`: on the loop's clock; a look ends then. `places`: for calls in flight."""

    client: Client
    endpoint: Endpoint
    model: str
    before: Capabilities = NOTHING
    until: float = float("inf")
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TOGETHER))
    bounded_by: BoundName = "max_tokens"

    def ask(self, text: str, most: int = 2, *, n: int | None = None, **more: Any) -> Ask:
        """`most`: tokens of an answer, with room for thought beside it where the model may think within its bound."""
        room = 0 if self.bounded_by == "max_tokens" else THOUGHT
        sampling = Sampling(max_tokens=most + room, n=n)
        return Ask(self.model, (Message("user", text),), sampling, bounded_by=self.bounded_by, **more)

    async def call(self, ask: Ask) -> Reply:
        return await call(self.client, self.endpoint, ask)

    async def send(self, **more: object) -> Response:
        """The short question, and what else the request says."""
        body: dict[str, object] = WIRES[self.endpoint.wire].request(self.ask(SHORT))
        return await send(self.client, self.endpoint, body | more)

    async def tried(self, question: Callable[[], Awaitable[T]]) -> tuple[T, float]:
        """What comes of a question, and the seconds of the call that brought it. Raises CallFailed."""

        async def once() -> tuple[T, float]:
            async with self.places:
                began = time.perf_counter()
                return await question(), time.perf_counter() - began

        return await tried(once, self.until)

    async def shown(self, question: Callable[[], Awaitable[T]], nothing: T, *, before: bool) -> T:
        """What a question shows; `nothing` where the model refuses it (4xx), or fails at it each time and answers a plain one right after.

        Raises CallFailed for all that may pass; of what the model could do `before`, for whatever is no refusal.
        """
        try:
            return (await self.tried(question))[0]
        except Permanent as error:
            if error.kind in HOPELESS or error.status is None or not 400 <= error.status < 500:
                raise
        except Retryable as error:
            if before or error.kind not in FAULTS:
                raise
            await self.tried(self.send)
        return nothing
