"""Replies that come as a stream: put together to what would have come whole, and every way in which one is not whole."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import stream
from gateway.call import Endpoint, call
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.probe import probe
from gateway.reply import Ask, Choice, Message, Reply, Sampling, Usage
from gateway.subject import Subject
from tests.examples.serving import KEY, MODEL, PROBED, TEXTS, serving, table
from tests.examples.serving import Client as Served
from tests.exchange import http
from tests.gateway.server import bomb, teacher

PLANTED = "sk-planted-7f3a"
TEXT = next(iter(TEXTS))


def sse(*events: object, end: str = "data: [DONE]\n\n") -> bytes:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end
    return http(200, body.encode(), Content_Type="text/event-stream; charset=utf-8")


def part(said: str | None = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": index, "delta": {"content": said}, "finish_reason": finish}], **more}


USAGE = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}}  # fmt: skip


def asked(fault: bytes, *, wire: str = "openai", idle: float = 5.0, **settings: float) -> Reply:
    """What comes of a streamed call to a server that says just this."""

    async def attempt() -> Reply:
        async with teacher(fault) as served, Client(private=True, **settings) as client:  # type: ignore[arg-type]  # settings by name
            endpoint = Endpoint(served.url, PLANTED, wire, idle=idle)  # type: ignore[arg-type]  # a wire's name
            reply = await call(client, endpoint, Ask("m", (Message("user", "?"),)))
            ((_, _, body),) = served.seen
            assert body["stream"] is True
            assert body.get("stream_options") == ({"include_usage": True} if wire == "openai" else None)
            return reply

    return asyncio.run(attempt())


def failure(fault: bytes, **settings: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        asked(fault, **settings)
    return caught.value


def test_pieces_are_put_together() -> None:
    """Choices by their index, whatever their order; counts as the last chunk has them; signs of life are none of it."""
    tokens = [{"token": word, "top_logprobs": [{"token": word, "logprob": -0.5}]} for word in ("ca", "t")]
    first = part("ca", index=1, usage=None)
    first["choices"][0]["logprobs"] = {"content": tokens[:1]}
    second = part("t", index=1, usage={"prompt_tokens": 9, "completion_tokens": 1})
    second["choices"][0]["logprobs"] = {"content": tokens[1:]}
    no = part(None, index=0)
    no["choices"][0]["delta"] = {"role": "assistant", "refusal": "I can"}
    more = part(None, "stop", index=0)
    more["choices"][0]["delta"] = {"refusal": "not"}
    reply = asked(sse(first, no, more, second, part(None, "length", 1), USAGE))
    assert reply == Reply(
        "m",
        (Choice("", "stop", refused=True), Choice("cat", "length", ({"ca": -0.5}, {"t": -0.5}))),
        Usage(9, 2, cached=4),
    )


def test_a_stream_is_read_as_the_standard_has_it() -> None:
    body = (
        "\ufeff: ping\r\ndata:{\r\ndata: }\r\n\r\nevent: x\nid: 1\n\ndata: a\u2028b\rretry: 5\r\rdata: [DONE]".encode()
    )
    assert list(stream.data(body)) == ["{\n}", "a\u2028b", "[DONE]"]


@pytest.mark.parametrize(
    ("fault", "kind", "error", "status"),
    [(sse(part("ca"), end=""), "reset", Retryable, 200), (sse(part("ca", "stop"), USAGE, end=""), "reset", Retryable, 200),
     (sse(), "malformed", Retryable, 200), (sse(part("ca"), ["no"]), "malformed", Retryable, 200),
     (sse(part("ca"), end='data: {"choices": [{"del'), "malformed", Retryable, 200),
     (sse(part("ca")).replace(b"Length: ", b"Length: 9"), "reset", Retryable, None),
     (sse(part("x" * (2 << 20))), "too_large", Permanent, None), (bomb(300 << 20), "too_large", Permanent, None),
     (sse(part("ca"), {"error": {"type": "server_error", "message": "no"}}), "server_error", Retryable, 200),
     (sse(part("ca"), {"error": {"type": "rate_limit_error", "message": f"no, {PLANTED}"}}), "server_error", Retryable, 200),
     (sse({"error": {"code": 429, "message": "no"}}), "rate_limited", Retryable, 429),
     (sse({"error": {"type": "x", "code": "insufficient_quota", "message": "no"}}), "unpaid", Permanent, 402),
     (sse({"error": {"type": "insufficient_quota", "code": 429, "message": "no"}}), "unpaid", Permanent, 402),
     (sse(part("ca"), {"error": {"type": "billing_hard_limit_reached", "message": "no"}}), "unpaid", Permanent, 200),
     (sse({"error": {"type": "BadRequestError", "code": 400, "message": "no"}}), "bad_request", Permanent, 400),
     (sse(part("ca"), {"error": "whatever"}), "server_error", Retryable, 200)],
)  # fmt: skip
def test_broken_streams(fault: bytes, kind: str, error: type[CallFailed], status: int | None) -> None:
    """Status 200, and none at all, are booked at what was set aside; an error before any answer is like its status."""
    failed = failure(fault, seconds=2.0, size=1 << 20)
    assert (type(failed), failed.kind, failed.status, failed.sent) == (error, kind, status, True)
    assert PLANTED not in failed.message


def test_an_answer_is_kept_whatever_is_said_of_its_tokens() -> None:
    odd = ({"prompt_tokens": -9, "completion_tokens": 1}, {"prompt_tokens": 9}, [9])
    replies = [asked(sse(part("cat"), {"choices": [], "usage": usage})) for usage in odd]
    replies += [
        asked(sse(START, *BLOCKS, ENDED | {"usage": usage}, STOP, end=""), wire="anthropic")
        for usage in ({"output_tokens": 1.5}, [9], None)
    ]
    assert [(reply.choices[0].text, reply.usage) for reply in replies] == [("cat", None)] * 6


def test_a_whole_stream_without_an_answer_may_say_what_it_has_used() -> None:
    assert (failure(sse(USAGE)).usage, failure(sse(USAGE, end="")).usage) == (Usage(9, 2, cached=4), None)


def test_a_key_that_is_spelled_in_pieces_is_left_out() -> None:
    """By tokens, as a model writes: they spell it in the log-probabilities, too."""
    pieces = [part(PLANTED[:5]), part(f"{PLANTED[5:]} cat", f"stop {PLANTED}")]
    for one in pieces:
        token = one["choices"][0]["delta"]["content"]
        one["choices"][0]["logprobs"] = {
            "content": [{"token": token, "top_logprobs": [{"token": token, "logprob": -0.5}]}]
        }
    assert asked(sse(*pieces)).choices == (Choice("*** cat", "stop ***", None),)


def test_a_silent_stream_is_given_up() -> None:
    """Long before the time of a call is over: the head of a reply came, and then nothing."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000000\r\n\r\n"

    async def attempt() -> CallFailed:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + b": ping\n\n")
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server, Client(private=True, seconds=30.0) as client:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            with pytest.raises(CallFailed) as caught:
                await asyncio.wait_for(call(client, Endpoint(url, idle=0.2), Ask("m", (Message("user", "?"),))), 10)
        return caught.value

    failed = asyncio.run(attempt())
    assert (failed.kind, failed.status, failed.message) == ("timeout", None, "no byte of the reply for 0.2 s")


