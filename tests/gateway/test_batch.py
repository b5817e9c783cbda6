"""Batches on the wire: files of calls in their order and bounds, results in whatever order they come, and replies that no endpoint should send."""

import asyncio
import gzip
import json
import shutil
from decimal import Decimal
from io import BytesIO
from tempfile import TemporaryFile, gettempdir
from typing import Any

import pytest

from gateway import batch, spool
from gateway.call import Endpoint
from gateway.client import REPLY, Client, Into
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.form import Form
from gateway.front import failed, trouble
from gateway.price import Price
from gateway.reply import Message, Reply, Sampling
from gateway.results import Results
from gateway.shipment import cost_of
from gateway.spool import Spool
from models.finish import DISK_FULL
from models.postage import Entry
from tests.exchange import http
from tests.gateway.server import teacher

HERE = Endpoint("https://api.example.com/v1", "sk-secret")


def result(call: object, status: int = 200, **more: Any) -> dict[str, Any]:
    said = {"model": "m", "choices": [{"message": {"content": f"said {call}"}}]}
    body = said if status == 200 else {"error": {"message": "no, sk-secret"}}
    return {"custom_id": str(call), "response": {"status_code": status, "body": body}, "error": None} | more


def lapsed(call: int, word: str) -> dict[str, Any]:
    return result(call, response=None, error={"code": word, "message": "too late, sk-secret"})


def file(*lines: object) -> BytesIO:
    return BytesIO(b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines))


def test_results_are_found_by_their_number_and_come_once() -> None:
    """Out of order, twice, of calls that were not made, and no JSON at all; what no file has comes last."""
    first = file(result(3), result(0), b"no JSON\n", result(0, 500), result(99), result("x"), result(-1), b"[1]\n")
    second = file(result(1, 400), lapsed(4, "batch_expired"), lapsed(5, "batch_cancelled"), result(2, 429), result(3))
    found = Results([first, second], 8, HERE, "completed")
    parts = [found.part(0, 3), found.part(3, 3), found.part(6, 100)]
    assert len(found) == 8 and [number for part in parts for number, _ in part] == [3, 0, 1, 4, 5, 2, 6, 7]
    by_number = dict(parts[0] + parts[1] + parts[2])
    said = {number: one.choices[0].text for number, one in by_number.items() if isinstance(one, Reply)}
    assert said == {3: "said 3", 0: "said 0"}
    kinds = {number: (one.kind, one.billed) for number, one in by_number.items() if isinstance(one, CallFailed)}
    assert kinds == {
        1: ("bad_request", False), 2: ("rate_limited", False), 4: ("expired", False), 5: ("cancelled", False),
        6: ("malformed", True), 7: ("malformed", True),
    }  # fmt: skip
    assert "sk-secret" not in str([str(one) for one in by_number.values()]) and "***" in str(by_number[4])


def test_a_call_of_a_batch_that_is_refused_may_pass_where_it_may_be_the_key_s() -> None:
    lines = [result(number, status) for number, status in enumerate((401, 402, 403, 404, 400))]
    found = Results([file(*lines)], 5, HERE, "completed").part(0, 9)
    told = [failed(number, one) for number, one in found if isinstance(one, CallFailed)]
    assert [one.failed for one in told] == ["unauthorized", "unpaid", "forbidden", "not_found", "bad_request"]
    assert [one.passing for one in told] == [True] * 4 + [False]


def test_what_a_batch_that_ended_early_lacks_was_not_made() -> None:
    ((_, one),) = Results([], 1, HERE, "expired").part(0, 9)
    assert isinstance(one, Retryable) and (one.kind, one.sent) == ("expired", False)


def test_a_reply_that_is_none_may_be_billed() -> None:
    odd = result(0, response={"status_code": 200, "body": {"choices": "none"}})
    ((_, one),) = Results([file(odd)], 1, HERE, "completed").part(0, 9)
    assert isinstance(one, Retryable) and (one.kind, one.status) == ("malformed", 200)


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"id": "../x", "status": "completed"}', b'{"id": 7, "status": "completed"}', b'{"id": "batch_1"}'],
)
def test_a_batch_that_is_none_is_not_followed(body: bytes) -> None:
    """An id goes into paths: none leads elsewhere."""

    async def run() -> None:
        async with teacher(http(200, body)) as served, Client(private=True) as client:
            with pytest.raises(Retryable, match="the reply is no"):
                await batch.look(client, Endpoint(served.url), "batch_1")

    asyncio.run(run())


def test_calls_of_a_batch_are_charged_by_their_replies() -> None:
    """One that a gateway gave up is not billed later: the batch has ended."""
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    mute, late = result(0, response={"status_code": 200, "body": {"usage": usage}}), result(1, 504)
    created, failed = result(2), result(3, 500)
    created["response"]["status_code"] = 201
    found = dict(Results([file(mute, late, created, failed)], 4, HERE, "completed").part(0, 9))
    price, entry = Price(Decimal(1), Decimal(2)), Entry("d", 0, 1, 100)
    assert [int(cost_of(found[number], entry, price)) for number in range(4)] == [9 + 2 * 2, 0, 100, 0]
    assert isinstance(found[2], Reply)


