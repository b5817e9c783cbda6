"""Batches whose job has ended before they were fetched: cancelled, so that they cost no more than they have, and their answers kept, which are paid for."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session, undefer

from gateway.call import Endpoint as Called
from gateway.carrier import Carrier, Overcharged, Result, Shipment, Void
from gateway.client import Client
from gateway.failure import CallFailed
from gateway.seal import Unsealable
from models import batch, endpoint
from models.batch import Batch, BatchState
from models.endpoint import Endpoint
from models.step import Queue
from workers.asking import limits_of, opened
from workers.books import Postbook, shipment
from workers.post import Post

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
    """Looks at each of them once. Only a worker that asks at endpoints can open their keys."""
    if Queue.IO not in post.queues:
        return
    for project, id in post.ledger(lambda session: session.execute(batch.abandoned()).all()):
        row = post.ledger(lambda session, p, i: session.scalars(endpoint.one(p, i)).one_or_none(), project, id)
        if row is None:
            continue
        try:
            key = opened(row, post.settings)
        except Unsealable as error:
            log.warning("batches_not_fetched", endpoint=id, error=str(error))
            continue
        called = Called(row.url, key, "anthropic" if row.wire == "anthropic" else "openai")
        asyncio.run(_fetch(post, row, called, [shipment(one, own=True) for one in post.ledger(_left, row)]))


def _left(session: Session, row: Endpoint) -> Sequence[Batch]:
    found = batch.live(row.project, row.id, row.known().digest, "").where(Batch.state == BatchState.LEFT)
    return session.scalars(found.options(undefer(Batch.lines))).all()


async def _fetch(post: Post, row: Endpoint, called: Called, left: list[Shipment]) -> None:
    async with Client(private=row.private, seconds=limits_of(row).seconds) as client:
        carrier = Carrier(
            client=client, endpoint=called, book=LooseBook(post), seconds=post.settings.batch_seconds,
            folder=str(post.settings.scratch),
        )  # fmt: skip
        for one in left:
            try:
                remote = await carrier.look(one)
                if remote.ended:
                    await carrier.collect(one, remote, _nobody_waits)
                else:
                    await carrier.cancel(one)
            except (CallFailed, Void, Overcharged) as error:
                log.warning("batch_not_fetched", batch=one.id, error=str(error))


def _nobody_waits(number: int, result: Result) -> None:
    """What was answered is kept already."""
