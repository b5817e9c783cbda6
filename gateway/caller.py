"""A step's calls: each made in its turn, with money set aside for no longer than it takes, and booked whatever becomes of it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

from gateway.breaker import Breaker
from gateway.call import Endpoint, call
from gateway.client import Client
from gateway.failure import CallFailed
from gateway.form import Form
from gateway.front import Shelf, kept_of, told_of
from gateway.price import Price, exact
from gateway.purse import LOT, Purse
from gateway.reply import Message, Reply, Usage
from gateway.throttle import Throttle
from gateway.till import Settled, Till, unanswered
from models.answer import Kept
from models.purse import Lot, Spent
from spec.gateway import Answer


class Book(Shelf, Protocol):
    """The database, as calls need it."""

    def reserve(self, wanted: int, least: int, bound: int) -> Lot: ...
    def commit(self, answers: Sequence[Kept], spent: Spent) -> None: ...


class Caller:
    """Of one step, on one event loop. Makes each call once: who calls again, and when, is not decided here."""

    def __init__(
        self, *, form: Form, book: Book, client: Client, endpoint: Endpoint, throttle: Throttle, go_on: Callable[[], None],
    ) -> None:  # fmt: skip
        """`go_on` raises CallFailed once nothing more is to be asked."""
        self._form, self._client, self._endpoint, self._throttle, self._go_on = form, client, endpoint, throttle, go_on
        self._price = Price.of(form.price) if form.price is not None else None
        self._purse = Purse(
            lambda *wanted: asyncio.to_thread(book.reserve, *wanted), max(LOT, 2 * throttle.concurrency)
        )
        self.till = Till(book.commit, form.endpoint, form.price.version if form.price is not None else 0)
        self.breaker = Breaker()
        """Of calls that went well; whoever sees the others go notes them."""
        self.paid: defaultdict[str, Decimal] = defaultdict(Decimal)
        """Micro-dollars that calls for a question have cost so far."""
        self.untold: set[str] = set()
        """Questions with a call in flight, or answered and not told yet."""
        self.overcharged: Settled | None = None
        """A call that was billed higher than it could be: the price is wrong."""

    @property
    def flying(self) -> int:
        return self._purse.flying

    def forget(self, key: str) -> None:
        """The question is told, or will never be."""
        self.untold.discard(key)
        self.paid.pop(key, None)

    async def make(self, messages: list[Message], key: str, first: int, samples: int) -> dict[int, Answer]:
        """Answers of the samples, once they are in the database. Raises CallFailed, Broke, Lost."""
        set_aside = self._form.bound(messages, samples)
        taken = sent = False
        reply: Reply | None = None
        try:
            tokens = self._form.tokens(messages, samples) if self._throttle.counts_tokens else 0
            async with self._throttle.turn(tokens):
                self._go_on()
                await self._purse.take(set_aside)
                taken = True
                self._go_on()
                sent = True
                self.untold.add(key)
                reply = await call(self._client, self._endpoint, self._form.ask(messages, first, samples))
            item = self._billed(reply, key, first, samples, set_aside)
        except CallFailed as error:
            self.untold.discard(key)
            if taken:
                await self._settle(key, self._failed(error, set_aside))
            raise
        except asyncio.CancelledError:
            # Nobody waits for the reply any more: what came is kept, and what may be billed is booked.
            gone = unanswered(Decimal(set_aside if sent else 0), set_aside)
            self.till.put(gone if reply is None else self._billed(reply, key, first, samples, set_aside))
            raise
        except Exception:  # whatever it was, the endpoint may have answered
            if taken:
                await self._settle(key, unanswered(Decimal(set_aside if sent else 0), set_aside))
            raise
        self.breaker.note(True)
        self._throttle.went_well()
        await self._settle(key, item)
        await asyncio.shield(item.done)
        return told_of(item.kept, first, samples)

    async def _settle(self, key: str, item: Settled) -> None:
        self.paid[key] += item.amount
        if item.amount > item.set_aside:
            self.overcharged = self.overcharged or item
        self.till.put(item)
        await self._purse.settle(item.set_aside, item.amount)

    def _billed(self, reply: Reply, key: str, first: int, samples: int, set_aside: int) -> Settled:
        """What a reply costs, and what of it is kept."""
        kept = kept_of(reply, key, first, samples)
        amount = self._amount(reply.usage, set_aside)
        return Settled(kept=kept, amount=amount, set_aside=set_aside, usage=reply.usage, calls=1)

    def _failed(self, error: CallFailed, set_aside: int) -> Settled:
        """A call without an answer costs what it says that it has used; where nobody knows, all that was set aside."""
        amount = self._amount(error.usage, set_aside) if error.billed else Decimal()
        return unanswered(amount, set_aside, error.usage)

    def _amount(self, usage: Usage | None, set_aside: int) -> Decimal:
        if self._price is None:
            return Decimal()
        return Decimal(set_aside) if usage is None else exact(usage, self._price)
