"""A full disk pauses jobs of every kind, and what was wanted of them is still wanted once there is room."""

from models import intent, lease
from models.admission import start_inspection
from spec.problem import Problem
from tests.models.world import HINTON, World

FULL = Problem(code="disk_full", message="Full.")


def test_a_full_disk_pauses_the_job(world: World) -> None:
    job = world.submit(project := world.project())
    world.end(world.begin().grip, "failed", retry="infrastructure", error=FULL)
    paused = world.job(job)
    assert (paused.state, paused.paused_for, paused.intent) == ("paused", "disk_full", "run")
    world(intent.resume, project, job)
    world.drain()
    assert world.job(job).state == "succeeded" and world.job(job).paused_for is None


def test_a_full_disk_is_met_with_patience(world: World) -> None:
    job = world.submit(world.project(), HINTON[:1])
    for _ in range(lease.BOUND + 2):
        world.end(world.begin().grip, "failed", retry="infrastructure", error=FULL)
        assert world.job(job).state == "paused"
        world(intent.release, job, "disk_full")
    assert world.steps(job)["score"].interruptions == 0
    world.drain()
    assert world.job(job).state == "succeeded"


def test_a_full_disk_stops_an_inspection_alone(world: World) -> None:
    job = world(lambda session, project: start_inspection(session, project, "ds_x", "d", {}, {})[0].id, world.project())
    world.end(world.begin("cpu").grip, "failed", retry="infrastructure", error=FULL)
    assert (world.job(job).state, world.job(job).paused_for) == ("paused", "disk_full")
    assert world(intent.release, job, "something else") == set() and world.claim("cpu") is None
    assert world(intent.release, job, "disk_full") == {"cpu"}
    world.end(world.begin("cpu").grip)
    assert world.job(job).state == "succeeded"
    assert world(intent.release, job, "disk_full") == world(intent.release, "ins_absent", "disk_full") == set()


def test_a_disk_that_fills_while_a_job_finishes_leaves_it_finishing(world: World) -> None:
    job = world.submit(project := world.project())
    world.end(world.begin().grip)
    student, baseline = world.begin(), world.begin()
    world.checkpoint(student.grip, 40)
    world(intent.finish, project, job)
    world.end(baseline.grip, "failed", retry="infrastructure", error=FULL)
    pulse = world(lease.renew, student.grip, 60.0)
    assert pulse is not None and pulse.intent == "pause"
    world.end(student.grip, "failed", retry="infrastructure", error=FULL)
    paused = world.job(job)
    assert (paused.state, paused.paused_for, paused.intent) == ("paused", "disk_full", "finish")
    assert [event.message for event in world.events(job) if event.type == "message"] == ["Paused: the disk is full."]
    world(intent.release, job, "disk_full")
    assert world.job(job).intent == "finish" and world.states(job)["train"] == "ready"
    world.drain()
    assert world.job(job).state == "succeeded"
