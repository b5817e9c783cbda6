"""Whole jobs on real worker processes: what is made, told and kept, and how failures are met."""

import pytest
from sqlalchemy import select

from models import intent
from models.charge import Charge
from models.model import Model
from tests.models.world import HINTON, Planned
from tests.workers.leashed import until
from tests.workers.shop import Shop, train, unbroken

pytestmark = pytest.mark.timeout(300)


def test_a_whole_job(shop: Shop) -> None:
    shop.hire()
    job = shop.world.submit(shop.world.project(), HINTON)
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    steps = shop.world.steps(job)
    assert all(step.state == "succeeded" and step.seconds > 0 for step in steps.values())
    assert shop.output(job) == unbroken(1)
    events = shop.world.events(job)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    metrics = [event.data for event in events if event.type == "metrics" and event.step == "train"]
    assert metrics == [{"step": 1, "series": {"loss": None}}], "what JSON cannot write is null"
    log = steps["train"].log
    assert log is not None and b"".join(shop.storage.read(log["digest"])) == b"the log\n"
    charges = shop.world(lambda session: session.scalars(select(Charge).where(Charge.job == job)).all())
    assert len(charges) == len(steps) and {charge.device for charge in charges} == {"cpu"}
    student = shop.world(lambda session: session.get(Model, shop.world.job(job).subject))
    assert student is not None and student.state == "ready" and student.files
    until(lambda: not list((shop.home / "scratch" / "runs").iterdir()))


@pytest.mark.parametrize(
    ("fault", "code"),
    [("crash", "crashed"), ("exit", "internal"), ("unknown", "poison"), ("lie", "result_invalid"),
     ("link", "result_invalid"), ("name", "result_invalid")],
)  # fmt: skip
def test_a_poison_step_fails_after_its_attempts(shop: Shop, fault: str, code: str) -> None:
    shop.hire(max_attempts=1)
    job = shop.world.submit(shop.world.project(), [train(6, pace=0.0, fault=fault, at=3)])
    assert shop.wait(job, "succeeded", "failed") == "failed"
    error = shop.world.job(job).error
    assert error is not None and error["code"] == code
    assert shop.world.steps(job)["train"].outputs == {}


def test_a_child_that_is_killed_resumes_to_the_same_bytes(shop: Shop) -> None:
    shop.hire()
    job = shop.world.submit(shop.world.project(), [train(40, fault="kill", at=23, once=True)])
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(40)
    assert [told for told in shop.messages(job) if told.startswith("from")] == ["from step 0", "from step 20"]
    step = shop.world.steps(job)["train"]
    assert (step.attempts, step.failures, step.micro_batch) == (2, 0, None), (
        "a kill from outside counts as nobody's fault"
    )


def test_a_damaged_checkpoint_falls_back_to_the_one_before(shop: Shop) -> None:
    shop.hire()
    project = shop.world.project()
    job = shop.world.submit(project, [train(60, pace=0.03)])
    until(lambda: shop.checkpointed(job) >= 10)
    shop.world(intent.pause, project, job)
    shop.wait(job, "paused")
    newest, before = shop.world.steps(job)["train"].checkpoints
    blob = shop.storage.path(newest["files"]["state.json"]["digest"])
    content = bytearray(blob.read_bytes())
    content[20] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(content)
    shop.world(intent.resume, project, job)
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(60)
    assert f"from step {before['step']}" in shop.messages(job)


def test_pause_and_resume_give_the_same_bytes(shop: Shop) -> None:
    shop.hire()
    project = shop.world.project()
    job = shop.world.submit(project, [train(50)])
    until(lambda: shop.checkpointed(job) > 0)
    shop.world(intent.pause, project, job)
    shop.wait(job, "paused")
    reached = shop.checkpointed(job)
    shop.world(intent.resume, project, job)
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    assert shop.output(job) == unbroken(50) and f"from step {reached}" in shop.messages(job)


def test_cancel_ends_the_child(shop: Shop) -> None:
    shop.hire()
    project = shop.world.project()
    job = shop.world.submit(project, [train(100_000, pace=0.01)])
    until(lambda: shop.checkpointed(job) > 0)
    shop.world(intent.cancel, project, job)
    assert shop.wait(job, "cancelled", seconds=15) == "cancelled"
    until(lambda: not list((shop.home / "scratch" / "runs").iterdir()))


def test_finish_delivers_student_and_baseline_of_one_length(shop: Shop) -> None:
    shop.hire()
    project = shop.world.project()
    slow = {"steps": 100_000, "pace": 0.01}
    plan = [
        Planned(name="train", divisible=True, params=slow),
        Planned(name="train.no_teacher", divisible=True, optional=True, params={**slow, "pace": 0.02}),
        Planned(name="package", verb="package", queue="cpu", needs=("train",), wants=("train.no_teacher",)),
    ]
    job = shop.world.submit(project, plan)
    until(lambda: shop.checkpointed(job) > 0 and shop.checkpointed(job, "train.no_teacher") > 0)
    shop.world(intent.finish, project, job)
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    steps = shop.world.steps(job)
    reached = steps["train"].summary["step"]
    assert steps["train"].cut and steps["train.no_teacher"].summary["step"] == reached > 0
    assert shop.output(job) == shop.output(job, "train.no_teacher") == unbroken(reached)


def test_a_budget_cuts_training_and_still_delivers(shop: Shop) -> None:
    shop.hire()
    plan = [train(100_000, pace=0.01), Planned(name="package", verb="package", queue="cpu", needs=("train",))]
    job = shop.world.submit(shop.world.project(), plan, hours=2.0 / 3600)
    assert shop.wait(job, "succeeded", "failed") == "succeeded"
    step = shop.world.steps(job)["train"]
    assert step.cut and 2.0 <= step.seconds < 10.0
    assert any("budget" in told for told in shop.messages(job))


def test_only_a_child_that_opens_uploads_has_a_limit_of_memory_by_itself(shop: Shop) -> None:
    shop.hire()
    for verb, limit in (("inspect", str(8 * 2**30)), ("package", "-1")):
        job = shop.world.submit(
            shop.world.project(), [Planned(name="only", verb=verb, params={"fault": "limit", "at": 1})]
        )
        assert shop.wait(job, "succeeded", "failed") == "failed"
        error = shop.world.job(job).error
        assert error is not None and error["message"] == limit


def test_memory_is_what_a_worker_has(shop: Shop) -> None:
    shop.hire(worker_memory_bytes=100)
    project = shop.world.project()
    large = shop.world.submit(project, [Planned(name="train", memory=101)])
    pair = [shop.world.submit(project, [train(3, pace=0.0, seed=seed)], seed=seed) for seed in (1, 2)]
    for job in pair:
        shop.wait(job, "succeeded")
    assert shop.state(large) == "queued"
