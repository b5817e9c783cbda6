"""kill -9, frozen workers and an emptied Redis, on whole real jobs: the same weights to the byte, and nothing paid twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from redis import Redis

from standalone.process import Process
from standalone.services import Worker
from standalone.stack import Stack
from tests.acceptance import digits
from tests.acceptance.children import alive, kill_child
from tests.acceptance.run import Run, project, until
from tests.acceptance.tenant import Tenant, good

LEASE = 6.0
SETTINGS = {
    "LEASE_SECONDS": str(LEASE),
    "HEARTBEAT_SECONDS": "1",
    "SWEEP_SECONDS": "1",
    "LINGER_SECONDS": "1",
    "LATENCY_SECONDS": "0.5",
}
ROWS = 24_000
SHARD = 4096
"""Rows that a teacher is asked at a time, and never twice."""
UNITS = 8192
"""Of the teacher: a shard takes it a while."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose two workers have disks of their own, so that neither clears up after the other."""
    home = tmp_path_factory.mktemp("faults")
    workers = [Worker(name=name, slots=1, settings={"STILLHOUSE_SCRATCH": str(home / name)}) for name in ("one", "two")]
    settings = {f"STILLHOUSE_{name}": value for name, value in SETTINGS.items()}
    with Stack(home / "home", workers=workers, durable=False, settings=settings) as stack:
        yield stack


def start(owner: Tenant) -> Run:
    """The one job of this module, in a project of its own: no cache answers for it."""
    file = owner.upload(digits.npz(ROWS), "digits.npz")
    spec = digits.job(file, digits.teacher(owner, UNITS), steps=5_000)
    return Run.start(owner, spec)


