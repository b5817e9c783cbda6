"""Calls over the chat-completions wire, and every way in which they fail."""

import asyncio
import gzip
import json
import math
from contextlib import suppress

import pytest

from gateway import anthropic, openai
from gateway.batch import may_be_made, offered
from gateway.call import Endpoint, call
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.probe import models
from gateway.reply import Ask, Choice, Message, Reply, Sampling, Usage
from gateway.retry import HOPELESS
from tests.exchange import http
from tests.gateway.server import Teacher, bomb, distribution, teacher

KEY = "sk-planted-7f3a"
TEXTS = ["a cat and a dog", "an oak", "rose fern oak cat", "horse", "a fern by the dog and the rose"]


def ask(text: str, **more: object) -> Ask:
    return Ask("words", (Message("system", "Which class?"), Message("user", text)), **more)  # type: ignore[arg-type]  # fields by name, as a test has them


def failure(fault: bytes | str, **settings: float) -> CallFailed:
    async def attempt() -> CallFailed:
        async with teacher(fault) as served, Client(private=True, **settings) as client:  # type: ignore[arg-type]  # the same
            with pytest.raises(CallFailed) as caught:
                await call(client, Endpoint(served.url, KEY), ask("a cat"))
            assert len(served.seen) == 1
            return caught.value

    return asyncio.run(attempt())


def test_answers_are_the_model_s_own() -> None:
    async def attempt() -> tuple[list[Reply], Teacher]:
        async with teacher() as served, Client(private=True) as client:
            asks = [ask(text, top_logprobs=2) for text in TEXTS]
            return list(await asyncio.gather(*(call(client, Endpoint(served.url, KEY), one) for one in asks))), served

    replies, served = asyncio.run(attempt())
    for text, reply in zip(TEXTS, replies, strict=True):
        shares = distribution(text)
        assert reply.choices[0].text == max(shares, key=lambda name: shares[name])
        assert reply.choices[0].finish_reason == "stop" and reply.model == "words"
        tops = reply.choices[0].top_logprobs
        assert tops is not None
        assert {name: math.exp(value) for name, value in tops[0].items()} == pytest.approx(shares)
        assert reply.usage == Usage(2 + len(text.split()), 1, cached=1)
    assert all(path == "/v1/chat/completions" for path, *_ in served.seen)
    assert all(fields["authorization"] == f"Bearer {KEY}" for _, fields, _ in served.seen)


def test_what_is_not_set_is_not_sent() -> None:
    async def attempt() -> Teacher:
        async with teacher() as served, Client(private=True) as client:
            await call(client, Endpoint(served.url), ask("a cat"))
            full = Sampling(temperature=0.5, top_p=0.9, max_tokens=5, seed=3, n=2, stop=("\n",))
            await call(client, Endpoint(served.url), ask("a cat", sampling=full, schema={"type": "object"}))
            return served

    (_, bare, first), (_, _, second) = asyncio.run(attempt()).seen
    assert set(first) == {"model", "messages"} and "authorization" not in bare
    assert {name: second[name] for name in ("temperature", "top_p", "max_tokens", "seed", "n", "stop")} == {
        "temperature": 0.5, "top_p": 0.9, "max_tokens": 5, "seed": 3, "n": 2, "stop": ["\n"],
    }  # fmt: skip
    schema = {"name": "answer", "strict": True, "schema": {"type": "object"}}
    assert second["response_format"] == {"type": "json_schema", "json_schema": schema}


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [(429, "rate_limited", Retryable), (529, "rate_limited", Retryable), (500, "server_error", Retryable), (503, "server_error", Retryable),
     (408, "timeout", Retryable), (504, "timeout", Retryable), (522, "timeout", Retryable), (524, "timeout", Retryable), (400, "bad_request", Permanent), (401, "unauthorized", Permanent), (402, "unpaid", Permanent),
     (403, "forbidden", Permanent), (404, "not_found", Permanent), (422, "bad_request", Permanent)],
)  # fmt: skip
def test_statuses(status: int, kind: str, error: type[CallFailed]) -> None:
    body = json.dumps({"error": {"message": f"no, {KEY}"}}).encode()
    failed = failure(http(status, body, Retry_After="7"))
    assert (type(failed), failed.kind, failed.status, failed.sent) == (error, kind, status, True)
    assert failed.message == f"HTTP {status}: no, ***"
    assert failed.billed == (kind == "timeout"), (
        "a gateway waits no longer, and whoever stands behind it may answer yet"
    )
    assert may_be_made(failed) == ((status >= 500 and status != 529) or failed.billed), (
        "all that may be billed, and more"
    )
    if isinstance(failed, Retryable):
        assert failed.retry_after == 7


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [(429, {"code": "insufficient_quota", "type": "insufficient_quota"}, "unpaid"), (429, {"type": "insufficient_quota"}, "unpaid"),
     (400, {"code": "billing_hard_limit_reached"}, "unpaid"), (429, {"code": "rate_limit_exceeded", "type": "tokens"}, "rate_limited"),
     (429, {"code": ["insufficient_quota"]}, "rate_limited"), (429, "insufficient_quota", "rate_limited")],
)  # fmt: skip
def test_a_429_of_an_account_without_credit_is_not_waited_out(status: int, error: object, kind: str) -> None:
    said = {"message": f"Check your plan, {KEY}"} | error if isinstance(error, dict) else error
    failed = failure(http(status, json.dumps({"error": said}).encode(), Retry_After="7"))
    assert (failed.kind, failed.status, failed.billed) == (kind, status, False)
    assert isinstance(failed, Permanent) == (kind == "unpaid") == (failed.kind in HOPELESS) and KEY not in str(failed)