def test_a_whole_reply_to_a_streamed_call_is_read() -> None:
    body = {"model": "m", "choices": [{"message": {"content": "cat"}, "finish_reason": "stop"}]}
    reply = asked(http(200, json.dumps(body).encode(), Content_Type="application/json"))
    assert reply == Reply("m", (Choice("cat", "stop"),), None)


START = {
    "type": "message_start",
    "message": {"model": "m", "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 1}},
}
BLOCKS = (
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "ping"},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ca"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "t"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "what_comes_next_year", "delta": {"news": True}},
)  # fmt: skip
ENDED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
STOP = {"type": "message_stop"}


def test_anthropic_s_events() -> None:
    reply = asked(sse(START, *BLOCKS, ENDED, STOP, end=""), wire="anthropic")
    assert reply == Reply("m", (Choice("cat", "end_turn"),), Usage(100, 3, cached=90))
    uncounted = asked(sse(START, *BLOCKS, ENDED | {"usage": {}}, STOP, end=""), wire="anthropic")
    assert uncounted.usage is None, "the start's count of the output is none"


@pytest.mark.parametrize(
    ("events", "kind", "status"),
    [((START, *BLOCKS, ENDED), "reset", 200), ((STOP,), "malformed", 200),
     ((START, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), "server_error", 200),
     (({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},), "rate_limited", 529)],
)  # fmt: skip
def test_anthropic_s_broken_streams(events: tuple[object, ...], kind: str, status: int) -> None:
    failed = failure(sse(*events, end=""), wire="anthropic")
    assert (failed.kind, failed.status) == (kind, status)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """It knows what a probe says, too."""
    path = table(tmp_path_factory.mktemp("table") / "table.jsonl")
    with path.open("a") as lines:
        lines.writelines(json.dumps({"text": text, "label": "torch"}) + "\n" for text in PROBED)
    with serving("--table", path) as found:
        yield found


def test_a_real_teacher_answers_alike_by_stream(served: Served) -> None:
    """Several answers, log-probabilities, cut ones and refused ones: byte for byte what comes whole."""
    ask = Ask(MODEL, (Message("user", TEXT),), Sampling(temperature=1.5, seed=1, n=5), top_logprobs=5)
    plain = Ask(MODEL, (Message("user", TEXT),), Sampling(temperature=0.0, max_tokens=50))
    cut = Ask(MODEL, (Message("user", TEXT),), Sampling(temperature=0.0, max_tokens=1))

    async def alike(wire: Any, ask: Ask) -> Reply:
        async with Client(private=True) as client:
            whole, told = [await call(client, Endpoint(served.url, KEY, wire, idle=idle), ask) for idle in (None, 5.0)]
        assert repr(whole) == repr(told)
        return told

    reply = asyncio.run(alike("openai", ask))
    assert len(reply.choices) == 5 and len({choice.text for choice in reply.choices}) > 1 and reply.usage is not None
    assert asyncio.run(alike("openai", cut)).choices[0].finish_reason == "length"
    assert asyncio.run(alike("anthropic", cut)).choices[0].finish_reason == "max_tokens"
    for fault in ("refused", "empty", "garbage", "no_usage"):
        served.faults(shares={fault: 1.0})
        for wire in ("openai", "anthropic"):
            asyncio.run(alike(wire, plain))
    served.faults()


def test_a_probe_sees_who_streams(served: Served) -> None:
    async def able(url: str, wire: Any) -> bool:
        async with Client(private=True) as client:
            return (await probe(Subject(client=client, endpoint=Endpoint(url, KEY, wire), model=MODEL))).streaming

    async def whole() -> bool:
        async with teacher() as plain:
            return await able(plain.url, "openai")

    assert asyncio.run(able(served.url, "openai")) and asyncio.run(able(served.url, "anthropic"))
    assert not asyncio.run(whole())
