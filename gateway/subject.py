"""A model that a probe looks at: questions that are put to it, a few times each where that may help."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.call import WIRES, Endpoint, read, send
from gateway.client import Client, Response
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.meter import Meter
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
    """`before`: what was seen of it earlier. `until`: on the loop's clock; a look ends then. `places`: for calls in flight. `meter`: of the look, which counts every call."""

    client: Client
    endpoint: Endpoint
    model: str
    before: Capabilities = NOTHING
    until: float = float("inf")
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TOGETHER))
    bounded_by: BoundName = "max_tokens"
    meter: Meter = field(default_factory=Meter)

    def ask(self, text: str, most: int = 2, *, n: int | None = None, **more: Any) -> Ask:
        """`most`: tokens of an answer, with room for thought beside it where the model may think within its bound."""
        room = 0 if self.bounded_by == "max_tokens" else THOUGHT
        sampling = Sampling(max_tokens=most + room, n=n)
        return Ask(self.model, (Message("user", text),), sampling, bounded_by=self.bounded_by, **more)

    async def call(self, ask: Ask) -> Reply:
        """Raises CallFailed, Broke."""
        return read(self.endpoint, await self._sent(ask, WIRES[self.endpoint.wire].request(ask)))

    async def send(self, **more: object) -> Response:
        """The short question, and what else the request says. Raises CallFailed, Broke."""
        ask = self.ask(SHORT)
        body: dict[str, object] = WIRES[self.endpoint.wire].request(ask)
        return await self._sent(ask, body | more)

    async def _sent(self, ask: Ask, body: Mapping[str, object]) -> Response:
        """One call, on the meter whatever becomes of it. Raises CallFailed, Broke."""
        most = self.meter.take(ask, self.before.tokens_per_call)
        try:
            response = await send(self.client, self.endpoint, body)
        except CallFailed as error:
            self.meter.settle(most, error.usage, billed=error.billed)
            raise
        except asyncio.CancelledError:
            self.meter.settle(most, None)
            raise
        try:
            self.meter.settle(most, read(self.endpoint, response).usage)
        except CallFailed as error:  # no answer, which is for whoever asked to say
            self.meter.settle(most, error.usage, billed=error.billed)
        return response

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
