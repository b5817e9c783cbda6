"""kill -9 anywhere loses nothing: worker, PostgreSQL, Valkey, disk."""

import subprocess
from pathlib import Path

import pytest

from models.step import StepState
from standalone.valkey import Valkey
from tests.postgres import Server
from tests.workers.leashed import until
from tests.workers.shop import Shop, train, unbroken
from tests.workers.test_leash import alive

pytestmark = pytest.mark.timeout(300)


def test_a_killed_worker_that_returns_goes_on_at_once(shop: Shop) -> None:
    worker = shop.hire(lease_seconds=60)
    job = shop.world.submit(shop.world.project(), [train(60)])
    until(lambda: shop.checkpointed(job) > 0)
    mark = str(shop.home / "scratch" / "runs")
    assert alive(mark)
    worker.kill()
    until(lambda: alive(mark) == [], 10)
    shop.hire(lease_seconds=60)
    assert shop.wait(job, "succeeded", "failed", seconds=55) == "succeeded", "long before the lease is over"
    assert shop.output(job) == unbroken(60)
    assert [step for step in shop.messages(job) if step.startswith("from step") and step != "from step 0"]


def test_a_killed_worker_is_replaced_when_its_lease_is_over(shop: Shop) -> None:
    worker = shop.hire("one")
    job = shop.world.submit(shop.world.project(), [train(60)])
    until(lambda: shop.checkpointed(job) > 0)
    shop.hire("two")
    worker.kill()
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(60)


def test_a_frozen_worker_changes_nothing_when_it_wakes(shop: Shop) -> None:
    shop.hire("one")
    shop.hire("two")
    job = shop.world.submit(shop.world.project(), [train(120)])
    until(lambda: shop.checkpointed(job) > 0)
    frozen = shop.holder(job)
    frozen.freeze()
    until(lambda: shop.world.steps(job)["train"].fence > 2, 90)
    assert shop.holder(job) is not frozen
    frozen.thaw()
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(120)
    ends = [event for event in shop.world.events(job) if event.type == "step" and event.data["state"] == "succeeded"]
    assert len(ends) == 1


def test_a_worker_that_is_asked_to_end_gives_its_step_back(shop: Shop) -> None:
    worker = shop.hire(lease_seconds=60)
    job = shop.world.submit(shop.world.project(), [train(80)])
    until(lambda: shop.checkpointed(job) > 0)
    worker.stop()
    step = shop.world.steps(job)["train"]
    assert (step.state, step.failures, step.interruptions) == (StepState.READY, 0, 0)
    shop.hire("two")
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(80)


def test_bells_that_are_lost_are_rung_again(shop: Shop, bells: Valkey) -> None:
    jobs = [shop.world.submit(shop.world.project(), [train(1, pace=0.0)], seed=seed) for seed in range(20)]
    shop.hire(slots=4)
    bells.kill()
    bells.start()
    bells.wait_ready()
    for job in jobs:
        assert shop.wait(job, "succeeded", "failed", seconds=60) == "succeeded"


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_postgres_goes_away_while_a_child_runs(tmp_path: Path, bells: Valkey, how: str) -> None:
    with (
        Server(tmp_path / "pg", durable=True) as server,
        server.database() as url,
        Shop(tmp_path / "shop", url, bells) as shop,
    ):
        shop.hire(lease_seconds=20)
        job = shop.world.submit(shop.world.project(), [train(60)])
        until(lambda: shop.checkpointed(job) > 0)
        if how == "killed":
            server.process.kill()
            server.process.start()
            server.process.wait_ready()
        else:
            server.freeze()
            told = list((shop.home / "scratch" / "runs").rglob("events.jsonl"))
            seen = told[0].stat().st_size
            until(lambda: told[0].stat().st_size > seen + 2000)
            server.thaw()
        assert shop.wait(job, "succeeded", "failed") == "succeeded"
        assert shop.output(job) == unbroken(60)
        assert shop.world.steps(job)["train"].attempts == 1, "the child went on meanwhile"
        events = shop.world.events(job)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        steps = [event.data["step"] for event in events if event.type == "metrics"]
        assert steps == list(range(1, 61)), "each event once, though written later"


def test_a_full_disk_pauses_and_goes_on(shop: Shop) -> None:
    blobs = shop.home / "blobs"
    wrapper = ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c",
               f'mount -t tmpfs -o size=300m tmpfs {blobs} && exec "$@"', "sh"]  # fmt: skip
    worker = shop.hire(wrapper=wrapper)
    inside = Path(f"/proc/{worker.pid}/root{blobs}")
    filler = inside / "filler"
    filled = subprocess.run(["/bin/dd", "if=/dev/zero", f"of={filler}", "bs=1M"], capture_output=True, check=False)
    assert b"No space left" in filled.stderr
    job = shop.world.submit(shop.world.project(), [train(6, pace=0.0, every=2)])
    shop.wait(job, "paused")
    assert shop.world.job(job).paused_for == "disk_full"
    filler.unlink()
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.world.job(job).paused_for is None
