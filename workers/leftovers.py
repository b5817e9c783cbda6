"""Batches whose job has ended before they were fetched: cancelled, so that they cost no more than they have; what they have cost is booked, and what came is kept."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, undefer

from gateway.call import Endpoint as Called
from gateway.carrier import Carrier
from gateway.client import Client
from gateway.failure import CallFailed
from gateway.seal import Unsealable
from gateway.shipment import Overcharged, Result, Shipment, Void
from models import batch, endpoint, postage
from models import worker as workers
from models.batch import Batch
from models.endpoint import Endpoint
from models.step import Queue
from workers.books import Postbook, shipment
from workers.callee import limits_of, opened
from workers.claim import Away
from workers.post import Post

LOOK = 30.0
"""Seconds that a look may take, whatever the endpoint's own limit is."""
VISIT = 900.0
"""Seconds for all that one endpoint has."""
ONE = VISIT / 3
"""Seconds for one batch of it: what is slow keeps the others from their turn in no round, and they come in another order in each."""
P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)


class LooseBook(Postbook):
    """Of no step. What cannot be written now is looked at another time: raises Away."""

    def __init__(self, post: Post) -> None:
        self._ledger = post.ledger

    def _patiently(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._ledger(work, *args, **kwargs)


def fetch(post: Post) -> None:
    """Looks at each of them once, at all endpoints at the same time, and counts its days. Only a worker that asks at endpoints can open their keys: as long
    as one is there, others do nothing."""
    post.ledger(lambda session: session.execute(batch.forgotten()))
    asks = Queue.IO in post.queues
    if not asks and post.ledger(workers.serves, Queue.IO):
        return
    rows = post.ledger(_all, batch.left())
    if asks:
        asyncio.run(_visits(post, rows))
    for one in rows:
        _missed(post, one)


def _missed(post: Post, one: Batch) -> None:
    try:
        post.ledger(postage.miss, one.id)
    except DBAPIError as error:  # others are counted, too
        log.warning("batch_not_counted", batch=one.id, error=str(error))


async def _visits(post: Post, left: Sequence[Batch]) -> None:
    """One that is silent, or slow, keeps nobody from the others."""
    places = dict.fromkeys((one.project, one.endpoint) for one in left)
    mine = {place: [one for one in left if (one.project, one.endpoint) == place] for place in places}
    await asyncio.gather(*(_visit(post, *place, mine[place]) for place in places))


async def _visit(post: Post, project: str, id: str, left: Sequence[Batch]) -> None:
    row = await asyncio.to_thread(post.ledger, _endpoint, project, id)
    if row is None:
        return
    try:
        called = Called(row.url, opened(row, post.settings), "anthropic" if row.wire == "anthropic" else "openai")
        async with asyncio.timeout(VISIT):
            await _fetch(post, row, called, [one for one in left if one.place == row.known().digest])
    except (Unsealable, TimeoutError) as error:
        log.warning("batches_not_fetched", endpoint=row.id, error=repr(error))


def _endpoint(session: Session, project: str, id: str) -> Endpoint | None:
    return session.scalars(endpoint.one(project, id)).one_or_none()


def _all(session: Session, wanted: Select[Batch]) -> Sequence[Batch]:
    return session.scalars(wanted.options(undefer(Batch.lines))).all()


async def _fetch(post: Post, row: Endpoint, called: Called, left: Sequence[Batch]) -> None:
    async with Client(private=row.private, seconds=min(limits_of(row).seconds, LOOK)) as client:
        carrier = Carrier(
            client=client, endpoint=called, book=LooseBook(post), seconds=post.settings.batch_seconds,
            folder=str(post.settings.scratch), patient=False,
        )  # fmt: skip
        for one in random.sample(left, len(left)):
            try:
                async with asyncio.timeout(ONE):
                    await _settle(carrier, shipment(one, own=True))
            except (CallFailed, Void, Overcharged, DBAPIError, TimeoutError) as error:
                log.warning("batch_not_fetched", batch=one.id, error=repr(error))
            except Away:
                raise
            except Exception:  # others are waited for, too
                log.exception("batch_not_fetched", batch=one.id)


async def _settle(carrier: Carrier, one: Shipment) -> None:
    """Cancels it, or fetches what came of it. Raises CallFailed, Void, Overcharged."""
    try:
        if one.remote is None:
            await carrier.trace(one)
        remote = await carrier.look(one)
        if remote.ended:
            await carrier.collect(one, remote, _nobody_waits)
        elif remote.status != "cancelling":
            await carrier.cancel(one)
    except Void:
        await carrier.tidy(one)
        raise


def _nobody_waits(number: int, result: Result) -> None:
    """What was answered is kept already."""
