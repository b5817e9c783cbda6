"""What a look's calls cost is counted by their replies, whatever becomes of them, and held to the month's money."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from gateway.call import Endpoint
from gateway.client import Client
from gateway.failure import CallFailed
from gateway.meter import Meter
from gateway.probe import probe
from gateway.purse import Broke
from gateway.subject import Subject
from models.purse import Spent
from spec.facts import Capabilities, Price
from tests.acceptance.teacher import Teacher, served

PRICE = Price(version=2, input=1.0, output=2.0, cached=0.5)
BOUND = (len(b"Say yes.") + 32) * 1 + 2 * 2
"""Of the plain question: a token a byte and what may stand around it, two tokens of an answer."""


def looked(teacher: Teacher, meter: Meter, what: Callable[[Subject], Any]) -> Any:
    async def run() -> Any:
        async with Client(private=True, seconds=5.0) as client:
            return await what(Subject(client=client, endpoint=Endpoint(teacher.url, "sk"), model="words", meter=meter))

    return asyncio.run(run())


def test_a_whole_probe_is_counted_as_its_endpoint_counts_it() -> None:
    with served(teacher := Teacher(streams=True)):
        looked(teacher, meter := Meter("ep_words", PRICE), probe)
        spent, calls, bill = meter.spent(), teacher.calls, teacher.bill
        looked(teacher, unpriced := Meter("ep_words"), probe)
    assert spent == Spent(
        group=0, endpoint="ep_words", price_version=2, amount=round(1e6 * bill), released=0, calls=calls,
        input_tokens=teacher.tokens_in // 2, output_tokens=teacher.tokens_out // 2, cached_tokens=0,
    )  # fmt: skip
    assert calls == teacher.calls // 2 > 5 and bill > 0
    assert unpriced.spent() == replace(spent, price_version=0, amount=0)


@pytest.mark.parametrize(
    ("fault", "calls", "amount"),
    [("429", 0, 0), ("400", 0, 0), ("500", 0, 0), ("reset", 1, BOUND), ("504", 1, BOUND), ("mute", 1, 2 + 2), ("201", 1, 2 + 2)],
)  # fmt: skip
def test_a_call_is_booked_as_one_of_a_job(fault: str, calls: int, amount: int) -> None:
    async def once(one: Subject) -> None:
        with suppress(CallFailed):
            await one.call(one.ask("Say yes."))

    with served(teacher := Teacher(faults=Counter({fault: 1}))):
        looked(teacher, meter := Meter("ep_words", PRICE), once)
    spent = meter.spent()
    assert (spent and (spent.calls, spent.amount)) == ((calls, amount) if calls else None)


def test_a_call_that_nobody_waits_for_any_more_is_booked_at_its_bound() -> None:
    async def cut(one: Subject) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await one.send()

    with served(teacher := Teacher(latency=1.0)):
        looked(teacher, meter := Meter("ep_words", PRICE), cut)
    lost = Spent.unheard("ep_words", BOUND)
    assert meter.spent() == replace(lost, price_version=2, released=0, calls=1)


def test_no_call_is_made_that_the_month_could_not_pay() -> None:
    async def plain(one: Subject) -> None:
        await one.send()

    with served(teacher := Teacher()):
        meter = Meter("ep_words", PRICE, BOUND + 1)
        looked(teacher, meter, plain)
        assert teacher.calls == 1 and not meter.broke
        with pytest.raises(Broke):
            looked(teacher, meter, plain)
        assert teacher.calls == 1 and meter.broke, "a token was spent: what is left is below the bound"


def test_what_is_too_dear_is_not_seen() -> None:
    """A constrained answer may have 32 tokens."""
    dear = Price(version=1, input=0.01, output=100.0)
    with served(teacher := Teacher(streams=True)):
        able: Capabilities = looked(teacher, meter := Meter("ep_words", dear, 1000), probe)
        spent = meter.spent()
    assert meter.broke and "structured" in able.unseen and not able.structured
    assert spent is not None and 0 < spent.amount <= 1000
