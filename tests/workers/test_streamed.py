"""Calls that are asked by stream, at the desk: the bill of a real teacher's own ledger, whatever becomes of its streams."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway import desk as desk_module
from gateway.call import Endpoint
from gateway.client import Client
from gateway.desk import Desk
from gateway.form import Form
from gateway.reply import Message as Sent
from gateway.reply import Sampling
from gateway.throttle import Limits, Throttle
from spec.facts import Price
from spec.gateway import Asked, Message, Told
from tests.examples.serving import KEY, MODEL, TEXTS, serving, table
from tests.examples.serving import Client as Served
from tests.models.world import World
from tests.workers.desk import begun, booked
from tests.workers.leashed import until
from workers.books import LedgerBook
from workers.claim import Ledger

PRICE = Price(version=1, input=400.0, output=1600.0)
FAULTS = dict.fromkeys(
    ("truncated_body", "error_event", "no_end", "malformed_json", "no_usage", "slow_body", "status_500"), 0.06
)
ASKED = [text for text in TEXTS if len(text) == len("text number 10 about pydantic")][:60]
"""Of one length: as much is set aside for each."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    flags = ("--table", table(tmp_path / "table.jsonl"), "--ledger", tmp_path / "ledger.jsonl", "--price", "400/1600")
    with serving(*flags) as found:
        yield found


def form() -> Form:
    sampling = Sampling(temperature=0.0, max_tokens=8)
    return Form(endpoint="ep_words", digest="d", model=MODEL, sampling=sampling, top_logprobs=3, price=PRICE)


def told(world: World, ledger: Ledger, served: Served, idle: float | None) -> tuple[float, dict[int, Told]]:
    """What a new job was booked, and what its child was told by question."""
    work = begun(world, world.project(f"idle-{idle}"))
    found: dict[int, Told] = {}

    async def tell(one: Told) -> None:
        assert one.stop is None, one
        found[one.id] = one

    async def run() -> None:
        book = LedgerBook(ledger, work, "ep_words", lambda: False)
        async with Client(private=True) as client:
            throttle = Throttle(None, "t", Limits(concurrency=16))
            endpoint = Endpoint(served.url, KEY, idle=idle)
            desk = Desk(form=form(), book=book, client=client, endpoint=endpoint, throttle=throttle, tell=tell)
            await desk.take([Asked(id=i, messages=(Message(role="user", content=t),)) for i, t in enumerate(ASKED)])
            while desk._tasks:
                await asyncio.wait(desk._tasks)
            await desk.close(5.0)
        await asyncio.to_thread(book.give_back)

    asyncio.run(run())
    return booked(world, work.grip.job), found


def test_the_bill_of_broken_streams(
    world: World, ledger: Ledger, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole stream is booked as the ledger has it; one that broke, or told no usage, at what was set aside, which is more; 500 at nothing.

    The answers are those that came whole, and no part of one that broke off.
    """
    monkeypatch.setattr(desk_module, "pause", lambda *_: 0.0)
    monkeypatch.setattr(desk_module, "RETRIES", 50)
    paid, whole = told(world, ledger, served, None)
    assert paid == pytest.approx(float(served.ledger()["usd"]), abs=1e-9) and len(whole) == len(ASKED)
    before = Decimal(served.ledger()["usd"])
    served.faults(shares=FAULTS, seed=3, seconds=4.0)
    paid, streamed = told(world, ledger, served, 1.5)
    counts = served.control("GET", "/faults")["injected"]
    assert set(counts) == set(FAULTS)
    assert {i: one.answers for i, one in streamed.items()} == {i: one.answers for i, one in whole.items()}
    assert all(one.answers and one.answers[0].text == TEXTS[ASKED[one.id]] for one in streamed.values())
    until(lambda: sum(line["fault"] == "slow_body" for line in lines(tmp_path)) == counts["slow_body"])
    own = lines(tmp_path)[len(ASKED) :]
    (bound,) = {form().bound([Sent("user", text)], 1) / 1e6 for text in ASKED}
    broken = [line for line in own if line["fault"] not in (None, "status_500")]
    exact = float(sum(Decimal(line["usd"]) for line in own if line["fault"] is None))
    assert paid == pytest.approx(exact + len(broken) * bound, abs=1e-9)
    assert paid > float(Decimal(served.ledger()["usd"]) - before), "never under what was billed"
    full = max(line["completion_tokens"] for line in own)
    assert any(0 < line["completion_tokens"] < full for line in broken), "the ledger bills what was told"


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
