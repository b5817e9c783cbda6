"""The courier as a step's questions meet it, put together by hand: on a real database, with the example's server and its own ledger."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from tempfile import gettempdir
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from gateway.call import Endpoint
from gateway.client import Client as Calls
from gateway.courier import Courier
from gateway.desk import Desk
from gateway.form import Form
from gateway.reply import Message, Sampling
from gateway.throttle import Limits, Throttle
from models.batch import Batch
from models.start import Work
from spec.facts import Price
from spec.gateway import Asked, Told
from spec.gateway import Message as Line
from tests.examples.serving import KEY, LABELS, MODEL, TEXTS, Client
from tests.models.world import World
from tests.workers.script import Script
from workers.books import LedgerBook
from workers.claim import Ledger

PRICE = Price(version=2, input=20.0, output=40.0, batch=0.5)
FLAGS = ("--price", "20/40", "--batch-price", "0.5")
SYSTEM = Message("system", f"Answer with exactly one of these names and nothing else: {', '.join(LABELS)}.")
ROWS = list(TEXTS)
SECONDS = 0.05
When = Callable[[Courier], bool]


def form(**more: Any) -> Form:
    sampling = more.pop("sampling", Sampling(temperature=0.0, max_tokens=8))
    price = more.pop("price", PRICE.in_batches())
    return Form(endpoint="ep_server", digest="place", model=MODEL, sampling=sampling, price=price, **more)


def asked(texts: list[str]) -> list[Asked]:
    """Questions, and that they are all."""
    first = Line(role=SYSTEM.role, content=SYSTEM.content)
    put = [Asked(id=i, messages=(first, Line(role="user", content=text))) for i, text in enumerate(texts)]
    return [*put, Asked(id=0, messages=(), whole=True)]


async def post(
    ledger: Ledger,
    work: Work,
    server: Client | Script,
    texts: list[str],
    how: Form,
    until: When | None = None,
    cancelled: bool = False,
) -> tuple[Courier, list[Told]]:
    """Puts all questions at once, and takes what is told: all of it, or `until` something has happened, and no more."""
    told: list[Told] = []

    async def tell(one: Told) -> None:
        told.append(one)

    book = LedgerBook(ledger, work, "ep_server", lambda: False)
    async with Calls(private=True) as client:
        courier = Courier(
            form=how, book=book, client=client, endpoint=Endpoint(server.url, KEY), tell=tell, seconds=SECONDS,
            folder=gettempdir(),
        )  # fmt: skip
        await courier.take(asked(texts))

        def over() -> bool:
            if until is not None:
                return until(courier)
            return courier.stopped is not None or sum(one.batches is None for one in told) == len(texts)

        async with asyncio.timeout(60):
            while not over():  # noqa: ASYNC110  # some of what is waited for is in the database
                await asyncio.sleep(0.01)
        await courier.close(5.0 if cancelled else 0.0, cancelled=cancelled)
    return courier, told


async def one_by_one(ledger: Ledger, work: Work, server: Client, texts: list[str], how: Form) -> list[Told]:
    """The same questions, asked by a desk."""
    told: list[Told] = []

    async def tell(one: Told) -> None:
        told.append(one)

    book = LedgerBook(ledger, work, "ep_server", lambda: False)
    async with Calls(private=True) as client:
        called, throttle = Endpoint(server.url, KEY), Throttle(None, "t", Limits())
        desk = Desk(form=how, book=book, client=client, endpoint=called, throttle=throttle, tell=tell)
        await desk.take(asked(texts))
        while desk._tasks:
            await asyncio.wait(desk._tasks)
        await desk.close(5.0)
    return told


def run(*args: Any, **more: Any) -> tuple[Courier, list[Told]]:
    return asyncio.run(post(*args, **more))


def answers(told: list[Told]) -> dict[int, list[str]]:
    return {one.id: [answer.text for answer in one.answers] for one in told if one.answers}


def batches(world: World) -> list[Batch]:
    found = select(Batch).options(undefer(Batch.lines)).order_by(Batch.created_at)
    return list(world(lambda session: session.scalars(found).all()))


def noted(world: World) -> list[Batch]:
    """Those that the server has."""
    return [one for one in batches(world) if one.remote is not None]


class Bill:
    """What the server has billed since then, in dollars and calls."""

    def __init__(self, server: Client) -> None:
        self._server, self._before = server, server.ledger()

    @property
    def usd(self) -> float:
        return float(Decimal(self._server.ledger()["usd"]) - Decimal(self._before["usd"]))

    @property
    def calls(self) -> int:
        return int(self._server.ledger()["calls"]) - int(self._before["calls"])
