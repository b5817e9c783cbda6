"""Calls that are over, on their way into the database: kept and booked in groups, at most GROUP seconds after the reply."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from gateway.price import whole
from gateway.reply import Usage
from models.answer import Kept
from models.purse import Spent

GROUP = 0.05
"""Seconds that answers wait for others to be kept with."""
log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Settled:
    """A call that is over, on its way into the database."""

    kept: list[Kept]
    amount: Decimal
    """What it cost, to the last digit."""
    set_aside: int
    usage: Usage | None
    calls: int
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def released(self) -> Decimal:
        """Of what was set aside, what is so no longer, for it is spent."""
        return min(self.amount, Decimal(self.set_aside))


def unanswered(amount: Decimal, set_aside: int, usage: Usage | None = None) -> Settled:
    """A call without an answer, which may be billed all the same."""
    return Settled(kept=[], amount=amount, set_aside=set_aside, usage=usage, calls=int(amount > 0))


class Till:
    """Of one step, on one event loop. `commit` writes answers and what they cost in one transaction; called in a thread."""

    def __init__(self, commit: Callable[[Sequence[Kept], Spent], None], endpoint: str, price_version: int) -> None:
        self._commit, self._endpoint, self._price_version = commit, endpoint, price_version
        self._items: asyncio.Queue[Settled] = asyncio.Queue()
        self._groups, self._amount, self._released = 0, Decimal(), Decimal()
        self._committing = asyncio.create_task(self._commit_groups())
        self.unbooked = False
        """Calls were made that could not be booked: what is set aside must be booked as paid."""

    def put(self, item: Settled) -> None:
        """`item.done` is set once it is in the database; with the error, where it could not be written."""
        self._items.put_nowait(item)

    async def join(self) -> None:
        """Until all that was put is in the database, or was refused by it."""
        await self._items.join()

    async def close(self) -> None:
        """The same, and nothing more is put."""
        await self.join()
        self._committing.cancel()
        await asyncio.gather(self._committing, return_exceptions=True)

    async def _commit_groups(self) -> None:
        """Until it is cancelled."""
        while True:
            group = [await self._items.get()]
            await asyncio.sleep(GROUP)
            while not self._items.empty():
                group.append(self._items.get_nowait())
            self._groups += 1
            spent = self._sum(group)
            try:
                await asyncio.to_thread(self._commit, [one for item in group for one in item.kept], spent)
            except Exception as error:  # whatever it was, those who wait for it must hear of it
                log.exception("answers_not_kept", calls=spent.calls, amount=spent.amount)
                self.unbooked = True
                for item in group:
                    if not item.done.done():  # whoever waited may have been cancelled
                        item.done.set_exception(error)
                        item.done.exception()
            else:
                for item in group:
                    if not item.done.done():
                        item.done.set_result(None)
            finally:
                for _ in group:
                    self._items.task_done()

    def _sum(self, group: Sequence[Settled]) -> Spent:
        """All groups together are rounded up once, and no call by itself."""
        amount, released = self._amount, self._released
        self._amount += sum((item.amount for item in group), Decimal())
        self._released += sum((item.released for item in group), Decimal())
        used = [item.usage for item in group if item.usage is not None]
        return Spent(
            group=self._groups,
            endpoint=self._endpoint,
            price_version=self._price_version,
            amount=whole(self._amount) - whole(amount),
            released=whole(self._released) - whole(released),
            calls=sum(item.calls for item in group),
            input_tokens=sum(usage.input for usage in used),
            output_tokens=sum(usage.output for usage in used),
            cached_tokens=sum(usage.cached for usage in used),
        )
