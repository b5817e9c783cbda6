"""A batch under way, and what its calls have cost."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.failure import CallFailed
from gateway.price import Price, exact
from gateway.reply import Reply
from models.postage import Entry
from models.purse import Spent
from spec import facts
from spec.gateway import Batches

Result = Reply | CallFailed


class Void(Exception):
    """The batch was never made, or is gone."""


class Overcharged(Exception):
    """A call of the batch was billed higher than it could be."""

    def __init__(self, cost: int, bound: int) -> None:
        super().__init__(cost, bound)
        self.cost, self.bound = cost, bound


@dataclass(kw_only=True)
class Shipment:
    """A batch under way."""

    id: str
    entries: Sequence[Entry]
    endpoint: str
    price: facts.Price | None
    own: bool = True
    """It is of the step that asks now."""
    since: float = field(default_factory=time.time)
    """When it was written down, in seconds since 1970."""
    file: str | None = None
    remote: str | None = None
    results: tuple[str, ...] = ()
    """Files that it has come back as, as far as they are there."""
    settled: int = 0
    done: int = 0
    """Calls that the endpoint says it has made."""

    @property
    def digests(self) -> set[str]:
        return {entry.digest for entry in self.entries}


def far(shipments: Iterable[Shipment]) -> Batches | None:
    """How far they are; None: none is with the endpoint."""
    there = [one for one in shipments if one.remote is not None]
    if not there:
        return None
    return Batches(open=len(there), rows=sum(len(one.entries) for one in there), done=sum(one.done for one in there))


def cost_of(result: Result, entry: Entry, price: Price | None) -> Decimal:
    """Micro-dollars: what a reply says that it used; all that was set aside where nobody says."""
    if price is None:
        return Decimal()
    if isinstance(result, CallFailed) and not result.billed:
        return Decimal()
    return Decimal(entry.bound) if result.usage is None else exact(result.usage, price)


def spent_on(shipment: Shipment, part: Sequence[tuple[int, Result]], amount: int, charged: int) -> Spent:
    """Some results together, `charged` of which cost something."""
    used = [result.usage for _, result in part if result.usage is not None]
    replies = sum(isinstance(result, Reply) for _, result in part)
    return Spent(
        group=0,
        endpoint=shipment.endpoint,
        price_version=shipment.price.version if shipment.price else 0,
        amount=amount,
        released=sum(shipment.entries[number].bound for number, _ in part),
        calls=max(replies, charged),
        input_tokens=sum(usage.input for usage in used),
        output_tokens=sum(usage.output for usage in used),
        cached_tokens=sum(usage.cached for usage in used),
    )
