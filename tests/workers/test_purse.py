"""Money that is set aside: lots whose commit comes late are nobody's."""

import asyncio
from contextlib import ExitStack

from sqlalchemy import select

from gateway.call import Endpoint
from gateway.client import Client
from gateway.desk import Desk
from gateway.throttle import Limits, Throttle
from models import purse
from models.purse import Reservation
from spec.gateway import Asked, Told
from spec.gateway import Message as Line
from tests.acceptance.teacher import Teacher
from tests.models.world import World
from tests.workers.desk import TEXTS, begun, booked, form
from tests.workers.leashed import until
from workers.books import LedgerBook
from workers.claim import Ledger


def test_a_lot_that_comes_late_is_not_booked(world: World, ledger: Ledger) -> None:
    """Asked for again since its commit was not heard of, or still under way when all was given back: nothing is set aside twice, or after the end."""
    work = begun(world, world.project(), 1.0)
    for number in (1, 2, 2, 1):
        ledger(purse.reserve, work.grip, "ep_words", number, 100_000, 100_000)
    assert world(lambda session: session.scalars(select(Reservation.open)).one()) == 200_000
    ledger(purse.give_back, work.grip, "ep_words")
    assert ledger(purse.reserve, work.grip, "ep_words", 3, 100_000, 100_000).lost
    world.end(work.grip)
    assert booked(world, work.grip.job) == 0
    assert not world(lambda session: session.scalars(select(Reservation)).all())


def test_a_reservation_that_outlives_the_desk_is_not_booked(world: World, ledger: Ledger, teacher: Teacher) -> None:
    """The desk closes while its thread still waits for the job's lock: the lot that it then gets is nobody's."""
    work = begun(world, world.project(), 1.0)
    book = LedgerBook(ledger, work, "ep_words", lambda: False)

    async def run() -> None:
        async def tell(_: Told) -> None:
            return

        async with Client(private=True) as client:
            throttle = Throttle(None, "t", Limits())
            desk = Desk(
                form=form(), book=book, client=client, endpoint=Endpoint(teacher.url), throttle=throttle, tell=tell
            )
            await desk.take([Asked(id=0, messages=(Line(role="user", content=TEXTS[0]),))])
            await asyncio.to_thread(until, lambda: world.waiting() == 1)
            await desk.close(0.0)
            giving = asyncio.create_task(asyncio.to_thread(book.give_back))
            await asyncio.to_thread(until, lambda: world.waiting() == 2)
            held.close()
            await giving

    with ExitStack() as held:
        held.enter_context(world.held(work.grip.job))
        asyncio.run(run())
    world.end(work.grip)
    assert booked(world, work.grip.job) == 0 and teacher.calls == 0
