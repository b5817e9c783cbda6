"""Where a step's questions are answered: from what was paid for before, else by calls that are reserved, throttled, retried and booked.

An answer is kept before it is told.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import structlog

from gateway.breaker import Breaker
from gateway.call import Endpoint, call
from gateway.claims import Claims
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.form import Form
from gateway.front import SPENT, Front, Shelf, Tell, exceeded, failed, kept_of, read, told_of
from gateway.price import Price, exact, whole
from gateway.purse import LOT, Broke, Lost, Purse
from gateway.reply import Message, Reply, Usage
from gateway.retry import HOPELESS, RETRIES, UNSURE, pause
from gateway.throttle import Throttle
from gateway.till import GROUP, Settled, Till, unanswered
from models.answer import Kept
from models.purse import Lot, Spent
from spec.gateway import Answer
from spec.problem import Problem

MOST = 2048
"""Questions that are worked on at once: a child that asks more waits."""
PATIENCE = 600.0
"""Seconds that an endpoint may do nothing but refuse, for being too busy."""
log = structlog.get_logger(__name__)


class Book(Shelf, Protocol):
    """The database, as the desk needs it."""

    def reserve(self, wanted: int, least: int, bound: int) -> Lot: ...
    def commit(self, answers: Sequence[Kept], spent: Spent) -> None: ...


class Desk(Front):
    """Asks call by call."""

    def __init__(
        self, *, form: Form, book: Book, client: Client, endpoint: Endpoint, throttle: Throttle, tell: Tell,
        most: int | None = None, claims: Claims | None = None,
    ) -> None:  # fmt: skip
        """`claims` None: no other job asks the same."""
        super().__init__(form=form, shelf=book, tell=tell, most=most)
        self._client, self._endpoint, self._throttle = client, endpoint, throttle
        self._price = Price.of(form.price) if form.price is not None else None
        self._purse = Purse(
            lambda *wanted: asyncio.to_thread(book.reserve, *wanted), max(LOT, 2 * throttle.concurrency)
        )
        self._breaker = Breaker()
        self._claims = claims or Claims(None, "", book.held, form.samples)
        self._elsewhere: set[str] = set()
        """Questions that were seen to be another job's."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.till = Till(book.commit, form.endpoint, form.price.version if form.price is not None else 0)
        self._paid: defaultdict[str, Decimal] = defaultdict(Decimal)
        """Micro-dollars that calls for open questions have cost so far."""
        self._idle = 0
        """Open questions that wait for others: they were refused, or another job asks them."""
        self._closing = False
        """Those in flight are given up soon."""
        self._open: dict[str, asyncio.Future[dict[int, Answer]]] = {}
        self._untold: set[str] = set()
        """Questions with a call in flight, or answered and not told yet."""

    @property
    def unbooked(self) -> bool:
        return self.till.unbooked

    async def _look(self, digests: Sequence[str]) -> Mapping[str, dict[int, Answer]]:
        seen = await self._claims.look(digests)
        for key, one in seen.items():
            (self._elsewhere.discard if one.ours else self._elsewhere.add)(key)
            if len(one.answers) == self.form.samples:
                self._forget(key)
        return {key: read(one.answers) for key, one in seen.items()}

    async def _ask(self, id: int, messages: list[Message], key: str, have: dict[int, Answer]) -> None:
        while len(self._tasks) >= MOST:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        if (same := self._open.get(key)) is not None:
            task = asyncio.create_task(self._same(id, same))
        else:
            self._open[key] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._one(id, messages, key, None if key in self._elsewhere else have))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _whole(self) -> None:
        """Each question is asked as it comes."""

    async def hang_up(self) -> None:
        """Nobody waits for longer than a call takes."""

    @property
    def flying(self) -> int:
        return self._purse.flying

    def end(self) -> None:
        super().end()
        self._throttle.end()
        self._claims.end()

    async def close(self, patience: float, *, cancelled: bool = False) -> None:
        self.end()
        self._closing = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.till.close()
        await self._claims.close()

    async def _one(self, id: int, messages: list[Message], key: str, have: dict[int, Answer] | None) -> None:
        """One question to its reply; `have` None: another job asks it. Nothing is raised: a reply that will not come would hold the child for ever."""
        found = self._open[key]
        try:
            if have is None:
                self._idle += 1
                have = read(await self._claims.elsewhere(key))
                self._idle -= 1
            for first, samples in self.form.runs(have):
                have |= await self._asked(messages, key, first, samples)
            found.set_result(have)
            await self._answered(id, have, float(self._paid[key]))
        except CallFailed as error:
            found.set_exception(error)
            await self._tell(failed(id, error, float(self._paid[key])))
        except Broke as error:
            self._untold.discard(key)
            while self._untold:  # noqa: ASYNC110  # what was paid for last is told before the stop
                await asyncio.sleep(GROUP)
            await self._stop(SPENT[error.cap])
        except Lost:
            await self._stop(Problem(code="interrupted", message="The step is somebody else's."))
        except Exception as error:
            log.exception("question_failed")
            await self.give_up(error, "A question could not be asked.")
        finally:
            del self._open[key]
            self._untold.discard(key)
            self._paid.pop(key, None)
            self._forget(key)
            if not found.done():
                found.cancel()
            elif not found.cancelled():
                found.exception()  # marked as seen: most questions are asked once

    def _forget(self, key: str) -> None:
        """Others may ask it, unless it is being asked here. Once calls are given up, claims end last: what came of them is kept before."""
        if key not in self._open and not self._closing:
            self._elsewhere.discard(key)
            self._claims.give_up(key)

    async def _stop(self, problem: Problem) -> None:
        self._throttle.end()
        self._claims.end()
        await super()._stop(problem)

    async def _same(self, id: int, found: "asyncio.Future[dict[int, Answer]]") -> None:
        """A question that is being asked already: paid for once, told to all."""
        try:
            await self._answered(id, await asyncio.shield(found))
        except CallFailed as error:
            await self._tell(failed(id, error))

    async def _asked(self, messages: list[Message], key: str, first: int, samples: int) -> dict[int, Answer]:
        """Answers of the samples, kept and booked. Raises CallFailed, Broke, Lost."""
        attempt = 0
        while True:
            try:
                self._go_on()
                return await self._attempt(messages, key, first, samples)
            except Retryable as error:
                if error.kind == "rate_limited":
                    await self._refused(error)
                    continue
                attempt += 1
                await self._note(well=False, error=error)
                if attempt > RETRIES:
                    raise
                await self._throttle.hold(error.retry_after or 0.0)
                await asyncio.sleep(pause(attempt, None))
            except Permanent as error:
                if error.kind == "stopped":
                    raise
                if error.kind in HOPELESS:
                    await self._hopeless(error)
                else:
                    await self._note(well=False, error=error)
                if error.kind in UNSURE:
                    await self._compare(error)
                raise

    async def _hopeless(self, error: Permanent) -> None:
        await self._stop(Problem(code="endpoint_refuses", message=f"{self.form.endpoint}: {error.message}"))

    async def _compare(self, error: Permanent) -> None:
        """Waits until another question is answered: this one alone was refused. Where none is left that may be, all is hopeless."""
        self._idle += 1
        try:
            while not (self._heard or self._ending or self.stopped):
                if self._idle >= len(self._open):
                    return await self._hopeless(error)
                await asyncio.sleep(GROUP)
        finally:
            self._idle -= 1

    async def _refused(self, error: Retryable) -> None:
        """The endpoint is too busy: the next turn comes later. Raises the error once that has lasted too long."""
        await self._throttle.refused(error.retry_after)
        if self._throttle.refusing > PATIENCE:
            message = f"{self.form.endpoint} has refused calls for {PATIENCE / 60:.0f} minutes: {error.message}"
            await self._stop(Problem(code="endpoint_failing", message=message))
            raise error

    def _go_on(self) -> None:
        """Raises Permanent once nothing more is to be asked."""
        if self.stopped is not None or self._ending:
            raise Permanent("stopped", "nothing more is asked", sent=False)

    async def _attempt(self, messages: list[Message], key: str, first: int, samples: int) -> dict[int, Answer]:
        """One call in its turn, with money set aside for no longer than it takes, and booked whatever becomes of it."""
        set_aside = self.form.bound(messages, samples)
        taken = sent = False
        reply: Reply | None = None
        try:
            async with self._throttle.turn(self.form.tokens(messages, samples)):
                self._go_on()
                await self._purse.take(set_aside)
                taken = True
                self._go_on()
                sent = True
                self._untold.add(key)
                reply = await call(self._client, self._endpoint, self.form.ask(messages, first, samples))
        except CallFailed as error:
            self._untold.discard(key)
            if taken:
                await self._failed(key, error, set_aside)
            raise
        except asyncio.CancelledError:
            # Nobody waits for the reply any more: what came is kept, and what may be billed is booked.
            gone = unanswered(Decimal(set_aside if sent else 0), set_aside)
            self.till.put(gone if reply is None else self._billed(reply, key, first, samples, set_aside))
            raise
        await self._note(well=True)
        return await self._kept(reply, key, first, samples, set_aside)

    async def _kept(self, reply: Reply, key: str, first: int, samples: int, set_aside: int) -> dict[int, Answer]:
        """The answers of a reply, once they are in the database."""
        item = self._billed(reply, key, first, samples, set_aside)
        self._ending = self._ending or item.amount > set_aside  # the price is wrong: no further call is made at it
        await self._settle(key, item)
        await asyncio.shield(item.done)
        await self._check(item)
        return told_of(item.kept, first, samples)

    async def _failed(self, key: str, error: CallFailed, set_aside: int) -> None:
        """Books a call without an answer: by what it says that it has used, or where nobody knows as if that were all that was set aside."""
        amount = self._amount(error.usage, set_aside) if error.billed else Decimal()
        item = unanswered(amount, set_aside, error.usage)
        await self._settle(key, item)
        await self._check(item)

    async def _check(self, item: Settled) -> None:
        if item.amount > item.set_aside:
            await self._stop(exceeded(whole(item.amount), item.set_aside))

    def _billed(self, reply: Reply, key: str, first: int, samples: int, set_aside: int) -> Settled:
        """What a reply costs, and what of it is kept."""
        kept = kept_of(reply, key, first, samples)
        amount = self._amount(reply.usage, set_aside)
        return Settled(kept=kept, amount=amount, set_aside=set_aside, usage=reply.usage, calls=1)

    def _amount(self, usage: Usage | None, set_aside: int) -> Decimal:
        if self._price is None:
            return Decimal()
        return Decimal(set_aside) if usage is None else exact(usage, self._price)

    async def _settle(self, key: str, item: Settled) -> None:
        self._paid[key] += item.amount
        self.till.put(item)
        await self._purse.settle(item.set_aside, item.amount)

    async def _note(self, *, well: bool, error: CallFailed | None = None) -> None:
        self._breaker.note(well)
        if well:
            self._throttle.went_well()
            return
        self._throttle.not_refused()
        if self._breaker.tripped:
            message = f"{self.form.endpoint}: most calls fail, the last one with: {error}"
            refused = error is not None and error.kind in UNSURE and not self._heard
            await self._stop(Problem(code="endpoint_refuses" if refused else "endpoint_failing", message=message))
