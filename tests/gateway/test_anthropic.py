"""Anthropic's wire, as it is documented: what is sent, and what is read of a reply."""

import asyncio
import json

import pytest

from gateway import anthropic
from gateway.call import Endpoint, call
from gateway.client import Client
from gateway.failure import Retryable
from gateway.reply import Ask, Message, Reply, Sampling, Usage
from tests.exchange import http
from tests.gateway.server import Teacher, teacher

REPLY = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "cat"}],
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5, "output_tokens": 3},
}  # fmt: skip
ASK = Ask("m", (Message("system", "One word."), Message("user", "?")), Sampling(temperature=0.0, max_tokens=5, seed=3))


def test_a_question_and_its_answer() -> None:
    async def run() -> tuple[Reply, Teacher]:
        async with teacher(http(200, json.dumps(REPLY).encode())) as served, Client(private=True) as client:
            return await call(client, Endpoint(served.url, "sk-a", "anthropic"), ASK), served

    reply, served = asyncio.run(run())
    ((path, fields, body),) = served.seen
    assert path == "/v1/messages" and fields["x-api-key"] == "sk-a" and fields["anthropic-version"] == anthropic.VERSION
    assert body == {
        "model": "m", "max_tokens": 5, "temperature": 0.0, "system": "One word.", "messages": [{"role": "user", "content": "?"}],
    }  # fmt: skip
    assert reply.choices[0].text == "cat" and reply.usage == Usage(105, 3, cached=90)


def test_a_refusal_and_what_is_no_message() -> None:
    refused = anthropic.reply(json.dumps(REPLY | {"stop_reason": "refusal", "content": []}).encode())
    assert refused.choices[0].refused and not refused.choices[0].text
    with pytest.raises(Retryable, match="not a message"):
        anthropic.reply(b'{"type": "error"}')
    assert anthropic.request(Ask("m", (Message("user", "?"),)))["max_tokens"] == anthropic.UNBOUNDED


@pytest.mark.parametrize(
    "usage", [{}, {"output_tokens": 3}, {"input_tokens": 9}, {"input_tokens": 1.5, "output_tokens": 3}, [9], None]
)
def test_an_answer_is_kept_whatever_is_said_of_its_tokens(usage: object) -> None:
    found = anthropic.reply(json.dumps(REPLY | {"usage": usage}).encode())
    assert (found.choices[0].text, found.usage) == ("cat", None)
