"""The example's teacher over sockets: its bill, its limits, and what goes wrong on purpose."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.teacher_server.answer import GARBAGE, REFUSAL
from examples.teacher_server.faults import KINDS, UNBILLED
from examples.teacher_server.limits import Bucket, Limits, duration
from tests.examples.serving import MODEL, Client, serving, table

TEXT, LABEL = "text number 3 about pydantic", "pydantic"
INPUT, OUTPUT, CACHED = Decimal("0.40"), Decimal("1.60"), Decimal("0.10")
FLAGS = ("--price", f"{INPUT}/{OUTPUT}/{CACHED}", "--cached-from", "32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("table")
    table(found / "table.jsonl")
    return found


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with serving("--table", folder / "table.jsonl", "--ledger", folder / "ledger.jsonl", *FLAGS) as found:
        yield found


@pytest.fixture(autouse=True)
def well(client: Client) -> Iterator[None]:
    yield
    client.faults()


def usd(usage: dict[str, Any]) -> Decimal:
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    fresh = usage["prompt_tokens"] - cached
    return Decimal(fresh * INPUT + cached * CACHED + usage["completion_tokens"] * OUTPUT) / 10**6


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


class TestLedger:
    def test_the_bill_is_the_sum_of_usage(self, client: Client, folder: Path) -> None:
        before = client.ledger()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(client.chat, TEXT, n=1 + number % 3) for number in range(40)]
            usages = [reply.result().json()["usage"] for reply in asked]
        after = client.ledger()
        assert after["calls"] - before["calls"] == 40
        for name in ("prompt_tokens", "completion_tokens"):
            assert after[name] - before[name] == sum(usage[name] for usage in usages)
        assert Decimal(after["usd"]) - Decimal(before["usd"]) == sum(map(usd, usages), Decimal())
        assert sum((Decimal(line["usd"]) for line in lines(folder)), Decimal()) == Decimal(after["usd"])
        assert [line["usd"] for line in lines(folder)[-40:]].count("0") == 0

    def test_a_beginning_that_was_there_before_is_cheaper(self, client: Client) -> None:
        messages = [{"role": "system", "content": "Class the text well. " * 50}, {"role": "user", "content": TEXT}]
        first, second = (client.chat("", messages=messages).json()["usage"] for _ in range(2))
        assert first["prompt_tokens_details"]["cached_tokens"] == 0
        cached = second["prompt_tokens_details"]["cached_tokens"]
        assert cached == 32 + 128 * ((second["prompt_tokens"] - 32) // 128) > 0
        assert usd(second) < usd(first)
        other = client.message(TEXT, system=messages[0]["content"]).json()["usage"]
        assert (other["cache_read_input_tokens"], other["input_tokens"]) == (cached, first["prompt_tokens"] - cached)

    def test_the_anthropic_wire_is_billed_alike(self, client: Client) -> None:
        before = Decimal(client.ledger()["usd"])
        usage = client.message(TEXT).json()["usage"]
        exact = (usage["input_tokens"] * INPUT + usage["output_tokens"] * OUTPUT) / 10**6
        assert Decimal(client.ledger()["usd"]) - before == exact

    def test_a_bill_goes_on_where_it_was(self, folder: Path, tmp_path: Path) -> None:
        flags = ("--table", folder / "table.jsonl", "--ledger", tmp_path / "own.jsonl", *FLAGS)
        with serving(*flags) as one:
            one.chat(TEXT)
            one.chat(TEXT, n=0)
            before = one.ledger()
        with serving(*flags) as two:
            assert two.ledger() == before
        assert (before["calls"], before["unbilled"]) == (1, 1)


class TestFaults:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_happens_and_the_ledger_knows_it(self, client: Client, folder: Path, kind: str) -> None:
        client.faults(shares={kind: 1.0}, seconds=0.2)
        before, told = client.ledger(), FAULTS[kind](client)
        after, last = client.ledger(), lines(folder)[-1]
        billed = kind not in UNBILLED
        assert told
        assert (last["fault"], last["billed"]) == (kind, billed)
        assert (after["calls"] - before["calls"], after["unbilled"] - before["unbilled"]) == (billed, not billed)
        assert (Decimal(after["usd"]) > Decimal(before["usd"])) == billed
        assert client.control("GET", "/faults")["injected"] == {kind: 1}

    def test_the_anthropic_wire_has_them_too(self, client: Client) -> None:
        for kind, status, error in (
            ("status_429", 429, "rate_limit_error"), ("status_500", 500, "api_error"), ("status_529", 529, "overloaded_error"),
        ):  # fmt: skip
            client.faults(shares={kind: 1.0})
            reply = client.message(TEXT)
            assert (reply.status_code, reply.json()["error"]["type"]) == (status, error)
        client.faults(shares={"refused": 1.0})
        assert client.message(TEXT).json()["stop_reason"] == "refusal"
        client.faults(shares={"empty": 1.0})
        assert client.message(TEXT).json()["content"] == []
        client.faults(shares={"no_usage": 1.0})
        assert "usage" not in client.message(TEXT).json()

    @pytest.mark.parametrize("kind", ["truncated_body", "error_event"])
    def test_a_stream_that_breaks_off_is_billed_as_far_as_it_came(
        self, client: Client, folder: Path, kind: str
    ) -> None:
        client.faults(shares={kind: 1.0})
        body = {"model": MODEL, "messages": [{"role": "user", "content": TEXT}], "n": 8, "stream": True}
        events: list[dict[str, Any]] = []
        url = f"{client.url}/chat/completions"
        with (
            contextlib.suppress(httpx.RemoteProtocolError),
            httpx.stream("POST", url, json=body, headers=client.headers) as reply,
        ):
            events.extend(json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: {"))
        told = sum(bool(part["delta"].get("content")) for event in events for part in event.get("choices", ()))
        line = lines(folder)[-1]
        assert (line["fault"], line["billed"]) == (kind, True) and 0 < told <= line["completion_tokens"] < 8 * len(
            LABEL
        )
        assert [event["error"]["type"] for event in events if "error" in event] == ["server_error"] * (
            kind == "error_event"
        )

    def test_a_seed_repeats_them_in_their_shares(self, client: Client) -> None:
        def drawn(seed: int) -> list[int]:
            client.faults(shares={"status_429": 0.2, "status_500": 0.3}, seed=seed)
            with httpx.Client(headers=client.headers) as http:
                body = {"model": "minilm-docstrings", "messages": [{"role": "user", "content": TEXT}]}
                return [http.post(f"{client.url}/chat/completions", json=body).status_code for _ in range(200)]

        first = drawn(1)
        assert first == drawn(1) != drawn(2)
        counts = Counter(first)
        assert 20 <= counts[429] <= 60 and 40 <= counts[500] <= 80 and counts[200] >= 70

    @pytest.mark.parametrize(
        "wrong",
        [{"shares": {"gremlin": 1}}, {"shares": {"reset": 1.5}}, {"shares": {"reset": 0.6, "empty": 0.6}}, {"a": 1}],
    )
    def test_wrong_ones_are_refused(self, client: Client, wrong: dict[str, Any]) -> None:
        url = client.url.removesuffix("/v1") + "/faults"
        assert httpx.post(url, json=wrong, headers=client.headers).status_code == 400
        assert client.answer(TEXT) == LABEL


def status(client: Client, wanted: int) -> httpx.Response:
    reply = client.chat(TEXT)
    assert reply.status_code == wanted
    return reply


def said(client: Client, content: str | None) -> dict[str, Any]:
    reply: dict[str, Any] = status(client, 200).json()
    assert reply["choices"][0]["message"]["content"] == content
    return reply


def rate_limited(client: Client) -> bool:
    reply = status(client, 429)
    return reply.headers["retry-after"] == "1" and reply.json()["error"]["code"] == "rate_limit_exceeded"


def broken(client: Client) -> bool:
    with pytest.raises(httpx.TransportError):
        client.chat(TEXT)
    return True


def slow(client: Client) -> bool:
    begun = time.monotonic()
    said(client, LABEL)
    return time.monotonic() - begun >= 0.2


def malformed(client: Client) -> bool:
    with pytest.raises(json.JSONDecodeError):
        status(client, 200).json()
    return True


FAULTS: dict[str, Callable[[Client], object]] = {
    "status_429": rate_limited,
    "status_500": lambda client: status(client, 500).json()["error"]["message"],
    "status_529": lambda client: status(client, 529).json()["error"]["message"],
    "drop": broken,
    "reset": broken,
    "slow_body": slow,
    "truncated_body": broken,
    "malformed_json": malformed,
    "empty": lambda client: said(client, "")["usage"]["completion_tokens"] == 0,
    "refused": lambda client: said(client, None)["choices"][0]["message"]["refusal"] == REFUSAL,
    "garbage": lambda client: said(client, GARBAGE)["usage"]["completion_tokens"] > 5,
    "no_usage": lambda client: "usage" not in said(client, LABEL),
    "error_event": lambda client: said(client, LABEL),
    "no_end": lambda client: said(client, LABEL),
}


class TestLimits:
    def test_requests_a_minute(self, folder: Path) -> None:
        with serving("--table", folder / "table.jsonl", "--rpm", "3") as limited:
            replies = [limited.chat(TEXT) for _ in range(4)]
            assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
            assert [reply.headers["x-ratelimit-remaining-requests"] for reply in replies] == ["2", "1", "0", "0"]
            assert replies[0].headers["x-ratelimit-limit-requests"] == "3"
            assert 15 <= int(replies[3].headers["retry-after"]) <= 20
            assert int(replies[3].headers["retry-after-ms"]) <= 1000 * int(replies[3].headers["retry-after"])
            refused = limited.message(TEXT)
            assert (refused.status_code, refused.headers["anthropic-ratelimit-requests-remaining"]) == (429, "0")
            assert (limited.ledger()["calls"], limited.ledger()["unbilled"]) == (3, 2)

    def test_tokens_a_minute_and_calls_at_once(self, folder: Path) -> None:
        flags = ("--tpm", "60", "--concurrency", "2", "--latency", "0.5")
        with serving("--table", folder / "table.jsonl", *flags) as limited:
            with ThreadPoolExecutor(3) as pool:
                codes = sorted(reply.status_code for reply in pool.map(limited.chat, [TEXT] * 3))
            assert codes == [200, 200, 429]
            reply = limited.chat(TEXT, max_tokens=60)
            assert (reply.status_code, reply.headers["x-ratelimit-limit-tokens"]) == (429, "60")

    def test_latency_is_waited_out_side_by_side(self, folder: Path) -> None:
        with serving("--table", folder / "table.jsonl", "--latency", "0.4") as slow, ThreadPoolExecutor(16) as pool:
            slow.chat(TEXT)
            begun = time.monotonic()
            assert {reply.status_code for reply in pool.map(slow.chat, [TEXT] * 16)} == {200}
            assert 0.4 <= time.monotonic() - begun < 16 * 0.4

    def test_a_call_whose_client_is_gone_is_billed(self, folder: Path) -> None:
        with serving("--table", folder / "table.jsonl", "--latency", "0.3") as slow:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"{slow.url}/chat/completions",
                    json={"model": "minilm-docstrings", "messages": [{"role": "user", "content": TEXT}]},
                    headers=slow.headers,
                    timeout=httpx.Timeout(5, read=0.1),
                )
            deadline = time.monotonic() + 30
            while slow.ledger()["calls"] == 0:
                assert time.monotonic() < deadline
            assert slow.ledger()["completion_tokens"] > 0

    def test_a_bucket_names_the_wait_that_is_needed(self) -> None:
        bucket = Bucket(60)
        bucket.left = 0.5
        assert bucket.wait(1) == pytest.approx(0.5) and bucket.wait(1000) == pytest.approx(59.5)
        limits = Limits(rpm=60, tpm=1000)
        assert limits.refused(1000) is None and limits.refused(10) == pytest.approx(0.6, abs=0.1)
        assert limits.buckets["requests"].left == pytest.approx(59, abs=0.1)

    @pytest.mark.parametrize(("seconds", "text"), [(0.0121, "13ms"), (1.5, "1.5s"), (150, "2m30s"), (60, "1m0s")])
    def test_durations_are_written_as_openai_does(self, seconds: float, text: str) -> None:
        assert duration(seconds) == text
