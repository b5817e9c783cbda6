"""Training that is cut short, by `finish` or by a budget: student and baselines alike, whatever becomes of their attempts."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from models import intent, lease
from models.conflict import Conflict
from models.cut import REASON
from models.start import Work
from models.step import Step
from tests.models.world import Planned, World


def test_finish_needs_a_checkpoint_and_cuts_both_alike(world: World) -> None:
    job = world.submit(project := world.project())
    world.end(world.begin().grip)
    student, baseline = world.begin(), world.begin()
    assert (student.grip.name, baseline.grip.name) == ("train", "train.no_teacher")
    with pytest.raises(Conflict) as refused:
        world(intent.finish, project, job)
    assert refused.value.code == "no_checkpoint_yet"
    world.checkpoint(student.grip, 40)
    world.checkpoint(baseline.grip, 50)
    world.checkpoint(baseline.grip, 60)
    world(intent.finish, project, job)
    pulses = [world(lease.renew, work.grip, 60.0) for work in (student, baseline)]
    assert [pulse and pulse.halt for pulse in pulses] == ["finish", None]
    world.end(student.grip, "stopped", step=55)
    pulse = world(lease.renew, baseline.grip, 60.0)
    assert pulse is not None and pulse.halt == "level"
    world.end(baseline.grip, "stopped", step=63)
    again = world.begin()
    assert again.grip.name == "train.no_teacher" and again.params["stop_step"] == 55
    assert [checkpoint["step"] for checkpoint in again.checkpoints] == [50], "the one past the student's end is dropped"
    pulse = world(lease.renew, again.grip, 60.0)
    assert pulse is not None and pulse.halt is None, "it stops there by itself"
    world.end(again.grip, step=55)
    world.drain()
    assert world.job(job).state == "succeeded" and world.steps(job)["train"].cut
    twin = world.submit(project)
    world.drain()
    assert world.steps(twin)["train"].cached_from is None, "what was cut answers for no key"
    assert world.steps(twin)["score"].cached_from is not None


def test_a_preview_is_made_for_every_job(world: World) -> None:
    """Its answers are events of its job. One that a cap has cut says so, and waits for its owner all the same."""
    plan = (Planned(name="preview", verb="answer", queue="io", divisible=True, params={"first": 20}),)
    project = world.project()
    one, other = (world.submit(project, plan) for _ in range(2))
    first, second = world.begin("io"), world.begin("io")
    assert {first.grip.job, second.grip.job} == {one, other}, "both at once"
    world.end(first.grip)
    world.end(second.grip, "stopped", over_budget=True)
    made = [world.steps(work.grip.job)["preview"] for work in (first, second)]
    assert [(step.state, step.cut, step.cached_from) for step in made] == [
        ("succeeded", False, None),
        ("succeeded", True, None),
    ]
    assert [world.job(work.grip.job).paused_for for work in (first, second)] == ["preview", "preview"]
    assert any("cut short" in event.message for event in world.events(second.grip.job))
    third = world.submit(project, plan)
    assert world.begin("io").grip.job == third


def test_finish_of_a_paused_job_resumes_to_its_checkpoint_alone(world: World) -> None:
    job = world.submit(project := world.project())
    world.end(world.begin().grip)
    student = world.begin()
    world.checkpoint(student.grip, 40)
    world(intent.pause, project, job)
    world.end(student.grip, "stopped", step=40)
    world(intent.finish, project, job)
    assert world.states(job)["train.no_teacher"] == "skipped", "what had not begun is left out"
    again = world.begin()
    assert again.params["stop_step"] == 40 and again.checkpoints
    world.end(again.grip, step=40)
    world.drain()
    done = world.steps(job)
    assert world.job(job).state == "succeeded" and done["train"].cut and done["train.no_teacher"].error is not None
    why = "Training was cut at step 40 by finish."
    assert done["train"].summary[REASON] == why and why in [one.message for one in world.events(job)]


def test_a_baseline_that_was_faster_is_not_read(world: World) -> None:
    job = world.submit(project := world.project())
    world.end(world.begin().grip)
    student, baseline = world.begin(), world.begin()
    world.end(baseline.grip, step=100)
    world.checkpoint(student.grip, 40)
    world(intent.finish, project, job)
    world.end(student.grip, "stopped", step=40)
    assert world.steps(job)["grade"].wants == {}
    assert [warning["code"] for warning in world.job(job).warnings] == ["baseline_left_out"]
    world.drain()
    assert world.job(job).state == "succeeded"


def test_the_budget_is_shared_by_what_runs_and_keeps_the_grade(world: World) -> None:
    job = world.submit(world.project(), hours=0.1)
    score = world.begin()
    pulse = world(lease.renew, score.grip, 60.0)
    assert pulse is not None and pulse.seconds_left == pytest.approx(350.0, abs=1.0), "360 s less 10 for the grade"
    baseline = world.begin()
    pulse = world(lease.renew, baseline.grip, 60.0)
    assert pulse is not None and pulse.seconds_left == pytest.approx(175.0, abs=1.0)
    world.end(score.grip)
    student = world.begin()
    world.checkpoint(student.grip, 10)
    world.end(student.grip, "stopped", step=12, over_budget=True)
    world.end(baseline.grip, "stopped", step=20, over_budget=True)
    assert world.states(job)["train.no_teacher"] == "skipped"
    world.drain()
    done = world.steps(job)
    assert world.job(job).state == "succeeded" and done["train"].cut
    told = [event.message for event in world.events(job) if event.type == "message"]
    assert told == ["Training was cut at step 12 by the budget of hours."]
    left = world.steps(job)["train.no_teacher"].error
    assert left is not None and left["param"] == "budget.hours"


def test_a_baseline_is_not_begun_over_budget(world: World) -> None:
    job = world.submit(world.project(), hours=1e-9)
    world.end(world.begin().grip)
    grips = [world.claim(), world.claim()]
    started = {grip.name: world.start(grip) for grip in grips if grip is not None}
    assert started["train.no_teacher"] is None and started["train"] is not None
    assert world.states(job)["train.no_teacher"] == "skipped"


@pytest.fixture
def finishing(world: World) -> tuple[str, Work, Work]:
    """A job that is to finish: its student runs, with a checkpoint at 40, its baseline with one at 30."""
    job = world.submit(project := world.project())
    world.end(world.begin().grip)
    student, baseline = world.begin(), world.begin()
    world.checkpoint(student.grip, 40)
    world.checkpoint(baseline.grip, 30)
    world(intent.finish, project, job)
    return job, student, baseline


def lose(world: World, work: Work) -> None:
    world.outlive(work.grip)
    world(lease.expire, work.grip.step, work.grip.job)


def kill(world: World, work: Work) -> None:
    world.end(work.grip, "failed", retry="infrastructure")
    world(lambda session: session.execute(update(Step).values(not_before=None)))


ENDS: dict[str, Callable[[World, Work], object]] = {
    "expired": lose,
    "killed": kill,
    "crashed": lambda world, work: world.end(work.grip, "failed", retry="unknown"),
    "stopped without outputs": lambda world, work: world.end(work.grip, "stopped", bare=True),
}
either_way = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


@either_way
def test_finish_survives_the_attempt_that_was_to_stop(
    world: World, finishing: tuple[str, Work, Work], end: Callable[[World, Work], object]
) -> None:
    job, student, _ = finishing
    world.checkpoint(student.grip, 45)
    end(world, student)
    again = world.begin()
    assert (again.grip.name, again.params["stop_step"]) == ("train", 45)
    end(world, again)
    again = world.begin()
    assert (again.grip.name, again.params["stop_step"]) == ("train", 45)
    world.end(again.grip, step=45)
    assert world.steps(job)["train"].cut


@either_way
def test_a_baseline_is_as_short_as_its_student_whatever_becomes_of_it(
    world: World, finishing: tuple[str, Work, Work], end: Callable[[World, Work], object]
) -> None:
    job, student, baseline = finishing
    world.end(student.grip, "stopped", step=40)
    world.checkpoint(baseline.grip, 60)
    end(world, baseline)
    again = world.begin()
    assert (again.grip.name, again.params["stop_step"]) == ("train.no_teacher", 40)
    assert [checkpoint["step"] for checkpoint in again.checkpoints] == [30]
    world.end(again.grip, step=40)
    world.drain()
    assert world.job(job).state == "succeeded"
