"""Asks by batches: gathers questions, sends them off together, and tells each answer as it comes back.

A batch outlives the attempt that sent it. Questions that are in one already, whoever sent it, wait for it and are not sent again.
"""

import asyncio
import json
from collections.abc import Sequence
from math import ceil
from typing import Protocol

import structlog

from gateway.batch import LINES, Remote
from gateway.call import WIRES, Endpoint
from gateway.carrier import Book as Carriage
from gateway.carrier import Carrier
from gateway.client import Client
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.form import Form
from gateway.front import SPENT, Front, Shelf, Tell, exceeded, failed
from gateway.questions import Question, Questions
from gateway.reply import Message, Reply
from gateway.results import BLAMELESS
from gateway.shipment import Overcharged, Result, Shipment, Void, far
from gateway.spool import Call, Spool
from models.postage import Entry, Parcel, Stamped
from models.purse import Cap
from spec.gateway import Answer, Asked, Told
from spec.ids import new_id
from spec.problem import Problem

AT_ONCE = 8
"""Batches that are under way together."""
TRIES = 3
"""Batches that a call is put into before it counts as failed."""
LEAST = 100
"""What a cap leaves is worth one more batch if it pays for this part of the calls that were sent."""
MOST_FAIL, ENOUGH = 0.5, 20
"""Share of a batch's calls, of so many at least, whose failing is the endpoint's."""
FULL, REFUSALS = "token_limit_exceeded", 10
"""OpenAI's word for a batch that its queue has no room for; how often in a row that is waited out."""
SLOW = 20
"""First looks' time that is waited then."""
GONE = Retryable("expired", "the batch is gone", sent=False)
log = structlog.get_logger(__name__)


class Book(Shelf, Carriage, Protocol):
    """The database, as the courier needs it."""

    def stamp(self, parcel: Parcel) -> Stamped: ...
    def under_way(self, place: str) -> Sequence[Shipment]: ...


