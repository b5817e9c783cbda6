"""The engine's transactions on real PostgreSQL: claim, start, finish, expiry, intents."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from models import blob, intent, lease
from models.blob import Blob, Ref
from models.charge import Charge
from models.conflict import Conflict, NotFound
from models.model import Model
from spec.problem import Problem
from tests.models.world import HINTON, Planned, World


def test_a_job_goes_through_its_plan_and_its_student_is_ready(world: World) -> None:
    job = world.submit(world.project())
    assert world.states(job) == {
        "score": "ready", "train": "blocked", "train.no_teacher": "ready", "grade": "blocked", "package": "blocked"
    }  # fmt: skip
    assert world.job(job).state == "queued"
    score = world.begin()
    assert (score.grip.name, world.job(job).state) == ("score", "running")
    assert world.end(score.grip) == {"gpu"}
    world.drain()
    assert world.job(job).state == "succeeded"
    student = world(lambda session: session.get(Model, world.job(job).subject))
    assert student is not None and student.state == "ready" and student.facts is not None
    assert [event.seq for event in world.events(job)] == list(range(1, world.job(job).last_seq + 1))


def test_what_failed_for_now_is_done_again_by_the_next(world: World) -> None:
    """Rows that may be answered another time make their step's outputs answer for no key; the job itself goes on with them."""
    project, plan = world.project(), [Planned(name="answer", verb="answer", queue="io", divisible=True)]
    first = world.submit(project, plan)
    world.end(world.begin("io").grip, passing=3)
    assert world.job(first).state == "succeeded" and not world.steps(first)["answer"].cut
    assert any("3 calls failed for reasons that may pass" in event.message for event in world.events(first))
    second = world.submit(project, plan)
    assert world.states(second) == {"answer": "ready"}
    world.end(world.begin("io").grip)
    third = world.submit(project, plan)
    assert world.steps(third)["answer"].cached_from == world.steps(second)["answer"].id


def test_equal_keys_are_computed_once(world: World) -> None:
    project = world.project()
    first, second = world.submit(project), world.submit(project)
    work = world.begin()
    assert work.grip.job == first and work.grip.name == "score"
    other = world.claim()
    assert other is not None and other.name == "train.no_teacher", "the twin of a running step is not claimed"
    world.start(other)
    world.end(work.grip)
    world.end(other)
    world.drain()
    assert world.job(first).state == world.job(second).state == "succeeded"
    steps = world.steps(second)
    assert [name for name, step in steps.items() if not step.cached_from] == ["package"], (
        "a report tells of its own job"
    )
    assert world.job(second).started_at is not None, "its claims found the outputs at the start"
    other_project = world.submit(world.project("q"))
    world.drain()
    assert not any(step.cached_from for step in world.steps(other_project).values()), "a cache knows its project alone"


def test_wider_outputs_serve_as_well(world: World) -> None:
    """All rows' scores serve a share of them, not the other way round; its own come first."""
    project = world.project()
    some = replace(HINTON[0], params={"share": 0.1}, wider={})
    alone = world.submit(project, [some])
    world.drain()
    whole = world.submit(project)
    world.drain()
    assert world.steps(whole)["score"].cached_from is None
    other = world.submit(project, [replace(some, params={"share": 0.2})])
    again = world.submit(project, [some])
    assert world.steps(other)["score"].cached_from == world.steps(whole)["score"].id
    assert world.steps(other)["score"].outputs == world.steps(whole)["score"].outputs
    assert world.steps(again)["score"].cached_from == world.steps(alone)["score"].id
    assert world.job(other).state == world.job(again).state == "succeeded"


def test_a_stale_worker_changes_nothing(world: World) -> None:
    job = world.submit(world.project())
    work = world.begin()
    world.outlive(work.grip)
    assert world(lease.expire, work.grip.step, job) == {"gpu"}
    before = world.events(job)
    assert world.end(work.grip) == set()
    assert world.checkpoint(work.grip, 10) is False
    assert world(lease.renew, work.grip, 60.0) is None
    assert len(world.events(job)) == len(before)
    again = world.begin()
    assert again.grip.step == work.grip.step, "what was interrupted goes first"
    assert again.grip.fence == work.grip.fence + 2
    seconds = world(lambda session: session.scalars(select(Charge.fence).where(Charge.step == again.grip.step)).all())
    assert list(seconds) == [work.grip.fence], "the lost lease is charged once"


def test_a_finish_whose_reply_was_lost_is_repeatable(world: World) -> None:
    job = world.submit(world.project())
    work = world.begin()
    world.end(work.grip)
    count = len(world.events(job))
    assert world.end(work.grip) == set()
    assert len(world.events(job)) == count


def test_pause_stops_and_resume_goes_on(world: World) -> None:
    job = world.submit(project := world.project())
    work = world.begin()
    world(intent.pause, project, job)
    assert world.job(job).state == "running", "until the running step has stopped"
    pulse = world(lease.renew, work.grip, 60.0)
    assert pulse is not None and pulse.intent == "pause"
    world.end(work.grip, "stopped")
    assert world.job(job).state == "paused" and world.claim() is None
    assert world.states(job)["score"] == "paused"
    world(intent.resume, project, job)
    assert world.states(job)["score"] == "ready"
    world.drain()
    assert world.job(job).state == "succeeded"


