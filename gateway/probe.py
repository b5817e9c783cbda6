"""What an endpoint can do, found by asking: some calls of a few tokens each, none of them kept."""

import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

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
from spec.makeup import KINDS, Kind
from spec.passages import PASSAGES, PROSE
from spec.responses import schema

T = TypeVar("T")
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
    one = replace(one, before=one.before.model_copy(update=counted))
    trials = TRIALS if one.endpoint.wire == "openai" else {name: TRIALS[name] for name in ANTHROPIC}
    passages = dict(one.before.passages)
    if passages:
        trials = {**trials, "passages": partial(_passages, counted=passages)}
    seen = await _all(one, {name: trial for name, trial in trials.items() if not left or name in left})
    found = {name: value for name, value in seen.items() if value is not None}
    found |= {"bounded_by": one.bounded_by, "limits": _limits(one.endpoint, response.headers), "passages": passages}
    found["unseen"] = tuple(name for name, value in seen.items() if value is None)
    return one.before.model_copy(update=found)


async def _counted(one: Subject, response: Response, first: float) -> dict[str, Any]:
    """Seconds and tokens of the short question, which was answered, and of prose. Raises CallFailed."""
    short = WIRES[one.endpoint.wire].reply(response.body)
    long, second = await one.tried(lambda: one.call(one.ask(PROSE)))
    seconds = {"seconds": round(statistics.median((first, second)), 4)}
    usual = Capabilities()
    return seconds | (
        _tokens(short, long) or usual.model_dump(include={"tokens_per_byte", "tokens_per_call", "passages"})
    )


async def _all(one: Subject, trials: "Mapping[str, Trial]") -> dict[str, Any]:
    """What each shows, side by side; None where it was held up. Raises the first other failure."""

    async def seen_of(trial: Trial) -> Any:
        try:
            async with asyncio.timeout_at(one.until):
                return await trial(one)
        except (TimeoutError, Broke):
            return None
        except Retryable as error:
            if error.kind not in HELD_UP:
                raise
            return None

    return dict(zip(trials, await _together(map(seen_of, trials.values())), strict=True))


async def _together(looks: Iterable[Awaitable[T]]) -> list[T]:
    """What all show. Raises the first failure, once all have ended: none goes on without us."""
    seen = await asyncio.gather(*looks, return_exceptions=True)
    for found in seen:
        if isinstance(found, BaseException):
            raise found
    return [found for found in seen if not isinstance(found, BaseException)]


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


def _tokens(short: Reply, long: Reply) -> dict[str, Any] | None:
    """Tokens of a byte of prose, of the whole passage, and of a prompt beside its text, from two prompts that were counted. None: they were not."""
    if short.usage is None or long.usage is None:
        return None
    size = len(PROSE.encode())
    slope = (long.usage.input - short.usage.input) / (size - len(SHORT.encode()))
    if not 0 < slope <= 1:
        return None
    start = round(max(0.0, short.usage.input - slope * len(SHORT.encode())), 2)
    return {"tokens_per_byte": round(slope, 5), "tokens_per_call": start, "passages": {"prose": round(slope * size, 2)}}


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


async def _passages(one: Subject, counted: dict[str, float]) -> bool:
    """Counts those that are not there yet, each as it comes, so that what one probe has no room for is left to the next."""

    async def told(kind: Kind) -> float | None:
        reply = await one.call(one.ask(PASSAGES[kind]))
        return None if reply.usage is None else reply.usage.input - one.before.tokens_per_call

    async def look(kind: Kind) -> None:
        tokens = await one.shown(partial(told, kind), None, before=kind in one.before.passages)
        if tokens is not None:
            counted[kind] = round(tokens, 2)

    await _together(look(kind) for kind in KINDS if kind not in counted)
    return True


Trial = Callable[[Subject], Awaitable[Any]]
TRIALS: Mapping[str, Trial] = {
    "top_logprobs": _top_logprobs, "several": _several, "structured": _structured, "streaming": _streaming,
    "prompt_logprobs": _prompt_logprobs, "batch": _batch,
}  # fmt: skip
ANTHROPIC = ("streaming",)
"""What is looked for on that wire."""


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