def teacher_rows(stack: Stack, run: Run) -> int:
    """Rows of which the last attempt has asked the teacher."""
    url = stack.environment["STILLHOUSE_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        query = "SELECT summary->'teacher_rows' FROM steps WHERE job = %s AND name = 'score'"
        found = connection.execute(query, [run.id]).fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture(scope="module")
def unbroken(pair: Stack) -> Iterator[Run]:
    with project(pair, "unbroken") as owner:
        run = start(owner)
        run.succeeded()
        assert teacher_rows(pair, run) == ROWS
        yield run


@pytest.fixture
def owner(pair: Stack) -> Iterator[Tenant]:
    with project(pair, "owner") as made:
        yield made


def scratch(worker: Process) -> Path:
    return Path(worker.environment["STILLHOUSE_SCRATCH"])


def busy(stack: Stack) -> Process:
    """The worker that runs the one step that runs."""
    found = [
        worker for worker in stack.workers if worker.running() and any(scratch(worker).glob("runs/*/run/spec.json"))
    ]
    assert len(found) == 1
    return found[0]


def test_killed_workers_and_children(pair: Stack, owner: Tenant, unbroken: Run) -> None:
    """A worker while the teacher is asked, the other while the student learns, and then the child that went on."""
    run = start(owner)
    until(lambda: run.checkpoints("score") >= 2)
    first = busy(pair)
    first.kill()
    until(lambda: not alive(scratch(first)), 15)
    saved = sum(len(np.load(path, mmap_mode="r")) for path in scratch(first).glob("runs/*/run/shards/**/*.npy"))
    assert 2 * SHARD <= saved < ROWS
    until(lambda: run.checkpoints("train") >= 1)
    second = busy(pair)
    assert second is not first
    second.kill()
    until(lambda: not alive(scratch(second)), 15)
    for worker in (first, second):
        worker.start()
    until(lambda: run.resumed("train") == 1)
    kill_child(scratch(first).parent, run.id, "train")
    run.succeeded()
    assert run.resumed("train") == 2
    assert run.weights() == unbroken.weights()
    again = teacher_rows(pair, run)
    assert saved + again in (ROWS, ROWS + SHARD), (
        "the shard of which no file is left may have been begun, or else the last that is there was not kept"
    )
    assert {step["name"]: step["attempts"] for step in run.get()["steps"]} == {
        "score": 2,
        "train": 3,
        "grade": 1,
        "package": 1,
    }
    until(lambda: not alive(scratch(first)) and not alive(scratch(second)), 15)


def test_a_worker_frozen_past_its_lease(pair: Stack, owner: Tenant, unbroken: Run) -> None:
    """Its child is ended by the leash, its step goes to the other, and it changes nothing when it wakes."""
    run = start(owner)
    until(lambda: run.checkpoints("train") >= 1)
    frozen = busy(pair)
    frozen.freeze()
    try:
        until(lambda: not alive(scratch(frozen)), LEASE + 15)
        until(lambda: run.moves("train").count("running") == 2)
    finally:
        frozen.thaw()
    run.succeeded()
    assert run.weights() == unbroken.weights()
    moves = run.moves("train")
    assert moves[moves.index("running") :] == ["running", "ready", "running", "succeeded"]
    until(lambda: not list(scratch(frozen).glob("runs/*")), 15)


def test_an_emptied_redis_with_50_jobs_queued(pair: Stack, unbroken: Run) -> None:
    """Both workers are idle and away while the bells ring; when they come back there is no bell left. No job is like another: each is run.

    45 inspect a file; 5 are distillations, and of these the teacher's scores alone are there. `make chaos` empties Redis under 100 distillations.
    """
    owner, spec = unbroken.owner, unbroken.get()["spec"]
    files = [owner.upload(digits.npz(100, seed), f"{seed}.npz") for seed in range(45)]
    broker = Redis.from_url(pair.environment["STILLHOUSE_BROKER_URL"].replace("redis+socket://", "unix://"))
    until(lambda: all(idle(worker) for worker in pair.workers))
    for worker in pair.workers:
        worker.freeze()
    try:
        until(lambda: broker.info("clients")["blocked_clients"] == 0)  # nobody is on the line any more
        inspected = [good(owner.client.post("/v1/datasets", json={"files": [file]}))["id"] for file in files]
        jobs = [Run.start(owner, short(spec, number)) for number in range(5)]
        assert broker.llen("gpu") == broker.llen("cpu") == 1
        broker.flushall()
        assert broker.dbsize() == 0
    finally:
        for worker in pair.workers:
            worker.thaw()
    assert {owner.settled("datasets", id)["state"] for id in inspected} == {"ready"}
    for job in jobs:
        job.succeeded()
        assert {step["name"] for step in job.get()["steps"] if step["cached"]} == {"score"}


def test_a_killed_api(pair: Stack, owner: Tenant) -> None:
    """Its work goes on without it; and whoever got no reply repeats the POST under its key, which makes one thing."""
    run = Run.start(owner, digits.job(owner.upload(digits.npz(500), "digits.npz"), digits.teacher(owner), steps=5_000))
    file = owner.upload(digits.npz(100, 7), "7.npz")
    until(lambda: run.moves("train")[-1:] == ["running"])
    with ThreadPoolExecutor(8) as pool:
        replies = [pool.submit(insist, owner, file, number) for number in range(60)]
        until(lambda: any(reply.done() for reply in replies))
        pair.api.kill()
        pair.api.start()
        made = [reply.result() for reply in replies]
    listed = good(owner.client.get("/v1/datasets?limit=100"))["data"]
    named = sorted((one["name"], one["id"]) for one in listed if one["name"].startswith("posted"))
    assert named == sorted((f"posted {number}", id) for number, id in enumerate(made))
    run.succeeded()
    assert {step["attempts"] for step in run.get()["steps"]} == {1}


def insist(owner: Tenant, file: str, number: int) -> str:
    """The id of a dataset, however often the connection breaks."""
    body, headers = {"files": [file], "name": f"posted {number}"}, {"idempotency-key": f"posted-{number}"}
    while True:
        try:
            reply = owner.client.post("/v1/datasets", json=body, headers=headers)
        except httpx.TransportError:
            continue
        if reply.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            id: str = good(reply)["id"]
            return id


def short(spec: dict[str, Any], number: int) -> dict[str, Any]:
    """One student more of the teacher's scores."""
    return {**spec, "name": f"queued {number}", "training": {**spec["training"], "steps": 20, "seed": 100 + number}}


def idle(worker: Process) -> bool:
    """Whether every bell that it has heard since it last began was answered to the end."""
    life = worker.log.read_text().rpartition("worker_arrived")[2]
    return 0 < life.count("] received") == life.count("] succeeded")
