"""Where a step's questions are answered: from what was paid for before, else by calls that are reserved, throttled, retried and booked.

An answer is kept before it is told.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from gateway.answer import answered
from gateway.breaker import Breaker
from gateway.call import Endpoint, call
from gateway.claims import Claims
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.form import Form
from gateway.price import Price, amount
from gateway.purse import Broke, Lost, Purse
from gateway.reply import Message, Reply
from gateway.throttle import Throttle
from gateway.till import GROUP, Settled, Till
from models.answer import Kept
from models.purse import Lot, Spent
from spec.gateway import Answer, Asked, Told
from spec.problem import Problem

MOST = 2048
"""Questions that are worked on at once: a child that asks more waits."""
RETRIES = 5
"""Further attempts at a call that failed and may succeed later."""
PATIENCE = 600.0
"""Seconds that an endpoint may refuse one call for being too busy."""
LONGEST = 30.0
"""Seconds between two attempts at one call."""
TOO_MANY = "too_many_questions"
HOPELESS = ("unauthorized", "forbidden", "not_found", "refused", "redirected")
"""Failures that every further call would meet."""
SPENT = {
    "job": Problem(code="over_budget", message="The cap leaves no money for one more call.", param="budget.usd"),
    "project": Problem(code="month_cap", message="The project's cap of this month leaves no money for one more call."),
}
log = structlog.get_logger(__name__)


class Book(Protocol):
    """The database, as the desk needs it; each call is a transaction of its own, from a thread."""

    def held(self, digests: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]: ...
    def reserve(self, wanted: int, least: int) -> Lot: ...
    def commit(self, answers: Sequence[Kept], spent: Spent) -> None: ...


class Desk:
    """Of one step, on one event loop. `tell`: sends a reply to the child."""

    def __init__(
        self, *, form: Form, book: Book, client: Client, endpoint: Endpoint, throttle: Throttle,
        tell: Callable[[Told], Awaitable[None]], most: int | None = None, claims: Claims | None = None,
    ) -> None:  # fmt: skip
        """`most`: questions that the step may have, one a row; None: not known. `claims` None: no other job asks the same."""
        self.form, self._book, self._client, self._endpoint, self._throttle = form, book, client, endpoint, throttle
        self._tell, self._most, self._taken = tell, most, 0
        self._price = Price.of(form.price) if form.price is not None else None
        self._purse = Purse(lambda wanted, least: asyncio.to_thread(book.reserve, wanted, least))
        self._breaker = Breaker()
        self._claims = claims or Claims(None, "", book.held, form.samples)
        self._tasks: set[asyncio.Task[None]] = set()
        self.till = Till(book.commit, form.endpoint, form.price.version if form.price is not None else 0)
        self.stopped: Problem | None = None
        """Why nothing more is asked; code `over_budget` where a cap was reached."""
        self._closing = False
        self._open: dict[str, asyncio.Future[dict[int, Answer]]] = {}

    async def take(self, questions: Sequence[Asked]) -> None:
        """Answers what was paid for before at once, and begins to ask the rest. Of too many questions none is answered."""
        self._taken += len(questions)
        if self._most is not None and self._taken > self._most:
            message = f"The step's process has put more questions than it has rows ({self._most:,})."
            await self._stop(Problem(code=TOO_MANY, message=message))
            return
        named = [(asked, [Message(m.role, m.content) for m in asked.messages]) for asked in questions]
        digests = [self.form.digest_of(messages) for _, messages in named]
        seen = await self._claims.look(digests)
        for (asked, messages), key in zip(named, digests, strict=True):
            have = _read(seen[key].answers)
            if len(have) == self.form.samples:
                await self._answered(asked.id, have)
                self._forget(key)
                continue
            while len(self._tasks) >= MOST:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if (same := self._open.get(key)) is not None:
                task = asyncio.create_task(self._same(asked.id, same))
            else:
                self._open[key] = asyncio.get_running_loop().create_future()
                task = asyncio.create_task(self._one(asked.id, messages, key, have if seen[key].ours else None))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, patience: float) -> None:
        """No more questions. What is in flight has `patience` seconds to be answered, and what was answered is kept."""
        self._closing = True
        self._claims.end()
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
                have = _read(await self._claims.elsewhere(key))
            for first, samples in self._runs(have):
                have |= await self._asked(messages, key, first, samples)
            found.set_result(have)
            await self._answered(id, have)
        except CallFailed as error:
            found.set_exception(error)
            await self._tell(_failed(id, error))
        except Broke as error:
            await self.till.join()
            await asyncio.sleep(GROUP)  # what was paid for last is told before the stop
            await self._stop(SPENT[error.cap])
        except Lost:
            await self._stop(Problem(code="interrupted", message="The step is somebody else's."))
        except Exception:
            log.exception("question_failed")
            await self._stop(Problem(code="internal", message="A question could not be asked."))
        finally:
            del self._open[key]
            self._forget(key)
            if not found.done():
                found.cancel()
            elif not found.cancelled():
                found.exception()  # marked as seen: most questions are asked once

    def _runs(self, have: Mapping[int, Answer]) -> list[tuple[int, int]]:
        """Calls for the samples that are missing: the first of each, and how many."""
        missing = [i for i in range(self.form.samples) if i not in have]
        if self.form.several and missing and missing == list(range(missing[0], self.form.samples)):
            return [(missing[0], len(missing))]
        return [(i, 1) for i in missing]

    def _forget(self, key: str) -> None:
        """Others may ask it, unless it is being asked here. Once all is to end, claims end last: what is in flight is kept before."""
        if key not in self._open and not self._closing:
            self._claims.give_up(key)

    async def _same(self, id: int, found: "asyncio.Future[dict[int, Answer]]") -> None:
        """A question that is being asked already: paid for once, told to all."""
        try:
            await self._answered(id, await asyncio.shield(found))
        except CallFailed as error:
            await self._tell(_failed(id, error))

    async def _answered(self, id: int, have: dict[int, Answer]) -> None:
        await self._tell(Told(id=id, answers=tuple(have[i] for i in range(self.form.samples))))

    async def _asked(self, messages: list[Message], key: str, first: int, samples: int) -> dict[int, Answer]:
        """Answers of the samples, kept and booked. Raises CallFailed, Broke, Lost."""
        since, attempt = float("inf"), 0
        while True:
            try:
                self._go_on()
                return await self._attempt(messages, key, first, samples)
            except Retryable as error:
                busy = error.kind == "rate_limited"
                if busy:
                    since = min(since, time.monotonic())
                    await self._throttle.refused(error.retry_after)
                else:
                    attempt += 1
                    await self._note(well=False, error=error)
                if busy and time.monotonic() - since > PATIENCE:
                    message = (
                        f"{self.form.endpoint} has refused a call for {PATIENCE / 60:.0f} minutes: {error.message}"
                    )
                    await self._stop(Problem(code="endpoint_failing", message=message))
                    raise
                if attempt > RETRIES:
                    raise
                await asyncio.sleep(_pause(attempt, error.retry_after))
            except Permanent as error:
                if error.kind == "stopped":
                    raise
                if error.kind in HOPELESS:
                    await self._stop(Problem(code="endpoint_refuses", message=f"{self.form.endpoint}: {error.message}"))
                else:
                    await self._note(well=False, error=error)
                raise

    def _go_on(self) -> None:
        """Raises Permanent once nothing more is to be asked."""
        if self.stopped is not None or self._closing:
            raise Permanent("stopped", "nothing more is asked", sent=False)

    async def _attempt(self, messages: list[Message], key: str, first: int, samples: int) -> dict[int, Answer]:
        """One call, with money set aside for it, and booked whatever becomes of it."""
        set_aside = self.form.bound(messages, samples)
        await self._purse.take(set_aside)
        sent, cost = False, 0
        reply: Reply | None = None
        try:
            async with self._throttle.turn(self.form.tokens(messages, samples)):
                self._go_on()
                sent = True
                reply = await call(self._client, self._endpoint, self.form.ask(messages, first, samples))
        except CallFailed as error:
            cost = set_aside if error.sent and error.status in (None, 200) else 0  # no endpoint bills another status
            await self._settle(Settled(kept=[], amount=cost, released=cost, usage=None, calls=int(cost > 0)), set_aside)
            raise
        except asyncio.CancelledError:
            # Nobody waits for the reply any more: what came is kept, and what may be billed is booked.
            cost = set_aside if sent else 0
            gone = Settled(kept=[], amount=cost, released=cost, usage=None, calls=int(cost > 0))
            self.till.put(gone if reply is None else self._billed(reply, key, first, samples, set_aside))
            raise
        await self._note(well=True)
        return await self._kept(reply, key, first, samples, set_aside)

    async def _kept(self, reply: Reply, key: str, first: int, samples: int, set_aside: int) -> dict[int, Answer]:
        """The answers of a reply, once they are in the database."""
        item = self._billed(reply, key, first, samples, set_aside)
        cost = item.amount
        self._closing = self._closing or cost > set_aside  # the price is wrong: no further call is made at it
        await self._settle(item, set_aside)
        await asyncio.shield(item.done)
        answers = dict.fromkeys(range(first, first + samples), Answer(text=""))  # fewer than were asked for: not kept
        answers |= {one.sample: Answer.model_validate(one.reply) for one in item.kept}
        if cost > set_aside:
            message = f"A call was billed ${cost / 1e6:.6f}, and could cost ${set_aside / 1e6:.6f} at most by the endpoint's price."
            await self._stop(Problem(code="bill_exceeded", message=message))
        return answers

    def _billed(self, reply: Reply, key: str, first: int, samples: int, set_aside: int) -> Settled:
        """What a reply costs, and what of it is kept."""
        answers = [answered(choice) for choice in reply.choices[:samples]]
        kept = [Kept(digest=key, sample=first + i, reply=answer.model_dump()) for i, answer in enumerate(answers)]
        cost = set_aside
        if self._price is None:
            cost = 0
        elif reply.usage is not None:
            cost = amount(reply.usage, self._price)
        return Settled(kept=kept, amount=cost, released=min(cost, set_aside), usage=reply.usage, calls=1)

    async def _settle(self, item: Settled, set_aside: int) -> None:
        self.till.put(item)
        await self._purse.settle(set_aside, item.amount)

    async def _note(self, *, well: bool, error: CallFailed | None = None) -> None:
        self._breaker.note(well)
        if well:
            self._throttle.went_well()
        elif self._breaker.tripped:
            message = f"{self.form.endpoint}: most calls fail, the last one with: {error}"
            await self._stop(Problem(code="endpoint_failing", message=message))

    async def _stop(self, problem: Problem) -> None:
        """Nothing more is asked; the child is told once."""
        if self.stopped is None:
            self.stopped = problem
            self._claims.end()
            await self._tell(Told(stop=problem.code))


def _read(answers: Mapping[int, Any]) -> dict[int, Answer]:
    return {sample: Answer.model_validate(answer) for sample, answer in answers.items()}


def _failed(id: int, error: CallFailed) -> Told:
    return Told(id=id, failed=error.kind, message=error.message, passing=isinstance(error, Retryable))


def _pause(attempt: int, asked: float | None) -> float:
    """Seconds before the next attempt: what the endpoint asks for, else twice as long each time; within bounds, with jitter."""
    base = min(asked if asked is not None else 0.25 * 2**attempt, LONGEST)
    return base + random.uniform(0, 0.25 * base + 0.05)
