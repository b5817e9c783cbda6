"""What an endpoint can do, found by asking: some calls of a few tokens each, none of them kept."""

import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.batch import offered
from gateway.call import WIRES, Endpoint, failed, gathered, streams
from gateway.client import Client, Response
from gateway.failure import Permanent, Retryable
from gateway.purse import Broke
from gateway.reply import Reply
from gateway.retry import tried
from gateway.subject import SHORT, Subject
from gateway.words import NAME, words
from spec.facts import Capabilities
from spec.responses import schema

PROSE = (
    "The still house stood at the end of the lane, and every evening the smoke of its one chimney rose straight into the cold air. "
    "Whoever passed by could smell the mash, the copper and the wet stone, and hear the slow drip of the worm into the cask. "
    "Nobody hurried there. What went in by the barrel came out by the bottle, and the old distiller held that nothing was lost but water; "
    "he had learned it from his father, who had it from his, and none of them had ever written down a word of it."
)
"""About 500 bytes, whose tokens tell how the endpoint counts."""
MOST = 20
"""Likely tokens that the wire gives at most."""
NAMES = ("yes", "no")
LISTED = 1000
"""Names of models that are kept."""
HELD_UP = ("rate_limited", "timeout")
"""Failures that say nothing of what a model can do."""
DIGITS = 12
"""Of a limit that is believed."""
HEADERS = {
    "requests_per_minute": ("x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit"),
    "tokens_per_minute": ("x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-limit"),
}


async def models(client: Client, endpoint: Endpoint, until: float = float("inf")) -> tuple[str, ...]:
    """Names of the models that it lists. `until`: on the loop's clock; it is not asked again after it. Raises CallFailed."""

    async def listed() -> Response:
        headers = WIRES[endpoint.wire].headers(endpoint.key)
        response = await client.send("GET", endpoint.at("/models"), headers=headers)
        if not response.well:
            raise failed(response, endpoint.key)
        return response

    return _names(endpoint, await tried(listed, until))


async def probe(one: Subject) -> Capabilities:
    """What `until`, the endpoint's rate limit or the month's money has no room for stays as it was seen before, and is named in `unseen`: the next
    probe puts a plain question and goes on with that.

    Raises CallFailed where a plain question is not answered, and where another one fails otherwise for a reason that may pass; TimeoutError and
    Broke where there is no room for plain questions alone.
    """
    left = one.before.unseen
    async with asyncio.timeout_at(one.until):
        one, response, first = await _met(one)
        counted = {} if left else await _counted(one, response, first)
    trials = {"streaming": _streaming} if one.endpoint.wire == "anthropic" else TRIALS
    seen = await _all(one, {name: trial for name, trial in trials.items() if not left or name in left})
    found = {name: value for name, value in seen.items() if value is not None}
    found |= {"bounded_by": one.bounded_by, "limits": _limits(one.endpoint, response.headers)}
    found["unseen"] = tuple(name for name, value in seen.items() if value is None)
    return one.before.model_copy(update=counted | found)


async def _counted(one: Subject, response: Response, first: float) -> dict[str, float]:
    """Seconds and tokens of the short question, which was answered, and of prose. Raises CallFailed."""
    short = WIRES[one.endpoint.wire].reply(response.body)
    long, second = await one.tried(lambda: one.call(one.ask(PROSE)))
    slope, start = _tokens(short, long)
    return {
        "seconds": round(statistics.median((first, second)), 4),
        "tokens_per_byte": slope,
        "tokens_per_call": start,
    }


async def _all(one: Subject, trials: "Mapping[str, Trial]") -> dict[str, Any]:
    """What each shows, side by side; None where it was held up. Raises the first other failure, once all have ended: none goes on without us."""

    async def seen_of(trial: Trial) -> int | None:
        try:
            async with asyncio.timeout_at(one.until):
                return await trial(one)
        except (TimeoutError, Broke):
            return None
        except Retryable as error:
            if error.kind not in HELD_UP:
                raise
            return None

    seen = await asyncio.gather(*map(seen_of, trials.values()), return_exceptions=True)
    for found in seen:
        if isinstance(found, BaseException):
            raise found
    return dict(zip(trials, seen, strict=True))


async def _met(one: Subject) -> tuple[Subject, Response, float]:
    """The model as it takes the bound of an answer, its reply to the short question, and the seconds of that. Raises CallFailed."""
    try:
        return one, *await one.tried(one.send)
    except Permanent as error:
        if error.kind != "bad_request" or one.endpoint.wire != "openai":
            raise
        refused = error.message
    one = replace(one, bounded_by="max_completion_tokens")
    try:
        return one, *await one.tried(one.send)
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


async def _top_logprobs(one: Subject) -> int:
    async def told(number: int) -> int:
        reply = await one.call(one.ask(SHORT, top_logprobs=number))
        tops = reply.choices[0].top_logprobs if reply.choices else None
        return min(number, max(len(tokens) for tokens in tops)) if tops and tops[0] else 0

    for number, fewer in ((MOST, 5), (5, 1), (1, 0)):
        if found := await one.shown(partial(told, number), 0, before=one.before.top_logprobs > fewer):
            return found
    return 0


async def _several(one: Subject) -> bool:
    async def two() -> bool:
        return len((await one.call(one.ask(SHORT, n=2))).choices) == 2

    return await one.shown(two, nothing=False, before=one.before.several)


async def _structured(one: Subject) -> bool:
    """Whether the answer is one that the schema allows: some endpoints take the field and ignore it."""
    allowed = {f'{{"answer":"{name}"}}' for name in NAMES}

    async def kept_to() -> bool:
        reply = await one.call(one.ask("Say maybe.", 32, schema=schema(NAMES)))
        return bool(reply.choices) and "".join(reply.choices[0].text.split()) in allowed

    return await one.shown(kept_to, nothing=False, before=one.before.structured)


async def _streaming(one: Subject) -> bool:
    """Whether a reply comes as a stream, to its end, with the fields by which we ask for its usage."""

    async def streamed() -> bool:
        response = await one.send(**WIRES[one.endpoint.wire].STREAM)
        return streams(response) and bool(gathered(one.endpoint, response).choices)

    return await one.shown(streamed, nothing=False, before=one.before.streaming)


async def _prompt_logprobs(one: Subject) -> bool:
    async def told() -> bool:
        return bool(_json(await one.send(prompt_logprobs=1)).get("prompt_logprobs"))

    return await one.shown(told, nothing=False, before=one.before.prompt_logprobs)


async def _batch(one: Subject) -> bool:
    return await one.shown(lambda: offered(one.client, one.endpoint), nothing=False, before=one.before.batch)


Trial = Callable[[Subject], Awaitable[int]]
TRIALS: Mapping[str, Trial] = {
    "top_logprobs": _top_logprobs, "several": _several, "structured": _structured, "streaming": _streaming,
    "prompt_logprobs": _prompt_logprobs, "batch": _batch,
}  # fmt: skip


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


def _limits(endpoint: Endpoint, headers: Mapping[str, str]) -> dict[str, int]:
    found = {name: next((headers[h] for h in spelled if h in headers), "") for name, spelled in HEADERS.items()}
    return {
        name: int(value)
        for name, value in found.items()
        if value.isdecimal() and len(value) <= DIGITS and value != endpoint.secret
    }