def test_cancel_wins_over_a_step_that_still_succeeds(world: World) -> None:
    job = world.submit(project := world.project())
    work = world.begin()
    world(intent.cancel, project, job)
    world.end(work.grip)
    assert world.job(job).state == "cancelled" and world.states(job)["score"] == "succeeded"
    student = world(lambda session: session.get(Model, world.job(job).subject))
    assert student is not None and student.state == "failed" and student.error is not None
    assert student.error["code"] == "cancelled"
    with pytest.raises(Conflict, match="already ended"):
        world(intent.pause, project, job)


def test_jobs_of_others_are_absent(world: World) -> None:
    job = world.submit(project := world.project())
    assert world(intent.pause, project, job)[0].intent == "pause"
    with pytest.raises(NotFound):
        world(intent.pause, world.project("q"), job)


def test_a_failed_step_fails_the_job_and_stops_its_sibling(world: World) -> None:
    job = world.submit(world.project())
    score, baseline = world.begin(), world.begin()
    world.end(score.grip, "failed", retry="never", error=Problem(code="bad_teacher", message="It is bad."))
    assert world.job(job).state == "running"
    pulse = world(lease.renew, baseline.grip, 60.0)
    assert pulse is not None and pulse.intent == "cancel"
    world.end(baseline.grip, "stopped")
    failed = world.job(job)
    assert failed.state == "failed" and failed.error is not None and failed.error["code"] == "bad_teacher"
    assert world.states(job)["package"] == "cancelled"


def test_an_optional_step_that_fails_fails_nothing(world: World) -> None:
    job = world.submit(world.project())
    score, baseline = world.begin(), world.begin()
    world.end(baseline.grip, "failed", retry="never")
    world.end(score.grip)
    world.drain()
    assert world.job(job).state == "succeeded" and world.states(job)["train.no_teacher"] == "failed"


@pytest.mark.parametrize(("retry", "attempts"), [("unknown", 3), ("never", 1)])
def test_a_poison_step_fails_after_its_attempts(world: World, retry: str, attempts: int) -> None:
    job = world.submit(world.project(), HINTON[:1])
    for _ in range(attempts):
        assert world.job(job).state != "failed"
        world.end(world.begin().grip, "failed", retry=retry)
    assert world.job(job).state == "failed"


def test_memory_halves_the_pass_until_nothing_is_left(world: World) -> None:
    job = world.submit(world.project(), HINTON[:1])
    seen = []
    while world.job(job).state != "failed":
        work = world.begin()
        seen.append(work.micro_batch)
        world.end(work.grip, "failed", retry="memory")
    assert seen == [None, *(2**k for k in range(9, -1, -1))]


@pytest.mark.parametrize("verb", ["grade", "package", "inspect"])
def test_memory_that_nothing_halves_is_asked_for_twice(world: World, verb: str) -> None:
    job = world.submit(world.project(), [Planned(name="only", verb=verb)])
    for _ in range(2):
        assert world.job(job).state != "failed"
        work = world.begin()
        assert work.micro_batch is None
        world.end(work.grip, "failed", retry="memory")
    assert world.job(job).state == "failed"


def test_projects_take_turns(world: World) -> None:
    greedy, modest = world.project("greedy"), world.project("modest")
    for seed in range(5):
        world.submit(greedy, HINTON[:1], seed=seed)
    world.submit(modest, HINTON[:1], seed=9)
    turns = [work.project for work in (world.begin(), world.begin(), world.begin())]
    assert turns[0] == greedy and modest in turns[1:]


def test_a_claim_takes_what_fits(world: World) -> None:
    world.submit(world.project(), [Planned(name="large", memory=100)])
    assert world.claim(memory=99) is None
    assert world.claim(memory=100) is not None


def test_a_claim_waits_for_nobody(world: World) -> None:
    job = world.submit(world.project())
    with world.held(job):
        assert world.claim() is not None


def test_garbage_is_what_nobody_needs(world: World) -> None:
    world.submit(world.project(), HINTON[:1])
    world.end(world.begin().grip)
    world(blob.keep, world.project("q"), "file-x", {"f": {"digest": "0" * 64, "bytes": 1}})
    world(blob.release, "file-x")
    assert world(lambda session: session.scalars(blob.garbage()).all()) == [], "its grace is not over"
    older = update(Blob).values(created_at=Blob.created_at - 2 * blob.GRACE)
    world(lambda session: session.execute(older))
    assert world(lambda session: session.scalars(blob.garbage()).all()) == ["0" * 64]
    needed = world(lambda session: session.scalars(select(Ref.digest)).one())
    with pytest.raises(IntegrityError):
        world(lambda session: session.execute(blob.drop(needed)))
    assert world(lambda session: session.scalar(blob.drop("0" * 64))) == "0" * 64
