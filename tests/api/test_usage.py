"""Usage is what the ledger says; workers are who was heard of."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillhouse import Stillhouse
from tests.api.hand import connected
from tests.api.jobs import Jobs, jobs_of
from tests.api.service import Service, Tenant, good
from tests.api.world import World


@pytest.fixture
def jobs(owner: Tenant, tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(owner, tmp_path) as made:
        yield made


def test_nothing_used(stranger: Tenant) -> None:
    usage = good(stranger.client.get("/v1/usage"))
    assert usage == {
        "object": "usage",
        "device_seconds": 0,
        "usd": 0,
        "calls": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cached_tokens": 0,
        "bytes_stored": 0,
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_by_job_and_by_day(owner: Tenant, jobs: Jobs) -> None:
    world = World(jobs, owner)
    first, second = world.ended(), world.ended()
    usage = good(owner.client.get("/v1/usage", params={"limit": 100}))
    rows = {row["id"]: row for row in usage["data"]}
    assert {first, second} <= set(rows), "inspections cost something, too"
    assert usage["device_seconds"] == pytest.approx(sum(row["device_seconds"] for row in usage["data"]))
    assert 0 < rows[first]["device_seconds"] < 60
    assert usage["device_seconds"] > 0 and usage["usd"] == 0
    assert usage["bytes_stored"] >= rows[first]["bytes_stored"] > 0
    job = good(owner.client.get(f"/v1/distillations/{first}"))
    assert (rows[first]["name"], rows[first]["job"]) == (job["name"], None)
    by_day = good(owner.client.get("/v1/usage", params={"group_by": "day"}))
    (today,) = by_day["data"]
    assert datetime.fromisoformat(today["id"]).date() <= datetime.now(UTC).date()
    assert today["device_seconds"] == pytest.approx(usage["device_seconds"]) and today["bytes_stored"] is None


def test_rows_of_steps_say_whose_they_are(owner: Tenant, jobs: Jobs) -> None:
    """A page at a time, by the SDK; what was deleted has lost its name, and not its job."""
    world = World(jobs, owner)
    kept, gone = world.ended(), world.ended()
    named = {step["name"] for step in good(owner.client.get(f"/v1/distillations/{kept}"))["steps"]}
    good(owner.client.delete(f"/v1/distillations/{gone}"))
    key, url = owner.client.headers["authorization"].removeprefix("Bearer "), str(owner.client.base_url)
    with Stillhouse(url, key) as client:
        rows = list(client.usage.rows(group_by="step"))
        few = client.usage.get(group_by="step", limit=2)
        rest = client.usage.get(group_by="step", after=str(few["last_id"]))
    assert [row["id"] for row in (*few["data"], *rest["data"])] == [row["id"] for row in rows] and few["has_more"]
    assert {row["name"] for row in rows if row["job"] == kept} == named
    assert {row["name"] for row in rows if row["job"] == gone} == {None}
    assert {row["bytes_stored"] for row in rows} == {None}
    by_job = {row["id"]: row for row in good(owner.client.get("/v1/usage", params={"limit": 100}))["data"]}
    for id in (kept, gone):
        seconds = sum(row["device_seconds"] for row in rows if row["job"] == id)
        assert seconds == pytest.approx(by_job[id]["device_seconds"])


def test_pages_of_jobs(owner: Tenant, jobs: Jobs) -> None:
    World(jobs, owner).ended()
    everything = [row["id"] for row in good(owner.client.get("/v1/usage", params={"limit": 100}))["data"]]
    assert everything == sorted(everything, reverse=True) and len(everything) > 1
    page = good(owner.client.get("/v1/usage", params={"limit": 1}))
    assert [page["first_id"], page["has_more"]] == [everything[0], True]
    rest = good(owner.client.get("/v1/usage", params={"after": page["last_id"]}))
    assert [row["id"] for row in rest["data"]] == everything[1:]


def test_bytes_held(owner: Tenant) -> None:
    file = owner.upload(b"x" * 1000)
    owner.upload(b"x" * 1000)
    assert good(owner.client.get("/v1/usage"))["bytes_stored"] == 1000
    good(owner.client.delete(f"/v1/files/{file['id']}"))
    assert good(owner.client.get("/v1/usage"))["bytes_stored"] == 1000


def test_by_project(service: Service, owner: Tenant, stranger: Tenant, tmp_path: Path) -> None:
    """Of every project for an administrator, who sees none but the own jobs; of the own one for others."""
    for tenant in (owner, stranger):
        with jobs_of(tenant, tmp_path) as jobs:
            World(jobs, tenant).ended()
    asked: dict[str, str | int] = {"group_by": "project", "limit": 100}
    (mine,), (other,) = (good(tenant.client.get("/v1/usage", params=asked))["data"] for tenant in (owner, stranger))
    assert (mine["id"], mine["name"], other["id"]) == (owner.project, "owner", stranger.project)
    assert mine["bytes_stored"] == good(owner.client.get("/v1/usage"))["bytes_stored"] > 0
    every = good(service.admin.get("/v1/usage", params=asked))
    rows = {row["id"]: row for row in every["data"]}
    assert rows[owner.project] == mine and rows[stranger.project] == other
    if not every["has_more"]:
        assert every["device_seconds"] == pytest.approx(sum(row["device_seconds"] for row in rows.values()))
    assert every["bytes_stored"] >= mine["bytes_stored"]
    by_job = good(service.admin.get("/v1/usage", params={"limit": 100}))["data"]
    assert not {row["id"] for row in by_job} & {row["id"] for row in good(owner.client.get("/v1/usage"))["data"]}


def test_workers(owner: Tenant, jobs: Jobs) -> None:
    with connected(jobs.hand, "gpu", "cpu", memory=2**30):
        (worker,) = good(owner.client.get("/v1/workers"))["data"]
        assert (worker["object"], worker["queues"], worker["memory"]) == ("worker", ["gpu", "cpu"], 2**30)
        assert worker["connected"] and worker["sandbox"] == "none" and worker["slots"] == 1
    assert good(owner.client.get("/v1/workers"))["data"] == []
