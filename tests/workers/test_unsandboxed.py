"""Workers that find no sandbox: what they refuse, what they leave to others, what they do where they are trusted."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func

from models.worker import Worker
from tests.models.world import HINTON, World
from tests.workers.shop import Shop, train, unbroken
from workers import register
from workers.post import Post
from workers.sandbox import Sandbox

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    """A folder without programs: neither unshare nor bwrap is found."""
    (tmp_path / "nothing").mkdir()
    return tmp_path / "nothing"


def test_uploads_are_refused(shop: Shop, nothing: Path) -> None:
    shop.hire(path=nothing)
    job = shop.world.submit(shop.world.project(), [train(3)])
    assert shop.wait(job, "succeeded", "failed") == "failed"
    error = shop.world.job(job).error
    assert error is not None and error["code"] == "no_sandbox" and "STILLHOUSE_ALLOW_UNSANDBOXED" in error["hint"]
    assert shop.world.steps(job)["train"].attempts == 1


def test_uploads_are_opened_where_all_are_trusted_and_inputs_are_copies(shop: Shop, nothing: Path) -> None:
    shop.hire(path=nothing, allow_unsandboxed=True)
    plan = [train(3), replace(train(4, name="second", fault="scribble", at=1), needs=("train",))]
    job = shop.world.submit(shop.world.project(), plan)
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(3), "what a child does to its inputs, it does to nobody else's"


def test_steps_are_left_to_a_worker_that_has_a_sandbox(world: World, post: Post) -> None:
    post.sandbox = Sandbox.NONE
    register.arrive(post)
    world.submit(world.project(), HINTON)
    row = {"hostname": "h", "slots": 1, "device": "cpu", "memory": 1, "price_per_hour": 0.0}
    able = Worker(
        id="wrk_able", name="able", queues=["gpu"], sandbox="namespace", trusted=True, last_seen=func.now(), **row
    )
    world(lambda session: session.add(able))
    assert post.claim("gpu") is None
    world(lambda session: session.delete(session.get_one(Worker, "wrk_able")))
    grip = post.claim("gpu")
    assert grip is not None and grip.name == "score"


def test_a_job_that_has_begun_waits_for_a_worker_that_has_a_sandbox(world: World, post: Post) -> None:
    """Its steps that nobody has begun, too: one that is refused fails the job."""
    begun = world.submit(world.project(), HINTON)
    world.end(world.begin().grip)
    world.end(world.begin().grip, "stopped")
    steps = world.steps(begun)
    assert (steps["train"].state, steps["train"].attempts) == ("ready", 1)
    assert (steps["train.no_teacher"].state, steps["train.no_teacher"].attempts) == ("ready", 0)
    post.sandbox = Sandbox.NONE
    register.arrive(post)
    assert post.claim("gpu") is None
    fresh = world.submit(world.project("q"), HINTON, seed=1)
    grip = post.claim("gpu")
    assert grip is not None and grip.job == fresh
    assert {name: step.attempts for name, step in world.steps(begun).items()} == {
        n: s.attempts for n, s in steps.items()
    }
    post.sandbox = Sandbox.NAMESPACE
    grip = post.claim("gpu")
    assert grip is not None and (grip.job, grip.name) == (begun, "train")
