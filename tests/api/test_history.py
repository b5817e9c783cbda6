"""What can be read of a job: metrics, checkpoints, logs, report."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.event import Line
from tests.api.jobs import Jobs, jobs_of
from tests.api.service import Tenant, good, refused


@pytest.fixture
def jobs(owner: Tenant, tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(owner, tmp_path) as made:
        yield made


def measured(step: int, **series: float | None) -> Line:
    return Line("metrics", "", "train", {"step": step, "series": series})


def test_metrics_as_json_and_csv(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    work = jobs.hand.begin()
    jobs.hand.tell(work, measured(10, loss=2.5, accuracy=0.1), measured(20, loss=1.5), measured(30, loss=None))
    jobs.hand.tell(work, measured(20, loss=1.25))  # an attempt that went back to a checkpoint
    found = good(jobs.client.get(f"/v1/distillations/{job}/metrics"))
    assert found["object"] == "distillation.metrics" and found["distillation"] == job
    assert found["data"] == [
        {"step": "train", "name": "loss", "at": [10, 20, 30], "values": [2.5, 1.25, None]},
        {"step": "train", "name": "accuracy", "at": [10], "values": [0.1]},
    ]
    table = jobs.client.get(f"/v1/distillations/{job}/metrics", params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines() == [
        "step,series,at,value",
        "train,loss,10,2.5",
        "train,loss,20,1.25",
        "train,loss,30,",
        "train,accuracy,10,0.1",
    ]
    refused(jobs.client.get(f"/v1/distillations/{job}/metrics", params={"format": "xml"}), 400, "invalid_value")


def test_checkpoints_that_are_kept(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    path = f"/v1/distillations/{job}/checkpoints"
    assert good(jobs.client.get(path))["data"] == []
    work = jobs.hand.begin()
    for number in (100, 200, 300):
        jobs.hand.checkpoint(work, number, b"weights at %d" % number)
    assert good(jobs.client.get(path))["data"] == [
        {"id": f"train/{n}", "object": "distillation.checkpoint", "step": "train", "step_number": n, "bytes": 14}
        for n in (300, 200)
    ]


def test_logs_of_all_steps_or_one(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    path = f"/v1/distillations/{job}/logs"
    assert jobs.client.get(path).text == ""
    jobs.complete(job)
    reply = jobs.client.get(path)
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["x-content-type-options"] == "nosniff"
    steps = ("train", "grade", "package")
    assert reply.text == "".join(f"==> {step} <==\nlog of {step}\n" for step in steps)
    assert jobs.client.get(path, params={"step": "grade"}).text == "log of grade\n"
    error = refused(jobs.client.get(path, params={"step": "grad"}), 404, "step_not_found")
    assert error["param"] == "step" and error["hint"] == 'Did you mean "grade"?'


def test_report_as_json_and_page(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    path = f"/v1/distillations/{job}/report"
    refused(jobs.client.get(path), 404, "report_not_ready")
    jobs.complete(job)
    reply = jobs.client.get(path)
    assert reply.json() == {"verdict": "Kept"} and reply.headers["content-type"] == "application/json"
    asked = jobs.client.get(path, params={"format": "html"})
    preferred = jobs.client.get(path, headers={"accept": "text/html,*/*;q=0.8"})
    for page in (asked, preferred):
        assert page.text == "<p>Kept</p>" and page.headers["content-type"] == "text/html; charset=utf-8"
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        assert page.headers["content-security-policy"] == policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "content-disposition" not in page.headers
    as_json = jobs.client.get(path, params={"format": "json"}, headers={"accept": "text/html"})
    assert as_json.json() == {"verdict": "Kept"}