class Courier(Front):
    """Of one step, on one event loop. `seconds` between the first looks at a batch; `folder`: where its files lie meanwhile."""

    def __init__(
        self, *, form: Form, book: Book, client: Client, endpoint: Endpoint, tell: Tell, seconds: float, folder: str,
        most: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(form=form, shelf=book, tell=tell, most=most)
        self._book, self._wire, self._seconds = book, WIRES[endpoint.wire], seconds
        self._carrier = Carrier(client=client, endpoint=endpoint, book=book, seconds=seconds, folder=folder)
        self._spool, self._questions = Spool(self._carrier.room()), Questions(form.samples)
        self._shipments: dict[str, Shipment] = {}
        self._tasks: dict[asyncio.Task[None], bool] = {}
        """To whether it is our own batch."""
        self._sending: asyncio.Task[None] | None = None
        self._changed, self._cancelled = asyncio.Condition(), asyncio.Event()
        self._barred: Cap | None = None
        self._said_all = self._gone = self._crowded = False
        self._sent, self._most_lines, self._refusals = 0, LINES, 0

    async def take(self, questions: Sequence[Asked]) -> None:
        if self._sending is None:  # before any answer is looked up: what is fetched meanwhile is found then
            await self._begin()
        await super().take(questions)

    async def _ask(self, id: int, messages: list[Message], key: str, have: dict[int, Answer]) -> None:
        if self._gone or self._questions.join(key, id):
            return
        calls = [self._spooled(messages, key, first, samples) for first, samples in self.form.runs(have)]
        self._questions.open[key] = Question(ids=[id], have=have, calls=len(calls))
        if self._questions.came(key):
            calls = await self._lacking(calls)
            await self._tell_ready()
        if not calls or self._questions.park(key, calls):
            return
        async with self._changed:
            await self._changed.wait_for(lambda: not self._spool.full or self._gone or self.stopped is not None)
            self._spool.add(calls)
            self._changed.notify_all()

    def _spooled(self, messages: list[Message], key: str, first: int, samples: int) -> Call:
        body = json.dumps(self._wire.request(self.form.ask(messages, first, samples)), separators=(",", ":"))
        return self._spool.put(self.form.entry(messages, key, first, samples), body.encode())

    async def _begin(self) -> None:
        """Takes up what is under way already, and begins to send."""
        self._sending = asyncio.create_task(self._send_all())
        for shipment in await asyncio.to_thread(self._book.under_way, self.form.digest):
            self._questions.expect(shipment.digests)
            self._start(shipment, [])

    async def _whole(self) -> None:
        await self._change(said_all=True)

    async def hang_up(self) -> None:
        await self._change(gone=True)

    async def _change(self, *, said_all: bool = False, gone: bool = False, back: Sequence[Call] = ()) -> None:
        """Whoever waits looks again. `back`: calls that are to be sent again, before all others."""
        async with self._changed:
            self._said_all, self._gone = self._said_all or said_all, self._gone or gone
            self._spool.add(back, first=True)
            self._changed.notify_all()

    async def close(self, patience: float, *, cancelled: bool = False) -> None:
        """Batches go on without us, and are taken up by the next attempt; `cancelled`: they are cancelled, and fetched if that is quick."""
        if self._sending is not None:
            self._sending.cancel()
        tasks = list(self._tasks)
        if cancelled and tasks:
            self._cancelled.set()
            await asyncio.wait([task for task in tasks if self._tasks.get(task)] or tasks, timeout=patience)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *filter(None, [self._sending]), return_exceptions=True)
        self._spool.close()

    def _due(self) -> bool:
        """Whether there is something to send, and it may be sent now."""
        ready = self._spool.full or (self._said_all and len(self._spool) > 0)
        held = self._barred is not None and self._flying(self._barred)
        return ready and len(self._tasks) < AT_ONCE and not held and not self._crowded and self.stopped is None

    def _flying(self, cap: Cap) -> bool:
        """Whether batches are under way whose money may come back under this cap: those of other jobs are of the month's alone."""
        return any(own or cap == "project" for own in self._tasks.values())

    async def _send_all(self) -> None:
        """Until it is cancelled."""
        while True:
            async with self._changed:
                await self._changed.wait_for(self._due)
                load = self._spool.load(self._most_lines)
                self._changed.notify_all()
            try:
                await self._send(load)
            except Exception as error:
                log.exception("batch_not_sent")
                await self.give_up(error, "A batch could not be sent.")

    async def _send(self, load: list[Call]) -> None:
        """Sets money aside and sends what it is enough for; the rest waits for what comes back."""
        price, flying = self.form.price, [cap for cap in SPENT if self._flying(cap)]
        parcel = Parcel(
            id=new_id("bat_"),
            endpoint=self.form.endpoint,
            place=self.form.digest,
            price=None if price is None else price.model_dump(mode="json"),
            entries=[call.entry for call in load],
            least=min(len(load), max(1, ceil(self._sent / LEAST))),
        )
        stamped = await asyncio.to_thread(self._book.stamp, parcel)
        calls = load[: stamped.entries]
        self._sent, self._barred = self._sent + len(calls), stamped.barred
        if calls:
            entries = parcel.entries[: len(calls)]
            self._start(Shipment(id=parcel.id, entries=entries, endpoint=parcel.endpoint, price=price), calls)
        await self._change(back=load[len(calls) :])
        if stamped.lost:
            await self._stop(Problem(code="interrupted", message="The step is another's, or its endpoint has moved."))
        elif stamped.barred is not None and stamped.barred not in flying:  # else what comes back may pay for it
            await self._stop(SPENT[stamped.barred])

    def _start(self, shipment: Shipment, calls: list[Call]) -> None:
        """`calls`: [] for one that was sent before."""
        self._shipments[shipment.id] = shipment
        task = asyncio.create_task(self._carried(shipment, calls))
        self._tasks[task] = shipment.own
        task.add_done_callback(self._tasks.pop)

    async def _carried(self, shipment: Shipment, calls: list[Call]) -> None:
        """From the sending to the last answer. Nothing is raised."""
        left, back = dict(enumerate(calls)), list[Call]()
        try:
            await self._carry(shipment, left, back)
            if not calls:
                back += await self._lacking(self._questions.unpark(shipment.digests))
        except Overcharged as error:
            await self._stop(exceeded(error.cost, error.bound))
        except CallFailed as error:
            said, hopeless = f"{self.form.endpoint}: {error.message}", isinstance(error, Permanent)
            await self._stop(Problem(code="endpoint_refuses" if hopeless else "endpoint_failing", message=said))
        except Exception as error:
            log.exception("batch_failed", batch=shipment.id)
            await self.give_up(error, "A batch could not be carried.")
        self._shipments.pop(shipment.id, None)
        self._barred = None
        await self._tell_ready()
        await self._change(back=back)

    async def _carry(self, shipment: Shipment, left: dict[int, Call], back: list[Call]) -> None:
        """`left`: calls without a result, by number; `back` takes those that are to be sent again."""
        try:
            await self._there_and_back(shipment, left, back)
        except Void:
            log.warning("batch_void", batch=shipment.id)
            await self._carrier.tidy(shipment)
            self._crowded = False
            back += [call for call in await self._lacking(list(left.values())) if self._once_more(call, GONE)]

    async def _there_and_back(self, shipment: Shipment, left: dict[int, Call], back: list[Call]) -> None:
        """Raises Void besides."""
        if ours := bool(left):
            with self._carrier.room() as file:
                await asyncio.to_thread(self._spool.write, list(left.values()), file)
                await self._carrier.post(shipment, file)
        elif shipment.remote is None:
            await self._carrier.trace(shipment)
        await self._tell_far()
        remote = await self._carrier.watch(shipment, self._tell_far, self._cancelled)
        if remote.status == "failed" and not remote.files:
            await self._carrier.drop(shipment)
            self._sent -= len(left)
            back += left.values()
        else:
            await self._collect(shipment, remote, left, back)
        if remote.status == "failed" and ours:
            await self._refused(shipment, remote)

    async def _collect(self, shipment: Shipment, remote: Remote, left: dict[int, Call], back: list[Call]) -> None:
        ill = list[bool]()

        def take(number: int, result: Result) -> None:
            ill.append(isinstance(result, CallFailed) and result.kind not in BLAMELESS)
            back.extend(self._brought(shipment.entries[number], left.pop(number, None), result))

        await self._carrier.collect(shipment, remote, take)
        if remote.status != "failed":
            self._refusals = 0
        self._crowded = False
        if len(shipment.entries) >= ENOUGH and sum(ill) > MOST_FAIL * len(shipment.entries):
            message = f"{self.form.endpoint}: {sum(ill):,} of the {len(shipment.entries):,} calls of a batch failed."
            await self._stop(Problem(code="endpoint_failing", message=message))

    def _brought(self, entry: Entry, call: Call | None, result: Result) -> list[Call]:
        """What came of a call, and the call if it is to be sent again. `call` None: it was sent before, and ours wait for it."""
        if isinstance(result, Reply):
            self._questions.bring(entry, result)
        if call is None:
            return []
        if isinstance(result, CallFailed):
            return [call] if self._once_more(call, result) else []
        self._questions.settle(entry.digest)
        return []

    def _once_more(self, call: Call, error: CallFailed) -> bool:
        """Whether it is worth another batch; else its question has failed."""
        call.tries += 1
        if isinstance(error, Retryable) and call.tries < TRIES:
            return True
        self._questions.settle(call.entry.digest, error)
        return False

    async def _refused(self, shipment: Shipment, remote: Remote) -> None:
        """The endpoint did not take the batch, or gave it up on its way. Where its queue is full, smaller ones are tried."""
        word, said = remote.refusal or ("", "it does not say why")
        done = "has given up" if remote.files else "has refused"
        if word != FULL or self._refusals >= REFUSALS:
            message = f"{self.form.endpoint} {done} a batch: {said}"
            await self._stop(Problem(code="endpoint_failing" if word == FULL else "endpoint_refuses", message=message))
            return
        self._most_lines, self._crowded = min(self._most_lines, max(1, len(shipment.entries) // 2)), True
        if all(one is shipment or one.remote is None for one in self._shipments.values()):
            self._refusals += 1  # else there is room once one of the others has ended
            await asyncio.sleep(SLOW * self._seconds)
            self._crowded = False

    async def _lacking(self, calls: list[Call]) -> list[Call]:
        """Those whose answers nobody has kept meanwhile: another job may have fetched the same batch."""
        held = await asyncio.to_thread(self._shelf.held, {call.entry.digest for call in calls}) if calls else {}
        self._questions.add(held)
        return self._questions.lacking(calls)

    async def _tell_ready(self) -> None:
        for one in self._questions.ready():
            for id in one.ids:
                if len(one.have) == self.form.samples:
                    await self._answered(id, one.have)
                else:
                    await self._tell(failed(id, one.failed or GONE))

    async def _tell_far(self) -> None:
        """How far batches are."""
        if (batches := far(self._shipments.values())) is not None:
            await self._tell(Told(batches=batches))
