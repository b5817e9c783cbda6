"""A disk that fills up while a job runs: uploads answer 507, the job pauses, nothing is lost, and it goes on by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from standalone.process import namespaces
from standalone.services import Worker
from standalone.stack import Stack
from tests.acceptance import digits
from tests.acceptance.disk import Disk
from tests.acceptance.run import Run, project, until
from tests.acceptance.tenant import Tenant, good

SIZE = 400 * 2**20
"""Well above what the job needs and what a worker wants to see free before it goes on."""
pytestmark = [
    pytest.mark.skipif(not namespaces(), reason="a small disk is mounted in a user namespace"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with Disk(tmp_path_factory.mktemp("full") / "disk", SIZE) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, disk: Disk) -> Iterator[Stack]:
    """Bytes and scratch of api and worker lie on the small disk; PostgreSQL's do not."""
    settings = {
        "STILLHOUSE_STORAGE": str(disk.path / "blobs"),
        "STILLHOUSE_SCRATCH": str(disk.path / "scratch"),
        "STILLHOUSE_SWEEP_SECONDS": "1",
        "STILLHOUSE_HEARTBEAT_SECONDS": "1",
    }
    home = tmp_path_factory.mktemp("home")
    stack = Stack(home, durable=False, settings=settings, workers=[Worker(name="one", slots=1)])
    for process in (stack.api, stack["one"]):
        disk.keep(process)
    with stack:
        yield stack


@pytest.fixture
def owner(stack: Stack) -> Iterator[Tenant]:
    with project(stack, "owner") as made:
        yield made


@pytest.fixture
def other(stack: Stack) -> Iterator[Tenant]:
    with project(stack, "other") as made:
        yield made


def start(owner: Tenant) -> Run:
    file = owner.upload(digits.npz(2000), "digits.npz")
    return Run.start(owner, digits.job(file, digits.teacher(owner), steps=8_000))


def test_a_full_disk(disk: Disk, owner: Tenant, other: Tenant) -> None:
    run = start(owner)
    kept = owner.upload(b"kept", "kept.bin")
    until(lambda: run.checkpoints("train") >= 1)
    with disk.full() as fill:
        until(lambda: run.get()["state"] == "paused")
        waiting = run.get()["waiting"]
        assert waiting["code"] == "paused" and "disk" in waiting["reason"]
        fill()  # what the attempt has freed
        reply = owner.client.post("/v1/files", files={"file": ("more.bin", b"more")}, data={"purpose": "test"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (507, "disk_full")
        assert owner.client.get(f"/v1/files/{kept}/content").content == b"kept"
        ids = {file["id"] for file in good(owner.client.get("/v1/files"))["data"]}
        assert kept in ids and len(ids) == 3, "a refused upload is nowhere"
    owner.upload(b"more", "more.bin")
    run.succeeded()
    assert run.moves("train").count("running") > 1, "it was paused in the middle"
    unbroken = start(other)
    unbroken.succeeded()
    assert run.weights() == unbroken.weights()


def test_nothing_is_left(disk: Disk, stack: Stack) -> None:
    """Neither of the refused upload nor of the attempts that found no room."""
    left = [path for path in Path(disk.inside / "scratch").rglob("*") if path.is_file()]
    assert left == [] and list((disk.inside / "blobs" / "partial").iterdir()) == []