def test_a_batch_that_is_called_by_the_key_is_none() -> None:
    """Its name would be kept."""

    async def run() -> None:
        told = {"id": f"batch-{HERE.key}", "status": "completed"}
        async with teacher(http(200, json.dumps(told).encode())) as served, Client(private=True) as client:
            with pytest.raises(Retryable, match="the reply is no batch"):
                await batch.look(client, Endpoint(served.url, HERE.key), "batch_1")

    asyncio.run(run())


def test_odd_counts_and_files_are_left_out() -> None:
    told: dict[str, Any] = {"id": "batch_1", "status": "failed", "output_file_id": "a/../b", "error_file_id": "file-1"}
    told |= {
        "request_counts": {"total": -4, "completed": "many"},
        "errors": {"data": [{"code": "x", "message": "no: sk-secret"}]},
    }

    async def run() -> batch.Remote:
        async with teacher(http(200, json.dumps(told).encode())) as served, Client(private=True) as client:
            return await batch.look(client, Endpoint(served.url, HERE.key), "batch_1")

    found = asyncio.run(run())
    assert (found.files, found.total, found.done, found.ended) == (("file-1",), 0, 0, True)
    assert found.refusal is not None and found.refusal == ("x", "no: ***")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_is_taken_to_its_bound_and_no_further(zipped: bool) -> None:
    content = bytes(3_000_000)
    sent = http(200, gzip.compress(content), Content_Encoding="gzip") if zipped else http(200, content)

    async def run(size: int) -> int:
        async with teacher(sent) as served, Client(private=True, size=1000) as client:
            with TemporaryFile() as into:
                reply = await client.send("GET", served.url, into=Into(into, size))
                assert reply.body == b""
                return into.tell()

    assert asyncio.run(run(3_000_000)) == 3_000_000
    with pytest.raises(Permanent, match="larger than 2000000 bytes"):
        asyncio.run(run(2_000_000))


def test_results_take_no_more_room_than_their_calls_may_need_and_leave_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor more than a disk has: others put their files there, too."""
    monkeypatch.setattr(batch, "REPLY", 1_000_000)

    async def run(most: int) -> int:
        async with teacher(http(200, bytes(3_000_000))) as served, Client(private=True) as client:
            with TemporaryFile() as into:
                await batch.download(client, Endpoint(served.url), "file-2", into, most)
                return into.tell()

    assert asyncio.run(run(2_000_000)) == 3_000_000
    with pytest.raises(Permanent, match="larger than 2000000 bytes"):
        asyncio.run(run(1_000_000))
    monkeypatch.setattr(batch, "FREE", shutil.disk_usage(gettempdir()).free)
    with pytest.raises(OSError, match="No space left") as error:
        asyncio.run(run(2_000_000))
    assert trouble(error.value, "").code == DISK_FULL


@pytest.mark.parametrize(("tokens", "samples", "tops"), [(8, 1, None), (8, 5, 20), (512, 2, None), (200, 1, 5)])
def test_the_room_of_a_result_hangs_on_what_its_answers_may_have(tokens: int, samples: int, tops: int | None) -> None:
    """It has some for the longest one that OpenAI would send, and not much more."""
    token = "\u2003 wörter"
    told = {"token": token, "logprob": -12.345678901234567, "bytes": list(token.encode())}
    place = told | {"top_logprobs": [told] * (tops or 0)}
    choice = {
        "message": {"content": token * tokens, "reasoning": token * tokens},
        "logprobs": None if tops is None else {"content": [place] * tokens},
    }
    said = result(0, response={"status_code": 200, "body": {"choices": [choice] * samples, "more": "x" * 1000}})
    sampling = Sampling(max_tokens=tokens)
    form = Form(endpoint="ep_a", digest="d", model="m", sampling=sampling, samples=samples, top_logprobs=tops)
    entry = form.entry([Message("user", "?")], "key", 0, samples)
    length = len(json.dumps(said))
    assert length < entry.size < 8 * length + (8 << 10) and entry[:3] == ("key", 0, samples)


def test_a_result_whose_answers_have_no_bound_has_no_more_room_than_a_reply() -> None:
    for tops, size in ((None, 520 << 10), (20, REPLY)):
        form = Form(endpoint="ep_a", digest="d", model="m", sampling=Sampling(), top_logprobs=tops)
        assert form.entry([], "key", 0, 1).size == size
    assert Entry("of a batch that was sent before", 0, 1, 1).size == REPLY


def test_calls_go_off_in_their_order_and_in_files_of_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BYTES", 4 * (10 + spool.AROUND))
    with TemporaryFile() as kept, TemporaryFile() as sent:
        waiting = Spool(kept)
        calls = [waiting.put(Entry(str(i), 0, 1, 1), b"%-10d" % i) for i in range(9)]
        waiting.add(calls[2:])
        waiting.add(calls[:2], first=True)
        assert waiting.full and [call.entry.digest for call in waiting.load(3)] == ["0", "1", "2"]
        load = waiting.load(99)
        waiting.write(load, sent)
        sent.seek(0)
        numbers, bodies = zip(*((one["custom_id"], one["body"]) for one in map(json.loads, sent)), strict=True)
        assert (numbers, bodies) == (("0", "1", "2", "3"), (3, 4, 5, 6)) and len(waiting) == 2
