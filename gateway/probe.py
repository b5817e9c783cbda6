"""What an endpoint can do, found by asking: some calls of a few tokens each, none of them kept."""

import asyncio
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.batch import offered
from gateway.call import WIRES, Endpoint, call, gathered, send, streams
from gateway.client import Client, Response
from gateway.failure import CallFailed, Permanent
from gateway.reply import Ask, Message, Reply, Sampling
from gateway.words import NAME, words
from spec.facts import BoundName, Capabilities
from spec.responses import schema

PROSE = (
    "The still house stood at the end of the lane, and every evening the smoke of its one chimney rose straight into the cold air. "
    "Whoever passed by could smell the mash, the copper and the wet stone, and hear the slow drip of the worm into the cask. "
    "Nobody hurried there. What went in by the barrel came out by the bottle, and the old distiller held that nothing was lost but water; "
    "he had learned it from his father, who had it from his, and none of them had ever written down a word of it."
)
"""About 500 bytes, whose tokens tell how the endpoint counts."""
SHORT = "Say yes."
MOST = 20
"""Likely tokens that the wire gives at most."""
THOUGHT = 1024
"""Tokens beside an answer. Models that want `max_completion_tokens` think within it, and OpenAI refuses (400) a bound that leaves no room for that."""
NAMES = ("yes", "no")
LISTED = 1000
"""Names of models that are kept."""
DIGITS = 12
"""Of a limit that is believed."""
HEADERS = {
    "requests_per_minute": ("x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit"),
    "tokens_per_minute": ("x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-limit"),
}


async def models(client: Client, endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the models that it lists; () where it lists none. Raises CallFailed where every call would fail."""
    wire = WIRES[endpoint.wire]
    response = await client.send("GET", endpoint.at("/models"), headers=wire.headers(endpoint.key))
    if not response.well:
        return ()
    return _names(endpoint, response)


@dataclass(frozen=True)
class _Subject:
    """A model that is looked at."""

    client: Client
    endpoint: Endpoint
    model: str
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


async def probe(client: Client, endpoint: Endpoint, model: str) -> Capabilities:
    """Raises CallFailed where a plain question is not answered; what else fails is what the model cannot do."""
    one, response, first = await _met(_Subject(client, endpoint, model))
    short = WIRES[endpoint.wire].reply(response.body)
    began = time.perf_counter()
    long = await one.call(one.ask(PROSE))
    seconds = [first, time.perf_counter() - began]
    slope, start = _tokens(short, long)
    found: dict[str, Any] = {}
    if endpoint.wire == "anthropic":
        found["streaming"] = await _streaming(one)
    else:
        names = ("top_logprobs", "several", "structured", "streaming", "prompt_logprobs")
        tries = (_top_logprobs, _several, _structured, _streaming, _prompt_logprobs)
        seen = await asyncio.gather(*(attempt(one) for attempt in tries))
        found = dict(zip(names, seen, strict=True)) | {"batch": await offered(client, endpoint)}
    return Capabilities(
        bounded_by=one.bounded_by,
        seconds=round(statistics.median(seconds), 4),
        tokens_per_byte=slope,
        tokens_per_call=start,
        limits=_limits(response.headers),
        **found,
    )


async def _met(one: _Subject) -> tuple[_Subject, Response, float]:
    """The model as it takes the bound of an answer, its reply to the short question, and the seconds of that. Raises CallFailed."""
    began = time.perf_counter()
    try:
        return one, await one.send(), time.perf_counter() - began
    except Permanent as error:
        if error.kind != "bad_request" or one.endpoint.wire != "openai":
            raise
        refused = error.message
    one, began = replace(one, bounded_by="max_completion_tokens"), time.perf_counter()
    try:
        return one, await one.send(), time.perf_counter() - began
    except Permanent as error:
        message = f"{refused}; with {one.bounded_by}: {error.message}"
        raise Permanent(error.kind, message, sent=True, status=error.status) from error


def _tokens(short: Reply, long: Reply) -> tuple[float, float]:
    """Tokens a byte of prose, and of a prompt beside its text, from two prompts that were counted."""
    usual = Capabilities()
    if short.usage is None or long.usage is None:
        return usual.tokens_per_byte, usual.tokens_per_call
    bytes_apart = len(PROSE.encode()) - len(SHORT.encode())
    slope = (long.usage.input - short.usage.input) / bytes_apart
    if not 0 < slope <= 1:
        return usual.tokens_per_byte, usual.tokens_per_call
    return round(slope, 5), round(max(0.0, short.usage.input - slope * len(SHORT.encode())), 2)


async def _top_logprobs(one: _Subject) -> int:
    for number in (MOST, 5, 1):
        try:
            reply = await one.call(one.ask(SHORT, top_logprobs=number))
        except CallFailed:
            continue
        tops = reply.choices[0].top_logprobs if reply.choices else None
        if tops and tops[0]:
            return min(number, max(len(tokens) for tokens in tops))
    return 0


async def _several(one: _Subject) -> bool:
    try:
        return len((await one.call(one.ask(SHORT, n=2))).choices) == 2
    except CallFailed:
        return False


async def _structured(one: _Subject) -> bool:
    """Whether the answer is one that the schema allows: some endpoints take the field and ignore it."""
    allowed = {f'{{"answer":"{name}"}}' for name in NAMES}
    try:
        reply = await one.call(one.ask("Say maybe.", 32, schema=schema(NAMES)))
    except CallFailed:
        return False
    return bool(reply.choices) and "".join(reply.choices[0].text.split()) in allowed


async def _streaming(one: _Subject) -> bool:
    """Whether a reply comes as a stream, to its end, with the fields by which we ask for its usage."""
    try:
        response = await one.send(**WIRES[one.endpoint.wire].STREAM)
        return streams(response) and bool(gathered(one.endpoint, response).choices)
    except CallFailed:
        return False


async def _prompt_logprobs(one: _Subject) -> bool:
    try:
        response = await one.send(prompt_logprobs=1)
    except CallFailed:
        return False
    return bool(_json(response).get("prompt_logprobs"))


def _names(endpoint: Endpoint, response: Response) -> tuple[str, ...]:
    listed = _json(response).get("data")
    ids = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(sorted({words(id, endpoint.secret, NAME) for id in ids if isinstance(id, str)}))[:LISTED]


def _json(response: Response) -> dict[str, Any]:
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _limits(headers: Mapping[str, str]) -> dict[str, int]:
    found = {name: next((headers[h] for h in spelled if h in headers), "") for name, spelled in HEADERS.items()}
    return {name: int(value) for name, value in found.items() if value.isdecimal() and len(value) <= DIGITS}
