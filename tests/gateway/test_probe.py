"""What a probe finds out about how a model is asked, and what it says of one that does not answer."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import openai
from gateway.call import Endpoint, call
from gateway.client import Client
from gateway.failure import CallFailed, Permanent
from gateway.form import Form
from gateway.probe import probe
from gateway.reply import Message, Reply, Sampling
from gateway.subject import THOUGHT, Subject
from spec.facts import Capabilities
from tests.examples.serving import KEY, MODEL, PROBED, TEXTS, serving, table
from tests.examples.serving import Client as Served
from tests.exchange import http
from tests.gateway.server import teacher

TEXT, LABEL = next(iter(TEXTS.items()))
THINKS = 40
"""Tokens before each answer."""


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A model that refuses `max_tokens`, and a bound that leaves no room for its thought."""
    path = table(tmp_path_factory.mktemp("table") / "table.jsonl")
    with path.open("a") as lines:
        lines.writelines(json.dumps({"text": text, "label": LABEL}) + "\n" for text in PROBED)
    with serving("--table", path, "--thought", str(THINKS)) as found:
        yield found


async def seen(url: str, **more: Any) -> Capabilities:
    async with Client(private=True) as client:
        return await probe(Subject(client=client, endpoint=Endpoint(url, KEY), model=MODEL, **more))


def test_a_model_that_refuses_max_tokens_is_asked_by_the_newer_name(thinker: Served) -> None:
    able = asyncio.run(seen(thinker.url))
    assert able.bounded_by == "max_completion_tokens" and THINKS < THOUGHT
    assert able.streaming and able.several and able.top_logprobs, "each further question is bounded so, too"
    sampling = Sampling(temperature=0.0, max_tokens=THINKS + 8)
    form = Form(endpoint="ep_a", digest="d", model=MODEL, sampling=sampling, bounded_by=able.bounded_by)
    ask = form.ask([Message("user", TEXT)], 0, 1)
    assert {name for name in openai.request(ask) if "tokens" in name} == {"max_completion_tokens"}

    async def answered(idle: float | None) -> Reply:
        async with Client(private=True) as client:
            return await call(client, Endpoint(thinker.url, KEY, idle=idle), ask)

    for idle in (None, 5.0):
        reply = asyncio.run(answered(idle))
        assert reply.choices[0].text == LABEL and reply.usage is not None and reply.usage.output > THINKS


def test_how_an_answer_is_bounded_asks_no_other_question() -> None:
    one, other = (
        Form(endpoint="ep_a", digest="d", model=MODEL, sampling=Sampling(max_tokens=8), bounded_by=name)
        for name in ("max_tokens", "max_completion_tokens")
    )
    assert one.digest_of([Message("user", "?")]) == other.digest_of([Message("user", "?")])


def test_a_model_that_takes_max_tokens_is_asked_as_ever() -> None:
    async def run() -> tuple[Capabilities, set[str]]:
        async with teacher() as served:
            able = await seen(served.url)
        return able, {name for _, _, body in served.seen for name in body if "tokens" in name}

    able, names = asyncio.run(run())
    assert able.bounded_by == "max_tokens" and names == {"max_tokens"}


def test_a_model_that_refuses_both_says_what_it_said_to_each() -> None:
    async def run() -> tuple[CallFailed, int]:
        async with teacher(http(400, b'{"error": {"message": "no chat model"}}')) as served:
            with pytest.raises(Permanent) as caught:
                await seen(served.url)
        return caught.value, len(served.seen)

    failed, calls = asyncio.run(run())
    said = "HTTP 400: no chat model"
    assert (failed.kind, failed.message) == ("bad_request", f"{said}; with max_completion_tokens: {said}")
    assert calls == 2