def test_retry_after_as_milliseconds_and_as_a_date() -> None:
    soon, past, odd, far, late = (
        failure(http(429, b"", **headers))
        for headers in (
            {"retry_after_ms": "250"},
            {"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"},
            {"Retry_After": "soon"},
            {"Retry_After": "Wed, 21 Oct 2015 07:28:00 +99999999999999"},
            {"Retry_After": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"},
        )
    )
    assert [getattr(one, "retry_after", "") for one in (soon, past)] == [0.25, 0.0]
    assert [getattr(one, "retry_after", "") for one in (odd, far, late)] == [None] * 3


@pytest.mark.parametrize(
    ("fault", "kind", "error"),
    [("reset", "reset", Retryable), ("slow", "timeout", Retryable),
     (http(200, b"{}")[:-2] + b"", "reset", Retryable), (http(200, b'{"model": 1'), "malformed", Retryable),
     (http(200, b"{}").replace(b"Length: 2", b"Length: 9"), "reset", Retryable),
     (http(200, bytes(2 << 20)), "too_large", Permanent), (bomb(300 << 20), "too_large", Permanent),
     (http(200, b"not gzip", Content_Encoding="gzip"), "malformed", Retryable),
     (http(200, b"x", Content_Encoding="br"), "too_large", Permanent)],
)  # fmt: skip
def test_broken_replies(fault: bytes | str, kind: str, error: type[CallFailed]) -> None:
    failed = failure(fault, seconds=1.0, size=1 << 20)
    assert (type(failed), failed.kind, failed.sent) == (error, kind, True)


@pytest.mark.parametrize("tail", [b"x", gzip.compress(b" "), bytes(3 << 20)], ids=["byte", "member", "zeros"])
def test_what_follows_the_end_of_a_gzip_is_not_kept(tail: bytes) -> None:
    """It would have no bound: nothing of it comes out, so nothing is counted."""
    whole = json.dumps({"choices": [{"message": {"content": "oak"}}]}).encode()
    failed = failure(http(200, gzip.compress(whole) + tail, Content_Encoding="gzip"), size=1 << 20)
    assert (failed.kind, failed.message) == ("malformed", "the reply goes on after the end of its gzip")


@pytest.mark.parametrize(
    ("more", "usage"),
    [*(({"usage": {"prompt_tokens": 9, "completion_tokens": 1, **odd}}, None) for odd in (
        {"prompt_tokens_details": {"cached_tokens": 90}}, {"prompt_tokens_details": {"cached_tokens": "some"}}, {"prompt_tokens": 12.5},
        {"completion_tokens": -1}, {"prompt_tokens": 2**70})),
     ({"usage": [9]}, None), ({}, None), ({"usage": {}}, None), ({"usage": {"prompt_tokens": 9}}, None),
     ({"usage": {"prompt_tokens": 9, "completion_tokens": 1}}, Usage(9, 1)), ({"usage": None}, None)],
)  # fmt: skip
def test_what_is_missing_or_odd_beside_an_answer_makes_it_no_worse(
    more: dict[str, object], usage: Usage | None
) -> None:
    """An answer is paid for: it is taken, and without a whole count of tokens it is booked at what was set aside."""
    choice = {"message": {"content": "oak"}, "logprobs": {"content": [{"token": "oak", "top_logprobs": None}]}}
    found = openai.reply(json.dumps({"choices": [choice], **more}).encode())
    assert (found.choices[0].text, found.usage) == ("oak", usage)
    assert found.choices[0].top_logprobs == ({},)


def test_what_an_endpoint_repeats_of_a_key_is_left_out_of_its_reply() -> None:
    """But not a word that a server without keys is given in place of one."""
    choice = {
        "message": {"content": f"oak {KEY}"},
        "finish_reason": KEY,
        "logprobs": {"content": [{"top_logprobs": [{"token": KEY, "logprob": 0}]}]},
    }
    said = json.dumps({"model": KEY, "choices": [choice, {"message": {"content": "none"}}], "usage": None}).encode()
    body = said.replace(KEY.encode(), KEY.replace("-", "\\u002d").encode())

    async def attempt(key: str) -> Reply:
        async with teacher(http(200, body, X_RateLimit_Limit_Requests=KEY)) as served, Client(private=True) as client:
            return await call(client, Endpoint(served.url, key), ask("a cat"))

    reply = asyncio.run(attempt(KEY))
    assert KEY not in repr(reply) and reply.choices[0] == Choice("oak ***", "***", None)
    assert asyncio.run(attempt("none")).choices[1].text == "none"


@pytest.mark.parametrize("status", [200, 201, 203, 206])
def test_any_2xx_is_a_reply(status: int) -> None:
    async def attempt() -> Reply:
        body = json.dumps({"choices": [{"message": {"content": "oak"}}]}).encode()
        async with teacher(http(status, body)) as served, Client(private=True) as client:
            return await call(client, Endpoint(served.url), ask("a cat"))

    assert asyncio.run(attempt()).choices[0].text == "oak"


@pytest.mark.parametrize(
    ("body", "usage"),
    [(b'{"usage": {"prompt_tokens": 9, "completion_tokens": 2}}', Usage(9, 2)),
     (b'{"choices": [{}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}', Usage(9, 2)),
     (b'{"choices": null, "usage": {"prompt_tokens": 9}}', None), (b'{"choices": null, "usage": {"prompt_tokens": -9, "completion_tokens": 2}}', None),
     (b'{"usage": {"prompt_tokens": 9, "completion_tokens": 2}', None), (b"[]", None), (b'{"usage": [9]}', None)],
)  # fmt: skip
def test_a_reply_that_is_no_answer_may_say_what_it_has_used(body: bytes, usage: Usage | None) -> None:
    failed = failure(http(200, body))
    assert (failed.kind, failed.billed, failed.usage) == ("malformed", True, usage)
    told = body.replace(b"prompt_tokens", b"input_tokens").replace(b"completion_tokens", b"output_tokens")
    with pytest.raises(Retryable) as caught:
        anthropic.reply(told)
    assert caught.value.usage == usage


def test_a_closed_port_was_never_sent_to() -> None:
    async def attempt() -> CallFailed:
        async with teacher() as served:
            pass
        async with Client(private=True) as client:
            with pytest.raises(CallFailed) as caught:
                await call(client, Endpoint(served.url, KEY), ask("a cat"))
        return caught.value

    failed = asyncio.run(attempt())
    assert (failed.kind, failed.sent) == ("unreachable", False)


@pytest.mark.parametrize(
    ("url", "path", "whole"),
    [("https://a.example/v1", "/models", "https://a.example/v1/models"),
     ("https://a.example/v1/", "/batches?limit=1", "https://a.example/v1/batches?limit=1"),
     ("https://a.example/v1?api-version=1&b=2", "/models", "https://a.example/v1/models?api-version=1&b=2"),
     ("https://a.example/v1/?api-version=1", "/batches?limit=1", "https://a.example/v1/batches?api-version=1&limit=1")],
)  # fmt: skip
def test_a_query_stands_behind_the_path(url: str, path: str, whole: str) -> None:
    assert Endpoint(url).at(path) == whole


def test_every_call_has_the_query_of_its_endpoint() -> None:
    """Azure: https://….openai.azure.com/openai/v1?api-version=preview."""

    async def attempt() -> Teacher:
        async with teacher() as served, Client(private=True) as client:
            endpoint = Endpoint(served.url + "?api-version=preview", KEY)
            await call(client, endpoint, ask("a cat"))
            with suppress(Permanent):
                await models(client, endpoint)
            await offered(client, endpoint)
            return served

    paths = [path for path, *_ in asyncio.run(attempt()).seen]
    assert paths == [
        "/v1/chat/completions?api-version=preview", "/v1/models?api-version=preview", "/v1/batches?api-version=preview&limit=1",
    ]  # fmt: skip


def test_an_endpoint_does_not_show_its_key() -> None:
    assert KEY not in repr(Endpoint("https://teacher.example/v1", KEY))


@pytest.mark.parametrize("key", ["sk-a\n", "sk a", "sk-\u00e9", "sk\r\nX-Other: 1"])
def test_a_key_that_no_header_holds(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        Endpoint("https://teacher.example/v1", key)
    assert key not in str(caught.value)
