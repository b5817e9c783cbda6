"""Where a step's questions are answered: from what was paid for before, else by calls that are reserved, throttled, retried and booked.

An answer is kept before it is told.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from gateway.call import Endpoint
from gateway.caller import Book, Caller
from gateway.claims import Claims
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.form import Form
from gateway.front import SPENT, Front, Tell, exceeded, failed, read
from gateway.price import whole
from gateway.purse import Broke, Lost
from gateway.reply import Message
from gateway.retry import HOPELESS, RETRIES, UNSURE, pause
from gateway.throttle import Throttle
from gateway.till import GROUP
from spec.gateway import Answer
from spec.problem import Problem

MOST = 2048
"""Questions that are worked on at once: a child that asks more waits."""
PATIENCE = 600.0
"""Seconds that an endpoint may do nothing but refuse, for being too busy."""
log = structlog.get_logger(__name__)


class Desk(Front):
    """Asks call by call."""

    def __init__(
        self, *, form: Form, book: Book, client: Client, endpoint: Endpoint, throttle: Throttle, tell: Tell,
        most: int | None = None, claims: Claims | None = None,
    ) -> None:  # fmt: skip
        """`claims` None: no other job asks the same."""
        super().__init__(form=form, shelf=book, tell=tell, most=most)
        self._throttle = throttle
        self._caller = Caller(
            form=form, book=book, client=client, endpoint=endpoint, throttle=throttle, go_on=self._go_on
        )
        self._claims = claims or Claims(None, "", book.held, form.samples)
        self._elsewhere: set[str] = set()
        """Questions that were seen to be another job's."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = 0
        """Open questions that wait for others: they were refused, or another job asks them."""
        self._closing = False
        """Those in flight are given up soon."""
        self._open: dict[str, asyncio.Future[dict[int, Answer]]] = {}

    @property
    def unbooked(self) -> bool:
        return self._caller.till.unbooked

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
        return self._caller.flying

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
        await self._caller.till.close()
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
            await self._answered(id, have, float(self._caller.paid[key]))
        except CallFailed as error:
            found.set_exception(error)
            await self._tell(failed(id, error, float(self._caller.paid[key])))
        except Broke as error:
            self._caller.untold.discard(key)
            while self._caller.untold:  # noqa: ASYNC110  # what was paid for last is told before the stop
                await asyncio.sleep(GROUP)
            await self._stop(SPENT[error.cap])
        except Lost:
            await self._stop(Problem(code="interrupted", message="The step is somebody else's."))
        except Exception as error:
            log.exception("question_failed")
            await self.give_up(error, "A question could not be asked.")
        finally:
            del self._open[key]
            self._caller.forget(key)
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
                await self._ill(error)
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
                    await self._ill(error)
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
        if self.stopped is not None or self._ending or self._caller.overcharged is not None:
            raise Permanent("stopped", "nothing more is asked", sent=False)

    async def _attempt(self, messages: list[Message], key: str, first: int, samples: int) -> dict[int, Answer]:
        """One call. After one that was billed higher than it could be, no further one is made."""
        try:
            return await self._caller.make(messages, key, first, samples)
        finally:
            if (item := self._caller.overcharged) is not None:
                await self._stop(exceeded(whole(item.amount), item.set_aside))

    async def _ill(self, error: CallFailed) -> None:
        """A call has failed. Once most do, nothing more is asked."""
        self._caller.breaker.note(False)
        self._throttle.not_refused()
        if self._caller.breaker.tripped:
            message = f"{self.form.endpoint}: most calls fail, the last one with: {error}"
            refused = error.kind in UNSURE and not self._heard
            await self._stop(Problem(code="endpoint_refuses" if refused else "endpoint_failing", message=message))
