"""Carries batches: sends one off, waits for it, and settles what came back, call by call. What it does is written down before and after it does it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from math import inf
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

import structlog

from gateway import batch
from gateway.batch import Remote
from gateway.call import Endpoint
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.front import kept_of
from gateway.patience import GONE, Illness, Patience, asked, once, patiently
from gateway.price import Price, whole
from gateway.reply import Reply
from gateway.results import Results
from gateway.shipment import Overcharged, Result, Shipment, Void, cost_of, spent_on
from models.answer import Kept
from models.batch import KEPT, BatchState
from models.postage import Settlement

PART = 500
"""Results that are settled together."""
SLOWEST = 20
"""Looks at a batch that takes long come so many times more seldom than at first."""
GRACE = 4
"""Looks after the first in which a batch that was just made may still come to be listed."""
LATE = 36 * 3600.0
"""Seconds after it was sent from which a batch is cancelled: it was to be answered within a day."""
LAST = KEPT.total_seconds()
"""And from which it is given up, whatever the endpoint says of it."""
CANCELLING = 3600.0
"""Seconds that it has at least between the two."""
log = structlog.get_logger(__name__)


class Book(Protocol):
    """The database, as batches need it; each call is a transaction of its own, from a thread."""

    def note(self, id: str, *, file: str | None = None, remote: str | None = None) -> bool: ...
    def settle(self, id: str, part: Settlement) -> int | None: ...
    def end(self, id: str, state: BatchState) -> None: ...
    def lose(self, id: str) -> None: ...
    def unlisted(self, id: str) -> None: ...


class Carrier:
    """To and from one endpoint. `seconds` between the first looks at a batch; `folder`: where files lie meanwhile. `patient`: what is there is asked
    for again where that fails."""

    def __init__(
        self, *, client: Client, endpoint: Endpoint, book: Book, seconds: float, folder: str, patient: bool = True
    ) -> None:
        self._client, self._endpoint, self._book = client, endpoint, book
        self._seconds, self._folder = seconds, folder
        self._ask = patiently if patient else once

    def room(self) -> IO[bytes]:
        """A file without a name, gone when it is closed."""
        Path(self._folder).mkdir(parents=True, exist_ok=True)
        return TemporaryFile(dir=self._folder)

    async def post(self, shipment: Shipment, calls: IO[bytes]) -> None:
        """Uploads the calls and sends them off. Raises CallFailed; Void where it was given up meanwhile."""
        try:
            shipment.file = await patiently(lambda: batch.upload(self._client, self._endpoint, calls))
        except CallFailed:
            await self.drop(shipment)
            raise
        await self._noted(shipment, file=shipment.file)
        await self._made(shipment, await self._create(shipment))

    async def _create(self, shipment: Shipment) -> Remote:
        """Makes it. After a try that may have made it, it is looked for before the next one. Raises CallFailed."""
        patience, unsure = Patience(), False
        while True:
            try:
                return await batch.create(self._client, self._endpoint, str(shipment.file), shipment.id)
            except CallFailed as error:
                if batch.may_be_made(error):
                    unsure = True
                    if (found := await self._listed(shipment)) is not None:
                        return found
                if not await patience.lasts(error):
                    if not unsure:  # else the next attempt looks for it once more
                        await self.drop(shipment)
                    raise

    async def _listed(self, shipment: Shipment) -> Remote | None:
        """The batch as the endpoint's list has it; None once it would be there. Raises CallFailed."""
        for look in range(GRACE + 1):
            if look:
                await asyncio.sleep(self._seconds)
            found = await self._ask(lambda: batch.find(self._client, self._endpoint, str(shipment.file), shipment.id))
            if found is not None:
                return found
        return None

    async def trace(self, shipment: Shipment) -> None:
        """Finds a batch of an earlier attempt that was not noted as made. Raises Void where it is not found, CallFailed."""
        try:
            found = None if shipment.file is None else await self._listed(shipment)
        except batch.Buried as error:
            await asyncio.to_thread(self._book.lose, shipment.id)
            raise Void from error
        if found is None:
            await asyncio.to_thread(self._book.unlisted, shipment.id)
            raise Void
        await self._made(shipment, found)

    async def _made(self, shipment: Shipment, remote: Remote) -> None:
        """Raises Void."""
        shipment.remote = remote.id
        await self._noted(shipment, remote=remote.id)

    async def _end(self, shipment: Shipment, state: BatchState) -> None:
        await asyncio.to_thread(self._book.end, shipment.id, state)

    async def _noted(self, shipment: Shipment, *, file: str | None = None, remote: str | None = None) -> None:
        if not await asyncio.to_thread(lambda: self._book.note(shipment.id, file=file, remote=remote)):
            if shipment.remote is not None:
                await self.cancel(shipment)
            raise Void

    async def watch(self, shipment: Shipment, told: Callable[[], Awaitable[None]], cancelled: asyncio.Event) -> Remote:
        """Until it has ended. It is cancelled once `cancelled` is set, or it is late. Raises Void, CallFailed."""
        wait, ill = self._seconds, Illness()
        cancelling, last = False, inf
        while True:
            stop, late = shipment.own and cancelled.is_set(), time.time() > shipment.since + LATE
            if (stop or late) and last == inf:
                cancelling = True
                last = max(shipment.since + LAST, time.time() + CANCELLING)
            if cancelling:
                cancelling = not await self.cancel(shipment)
            wait = self._seconds if stop else wait
            found, rest = await self._seen(shipment, ill)
            if found is not None:
                if found.ended:
                    return found
                await told()
            if time.time() > last:
                await self._give_up(shipment)
            rest = max(wait, rest)
            if stop or not shipment.own:
                await asyncio.sleep(rest)
                continue
            try:
                await asyncio.wait_for(cancelled.wait(), rest)
            except TimeoutError:
                wait = min(1.5 * wait, SLOWEST * self._seconds)

    async def _seen(self, shipment: Shipment, ill: Illness) -> tuple[Remote | None, float]:
        """One more look; None where it failed. And for how long the endpoint asks for no other. Raises Void, CallFailed."""
        try:
            found = await self.look(shipment)
        except CallFailed as error:
            if ill.fatal(error):
                await asyncio.to_thread(self._book.lose, shipment.id)
                raise Void from error
            return None, asked(error)
        ill.over()
        shipment.done = found.done
        return found, 0.0

    async def _give_up(self, shipment: Shipment) -> None:
        """A batch that does not end: what is set aside for it is booked as paid. Raises CallFailed."""
        await asyncio.to_thread(self._book.lose, shipment.id)
        await self.tidy(shipment)
        days = (time.time() - shipment.since) / 86_400
        message = (
            f"a batch has not ended {days:.1f} days after it was sent, though it was cancelled; it is booked as paid"
        )
        raise Retryable("timeout", message, sent=True)

    async def cancel(self, shipment: Shipment) -> bool:
        """As far as it can be: one that has just ended cannot. False: it is worth another try."""
        try:
            await batch.cancel(self._client, self._endpoint, str(shipment.remote))
        except CallFailed as error:
            log.info("batch_not_cancelled", batch=shipment.id, error=str(error))
            return isinstance(error, Permanent)
        return True

    async def look(self, shipment: Shipment) -> Remote:
        """Once. Raises CallFailed."""
        found = await batch.look(self._client, self._endpoint, str(shipment.remote))
        shipment.results = found.files
        return found

    async def collect(self, shipment: Shipment, remote: Remote, take: Callable[[int, Result], None]) -> None:
        """Settles every result, and hands it on. Raises CallFailed, Void; Overcharged at the end."""
        over: Overcharged | None = None
        with self.room() as first, self.room() as second:
            files = [first, second][: len(remote.files)]
            for name, file in zip(remote.files, files, strict=True):
                await self._fetched(shipment, name, file)
            results = await asyncio.to_thread(Results, files, len(shipment.entries), self._endpoint, remote.status)
            first_of_part = 0
            while first_of_part < len(results):
                part = await asyncio.to_thread(results.part, first_of_part, PART)
                while shipment.settled < first_of_part + len(part):
                    over = await self._settle(shipment, first_of_part, part) or over
                for number, result in part:
                    take(number, result)
                first_of_part += len(part)
        await self._end(shipment, BatchState.DONE)
        await self.tidy(shipment)  # whoever is about to fetch it, too, finds the answers kept
        if over is not None:
            raise over

    async def _fetched(self, shipment: Shipment, name: str, file: IO[bytes]) -> None:
        """A file of results. Raises Void where it is gone: what it held is paid for, and nobody will see it."""
        most = sum(entry.size for entry in shipment.entries)
        fetch = partial(batch.download, self._client, self._endpoint, name, file, most)
        for _ in range(GONE):
            try:
                return await self._ask(fetch)
            except Permanent as error:
                if error.kind != "not_found":
                    raise
            await asyncio.sleep(self._seconds)
        await asyncio.to_thread(self._book.lose, shipment.id)
        raise Void

    async def _settle(self, shipment: Shipment, first: int, part: list[tuple[int, Result]]) -> Overcharged | None:
        """Books what of a part was not booked before; somebody else may be doing the same. Raises Void."""
        fresh = part[max(0, shipment.settled - first) :]
        price = None if shipment.price is None else Price.of(shipment.price)
        over: Overcharged | None = None
        kept: list[Kept] = []
        costs: list[Decimal] = []
        for number, result in fresh:
            entry = shipment.entries[number]
            if isinstance(result, Reply):
                kept += kept_of(result, entry.digest, entry.first, entry.samples)
            cost = cost_of(result, entry, price)
            if cost > entry.bound:
                over = Overcharged(whole(cost), entry.bound)
            costs.append(cost)
        settlement = Settlement(
            after=shipment.settled,
            upto=first + len(part),
            kept=kept,
            spent=spent_on(shipment, fresh, whole(sum(costs, Decimal())), sum(cost > 0 for cost in costs)),
        )
        settled = await asyncio.to_thread(self._book.settle, shipment.id, settlement)
        if settled is None:
            raise Void
        shipment.settled = settled
        return over

    async def drop(self, shipment: Shipment) -> None:
        """Nothing of it was made: it costs nothing."""
        await self._end(shipment, BatchState.VOID)
        await self.tidy(shipment)

    async def tidy(self, shipment: Shipment) -> None:
        """Rows and answers stay with the endpoint no longer than they have to, where it lets go of them."""
        for file in filter(None, (shipment.file, *shipment.results)):
            try:
                await batch.discard(self._client, self._endpoint, file)
            except Permanent:  # gone already
                continue
            except CallFailed:
                return
