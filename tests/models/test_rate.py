"""What devices cost: told by workers while they are connected, and remembered from what was booked."""

import pytest
from sqlalchemy import func, select, update

from models import lease, rate, worker
from models.charge import Charge
from models.job import Job
from models.worker import Worker
from tests.models.world import Planned, World

DEVICE = (Planned(name="score", verb="score"), Planned(name="grade", verb="grade", needs=("score",), estimate=10.0))


def gone(world: World, id: str) -> None:
    world(lambda session: session.execute(worker.leave(id)))


def test_a_queue_costs_what_its_dearest_worker_does_or_what_was_booked_last(world: World) -> None:
    assert world(rate.known) == {}
    world.connect(36.0, "gpu", "io")
    assert world(rate.known) == {"gpu": 36.0}, "to wait for the network uses no device"
    world.submit(world.project(), DEVICE)
    world.end(world.begin().grip)
    gone(world, "wrk_a")
    world.connect(18.0, "gpu", "io")
    world.end(world.begin().grip)
    gone(world, "wrk_a")
    assert world(rate.known) == {"gpu": pytest.approx(18.0)}, "nobody is connected, and the ledger knows the last"
    world.connect(3.6, "gpu", id="wrk_b")
    world.connect(0.0, "cpu", id="wrk_c")
    assert world(rate.known) == {"gpu": 3.6}, "who is connected says so"
    silent = update(Worker).where(Worker.id == "wrk_b").values(last_seen=func.now() - 2 * rate.SILENCE)
    world(lambda session: session.execute(silent))
    assert world(rate.known) == {"gpu": pytest.approx(18.0)}


def test_a_dearer_worker_that_comes_later_counts_and_a_step_costs_what_its_own_does(world: World) -> None:
    """A dollar, and ten seconds of grading to come at $36 an hour, since that worker is there, too."""
    world.connect(3.6, "gpu")
    id = world.submit(world.project(), DEVICE)
    world(lambda session: setattr(session.get_one(Job, id), "usd", 1.0))
    world.connect(36.0, "gpu", id="wrk_b")
    work = world.begin()
    assert world.job(id).rates == {"gpu": 36.0}
    assert work.seconds_left == pytest.approx((1.0 - 0.1) / 3.6 * 3600, rel=0.01)
    gone(world, "wrk_b")
    pulse = world(lease.renew, work.grip, 60.0)
    assert pulse is not None and pulse.seconds_left == pytest.approx((1.0 - 0.1) / 3.6 * 3600, rel=0.01)


def test_a_step_that_waits_for_the_network_uses_no_device(world: World) -> None:
    world.connect(36.0, "io", "gpu")
    id = world.submit(world.project(), (Planned(name="answer", verb="answer", queue="io"), *DEVICE))
    world.end(world.begin("io").grip)
    world.end(world.begin("gpu").grip)
    booked = world(lambda session: session.scalars(select(Charge).where(Charge.job == id)).all())
    steps = world.steps(id)
    assert [charge.step for charge in booked] == [steps["score"].id] and booked[0].usd > 0
    assert steps["answer"].seconds > 0
