"""The sweeper's duties, each on its own: a disk or a job in trouble keeps nobody from the others."""

import os
import shutil
import threading

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.orm import Session

from models.admission import start_inspection
from models.job import Job
from models.worker import Worker
from spec.problem import Problem
from storage import LocalStorage, StorageError
from tests.api.service import eventually
from tests.models.world import HINTON, World
from workers import leftovers, sweeper
from workers.folder import RUNS
from workers.post import Post
from workers.sweeper import Sweeper, alone

SILENT = text("UPDATE workers SET last_seen = last_seen - interval '1 hour' WHERE name = 'silent'")


def quiet(id: str) -> Worker:
    row = {"hostname": "h", "queues": [], "slots": 1, "device": "cpu", "memory": 1, "price_per_hour": 0.0}
    return Worker(id=id, name="silent", sandbox="none", trusted=False, last_seen=func.now(), **row)


def fill(world: World, queue: str) -> None:
    """The step that waits in this queue meets a full disk."""
    full = Problem(code="disk_full", message="Full.")
    world.end(world.begin(queue).grip, "failed", retry="infrastructure", error=full)


def test_jobs_of_every_kind_go_on_when_there_is_room(world: World, post: Post) -> None:
    project = world.project()
    inspection = world(lambda session: start_inspection(session, project, "ds_x", "d", {}, {})[0].id)
    job = world.submit(project, HINTON[:1])
    fill(world, "cpu")
    fill(world, "gpu")
    assert world.job(inspection).state == world.job(job).state == "paused"
    Sweeper(post).sweep()
    assert world.states(inspection) == {"inspect": "ready"} and world.states(job) == {"score": "ready"}


def test_a_duty_that_fails_keeps_nobody_from_the_others(world: World, post: Post) -> None:
    broken, lost = world.submit(project := world.project(), HINTON[:1]), world.submit(project, HINTON[:1], seed=1)
    fill(world, "gpu")
    work = world.begin()
    assert work.grip.job == lost
    world.outlive(work.grip)
    unplanned = world.submit(project, ())
    unreadable = update(Job).where(Job.id == unplanned).values(resolved=None, spec={"nonsense": 1})
    world(lambda session: session.execute(unreadable))
    world(lambda session: session.add(quiet("wrk_s")))
    world(lambda session: session.execute(SILENT))
    shutil.rmtree(post.settings.storage)
    Sweeper(post).sweep()
    assert world.job(broken).state == "paused" and world.job(unplanned).state == "queued", "a newer version may read it"
    assert world.states(lost) == {"score": "ready"}
    assert world(lambda session: session.get(Worker, "wrk_s")) is None


def test_a_store_that_cannot_be_tidied_loses_bytes_without_a_row_all_the_same(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "ORPHANED", 0.0)
    store = post.storage
    assert isinstance(store, LocalStorage)
    orphan, half = store.path("ab" * 32), store.partial / "half"
    for file in (orphan, half):
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (0, 0))
    Sweeper(post).sweep()
    assert not orphan.exists() and not half.exists()
    orphan.touch()
    os.utime(orphan, (0, 0))
    shutil.rmtree(store.partial)
    with pytest.raises(StorageError):
        sweeper.tidy(post)
    Sweeper(post).sweep()
    assert not orphan.exists()


def test_run_folders_of_other_installations_stay(world: World, post: Post) -> None:
    world.submit(world.project(), HINTON)
    ended, running = world.begin().grip, world.begin().grip
    world.end(ended)
    names = [f"{ended.step}-{ended.fence}", f"{running.step}-{running.fence}", "stp_of_another_database-1"]
    runs = post.settings.scratch / RUNS
    for name in names:
        (runs / name).mkdir(parents=True)
    Sweeper(post).sweep()
    assert sorted(folder.name for folder in runs.iterdir()) == sorted(names[1:])


def test_visits_to_servers_of_others_hold_up_no_other_duty(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    went, back = threading.Event(), threading.Event()

    def slow(_: Post) -> None:
        went.set()
        back.wait(20)

    monkeypatch.setattr(leftovers, "fetch", slow)
    monkeypatch.setattr(sweeper, "RARE", 0.01)
    post.settings = post.settings.model_copy(update={"sweep_seconds": 0.02})
    looking = Sweeper(post)
    looking.start()
    try:
        assert went.wait(10)
        world(lambda session: session.add(quiet("wrk_s")))
        world(lambda session: session.execute(SILENT))
        eventually(lambda: world(lambda session: session.get(Worker, "wrk_s")) is None)
        assert not back.is_set()
    finally:
        post.stopping.set()
        back.set()
        looking.join()


def holders(session: Session) -> int:
    """Sessions that hold the lock of a duty."""
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return int(
        session.scalar(text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND {here}")) or 0
    )


def test_a_duty_that_outlasts_its_lock_is_done_all_the_same(post: Post) -> None:
    """The server takes the lock from a session that stands still, a frozen one too, and the duty that took so long did not fail."""
    told = []

    def duty(post: Post) -> None:
        told.append("begun")
        assert post.ledger(holders) == 1
        alone(duty)(post)  # as another worker's sweeper would
        eventually(lambda: post.ledger(holders) == 0)
        told.append("done")

    alone(duty)(post)
    assert told == ["begun", "done"]
