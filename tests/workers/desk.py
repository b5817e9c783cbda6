"""The desk as a step's calls meet it, put together by hand: on a real database, with a real teacher."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import func, select

from gateway.call import Endpoint
from gateway.claims import Claims
from gateway.client import Client
from gateway.desk import Desk
from gateway.form import Form
from gateway.reply import Message, Sampling
from gateway.throttle import Limits, Throttle
from models.charge import Charge
from models.job import Job
from models.start import Work
from spec.facts import Price
from spec.gateway import Asked, Told
from spec.gateway import Message as Line
from tests.acceptance.teacher import Teacher, sentences
from tests.models.world import Planned, World
from workers.books import LedgerBook
from workers.claim import Ledger

PLAN = (
    Planned(name="answer", verb="answer", queue="io", divisible=True),
    Planned(name="train", needs=("answer",), divisible=True, estimate=20.0),
    Planned(name="grade", verb="grade", needs=("answer", "train"), estimate=10.0),
)
PRICE = Price(version=3, input=1000.0, output=2000.0)
SYSTEM = Message("system", "Answer with exactly one of these names and nothing else: animals, plants, stones.")
SEEDS = count()
TEXTS = sentences(80, 7)[0]


def begun(world: World, project: str, usd: float | None = None, rates: dict[str, float] | None = None) -> Work:
    """The answer step of a new job, claimed."""
    id = world.submit(project, PLAN, seed=next(SEEDS))

    def capped(session: Any) -> None:
        job = session.get(Job, id)
        job.usd, job.rates = usd, rates or {}

    world(capped)
    return world.begin("io")


def form(**more: Any) -> Form:
    return Form(
        endpoint="ep_words",
        digest="d",
        model="words",
        sampling=Sampling(temperature=0.0, max_tokens=4),
        price=PRICE,
        **more,
    )


@asynccontextmanager
async def asked(
    ledger: Ledger,
    work: Work,
    teacher: Teacher,
    texts: list[str],
    how: Form,
    concurrency: int = 64,
    redis: Redis | None = None,
) -> AsyncIterator[tuple[Desk, list[Told]]]:
    """A desk that was put all questions at once, and what it tells; to be closed within. `redis`: where jobs tell each other what they ask."""
    told: list[Told] = []

    async def tell(one: Told) -> None:
        told.append(one)

    book = LedgerBook(ledger, work, "ep_words", lambda: False)
    async with Client(private=True) as client:
        throttle = Throttle(None, "t", Limits(concurrency=concurrency))
        claims = Claims(redis, work.project, book.held, how.samples)
        desk = Desk(
            form=how,
            book=book,
            client=client,
            endpoint=Endpoint(teacher.url),
            throttle=throttle,
            tell=tell,
            claims=claims,
        )
        lines = [Line(role=m.role, content=m.content) for m in (SYSTEM,)]
        await desk.take(
            [Asked(id=i, messages=(*lines, Line(role="user", content=text))) for i, text in enumerate(texts)]
        )
        yield desk, told
    await asyncio.to_thread(book.give_back)


async def ask(
    ledger: Ledger,
    work: Work,
    teacher: Teacher,
    texts: list[str],
    how: Form,
    patience: float = 5.0,
    redis: Redis | None = None,
    concurrency: int = 64,
) -> tuple[Desk, list[Told]]:
    """Puts all questions at once, and takes what is told until nothing more is in flight."""
    async with asked(ledger, work, teacher, texts, how, concurrency, redis) as (desk, told):
        while desk._tasks:
            await asyncio.wait(desk._tasks)
        await desk.close(patience)
    return desk, told


def booked(world: World, job: str) -> float:
    return float(
        world(lambda s: s.scalar(select(func.coalesce(func.sum(Charge.usd), 0.0)).where(Charge.job == job))) or 0.0
    )
