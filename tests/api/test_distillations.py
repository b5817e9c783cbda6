"""Distillations: accepted or refused at once, shown as they are, steered, and gone when they are deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models.event import Line
from spec.problem import Problem
from tests.api.batches import of_job, sent, settle
from tests.api.hand import connected
from tests.api.jobs import Jobs, jobs_of
from tests.api.service import Service, Tenant, good, refused
from tests.spec.builders import ABSENT, document


@pytest.fixture
def jobs(owner: Tenant, tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(owner, tmp_path) as made:
        yield made


def test_a_job_from_acceptance_to_its_result(jobs: Jobs) -> None:
    spec = jobs.spec({"metadata": {"run": "1"}})
    job = jobs.start(spec)
    assert (job["object"], job["state"], job["intent"], job["resolved"]) == ("distillation", "queued", "run", True)
    assert [(step["name"], step["queue"], step["state"]) for step in job["steps"]] == [
        ("train", "gpu", "ready"),
        ("grade", "gpu", "blocked"),
        ("package", "cpu", "blocked"),
    ]
    assert job["metadata"] == {"run": "1"} and job["estimate"]["seconds"] > 0 and job["result"] is None

    work = jobs.hand.begin()
    jobs.hand.progress(work, step=620, steps=1500, unit="step", loss=0.41, rows_per_second=23000, seconds_left=1.6)
    running = jobs.get(job["id"])
    assert running["state"] == "running" and running["waiting"] is None and running["started_at"] >= job["created_at"]
    assert running["steps"][0]["progress"]["step"] == 620 and running["steps"][0]["attempts"] == 1
    jobs.hand.end(work, {"model.safetensors": b"student"})
    jobs.run(grade__json=b"{}")
    jobs.run(model__safetensors=b"student", report__json=b"{}", report__html=b"<p>")

    done = jobs.get(job["id"])
    assert done["state"] == "succeeded" and done["finished_at"] >= done["started_at"]
    assert done["result"]["verdict"] == "Kept 98%." and done["usage"]["device_seconds"] > 0
    student = good(jobs.client.get(f"/v1/models/{done['student']['model']}"))
    assert student["state"] == "ready" and student["distillation"] == job["id"]


def test_what_get_shows_can_be_posted_again(jobs: Jobs) -> None:
    job = jobs.start(jobs.spec({"training": ABSENT, "student.normalise": "auto"}))
    again = jobs.start(job["spec"])
    assert again["spec"] == job["spec"] and again["id"] != job["id"]
    assert job["spec"]["training"]["learning_rate"] != "auto" and job["spec"]["student"]["normalise"] is True


def test_a_job_on_what_is_still_inspected_waits_for_it(owner: Tenant, jobs: Jobs) -> None:
    file = owner.upload(b"image,label\n", "digits.csv")["id"]
    spec = document({"teacher": None, "objective": [{"type": "labels"}], "evaluation": ABSENT, "data": {"train": file}})
    job = jobs.start(spec)
    assert (job["state"], job["resolved"], job["steps"], job["spec"]["data"]["train"]) == ("queued", False, [], file)
    assert job["waiting"]["code"] == "no_worker" and job["waiting"]["ids"] == [file]
    assert file in job["waiting"]["reason"] and "queue cpu" in job["waiting"]["reason"]
    with connected(jobs.hand, "cpu"):
        assert jobs.get(job["id"])["waiting"]["code"] == "facts"
    refused(owner.client.delete(f"/v1/files/{file}"), 409, "in_use")


def test_a_refusal_by_facts_that_came_later_fails_the_job(owner: Tenant, jobs: Jobs) -> None:
    file = owner.upload(b"\n", "digits.csv")["id"]
    spec = document({"teacher": None, "objective": [{"type": "labels"}], "evaluation": ABSENT, "data": {"train": file}})
    job = jobs.start(spec)
    why = Problem(code="empty_file", message="digits.csv has no rows.", file="digits.csv", hint="Send rows.")
    jobs.hand.fail(jobs.hand.begin(), why)
    jobs.hand.readmit()
    failed = jobs.get(job["id"])
    assert failed["state"] == "failed" and failed["error"]["code"] == "empty_file", failed
    assert failed["error"]["hint"] == "Send rows." and failed["usage"]["device_seconds"] == 0


def test_why_a_planned_job_waits(jobs: Jobs) -> None:
    job = jobs.start()
    waiting = job["waiting"]
    assert waiting["code"] == "no_worker" and "queue gpu" in waiting["reason"]
    with connected(jobs.hand, "gpu", memory=1):
        assert "GB that it needs" in jobs.get(job["id"])["waiting"]["reason"]
    with connected(jobs.hand, "gpu", trusted=False):
        waiting = jobs.get(job["id"])["waiting"]
        assert waiting["code"] == "no_worker" and "can make a sandbox" in waiting["reason"]
    with connected(jobs.hand, "gpu"):
        before = jobs.get(job["id"])["waiting"]
        assert (
            before["code"] == "turn"
            and before["position"] >= 1
            and f"position {before['position']}" in before["reason"]
        )
        later = jobs.start()
        assert later["waiting"]["position"] > before["position"]
        good(jobs.client.post(f"/v1/distillations/{job['id']}/cancel"))
        assert jobs.get(later["id"])["waiting"]["position"] == before["position"]


def test_validate_names_every_problem_and_stores_nothing(jobs: Jobs) -> None:
    bad = document({"objective.0.temperature": 0, "student.chanels": [8], "teacher.models": ABSENT, "name": ABSENT})
    told = good(jobs.client.post("/v1/distillations/validate", json=bad))
    assert told["valid"] is False and told["plan"] == [] and told["resolved"] is None
    assert {problem["param"] for problem in told["problems"]} == {"name", "objective[0].temperature", "student.chanels"}
    foreign = document({"data.train": "ds_x/train", "data.heldout": "ds_y", "teacher.models": ["mdl_z"]})
    told = good(jobs.client.post("/v1/distillations/validate", json=foreign))
    found = {(problem["param"], problem["code"]) for problem in told["problems"]}
    assert found == {
        ("data.train", "not_found"),
        ("data.heldout", "not_found"),
        ("teacher.models[0]", "not_found"),
    }
    assert good(jobs.client.get("/v1/distillations"))["data"] == []


def test_validate_tells_plan_and_cache_hits(jobs: Jobs) -> None:
    spec = jobs.spec(labels_only=False)
    told = good(jobs.client.post("/v1/distillations/validate", json=spec))
    assert (
        told["valid"] and told["problems"] == [] and told["estimate"]["basis"] and told["resolved"]["name"] == "digits"
    )
    plan = {step["name"]: step["cache"] for step in told["plan"]}
    assert plan == {
        "score": "none",
        "train": "possible",
        "train.no_teacher": "none",
        "train.all_labels": "none",
        "grade": "possible",
        "package": "none",
    }
    jobs.start(spec)
    score = jobs.hand.begin()
    assert score.verb == "score"
    jobs.hand.end(score, {"teacher.0/train/00000.npy": b"scores"})
    told = good(jobs.client.post("/v1/distillations/validate", json=spec | {"training": {"seed": 5}}))
    again = {step["name"]: step["cache"] for step in told["plan"]}
    assert again["score"] == "hit" and again["train"] == "none" and again["grade"] == "possible"


def test_validate_while_something_is_inspected(owner: Tenant, jobs: Jobs) -> None:
    made = good(owner.client.post("/v1/datasets", json={"files": [owner.upload()["id"]]}))["id"]
    spec = document({"teacher": None, "objective": [{"type": "labels"}], "evaluation": ABSENT, "data": {"train": made}})
    with connected(jobs.hand, "cpu"):
        told = good(owner.client.post("/v1/distillations/validate", json=spec))
    waits = {"code": "facts", "reason": f"Waits for the inspection of {made}.", "ids": [made], "position": None}
    assert (told["valid"], told["waiting"], told["resolved"], told["plan"]) == (True, waits, None, [])


def test_validate_begins_what_the_job_would_wait_for(service: Service, owner: Tenant, jobs: Jobs) -> None:
    file = owner.upload()["id"]
    spec = document({"teacher": None, "objective": [{"type": "labels"}], "evaluation": ABSENT, "data": {"train": file}})
    with service.client(service.key(owner.project, "read")) as reader:
        assert good(reader.post("/v1/distillations/validate", json=spec))["waiting"]["ids"] == [file]
    assert good(owner.client.get("/v1/datasets"))["data"] == [], "a key that may only read makes nothing"
    for _ in range(2):
        assert good(owner.client.post("/v1/distillations/validate", json=spec))["waiting"]["ids"] == [file]
    assert len(good(owner.client.get("/v1/datasets"))["data"]) == 1
    jobs.hand.inspect_dataset(train=b"one", test=b"two")
    assert good(owner.client.post("/v1/distillations/validate", json=spec))["waiting"] is None


def test_validate_begins_a_comparison_and_plans_meanwhile(owner: Tenant, jobs: Jobs) -> None:
    made = []
    for content in (b"one", b"another"):
        made.append(good(owner.client.post("/v1/datasets", json={"files": [owner.upload(content)["id"]]}))["id"])
        jobs.hand.inspect_dataset(train=content, test=content + b" test")
    data = {"train": f"{made[0]}/train", "heldout": f"{made[1]}/test"}
    spec = document({"teacher": None, "objective": [{"type": "labels"}], "evaluation": ABSENT, "data": data})
    told = good(owner.client.post("/v1/distillations/validate", json=spec))
    assert told["valid"] and "the comparison of its sets of rows" in told["waiting"]["reason"]
    assert [step["name"] for step in told["plan"]] == ["train", "grade", "package"] and told["resolved"]
    jobs.hand.fail(jobs.hand.begin("inspect"), Problem(code="out_of_memory", message="Out of memory."))
    told = good(owner.client.post("/v1/distillations/validate", json=spec))
    assert [problem["code"] for problem in told["problems"]] == ["out_of_memory"], "asking again tells"
    with jobs.hand.engine.begin() as connection:
        past = text("UPDATE jobs SET finished_at = finished_at - interval '2 minutes' WHERE project = :project")
        connection.execute(past, {"project": owner.project})
    told = good(owner.client.post("/v1/distillations/validate", json=spec))
    assert told["valid"] and told["waiting"], "and later another is begun"
    compared = jobs.hand.begin("inspect")
    assert compared.params == {"kind": "pair"}
    jobs.hand.end(compared, facts={"overlap": 0})
    assert good(owner.client.post("/v1/distillations/validate", json=spec))["waiting"] is None


def test_a_job_waits_for_its_twin(jobs: Jobs) -> None:
    spec = jobs.spec()
    first = jobs.start(spec)["id"]
    second = jobs.start(spec | {"name": "second"})["id"]
    assert jobs.hand.begin("train").grip.job == first
    with connected(jobs.hand, "gpu", "cpu"):
        waiting = jobs.get(second)["waiting"]
    assert (waiting["code"], waiting["ids"]) == ("twin", [first])


def test_a_job_waits_to_be_tried_again(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    lost = Problem(code="machine_error", message="The machine failed.")
    for _ in range(10):
        jobs.hand.end(jobs.hand.begin("train"), status="failed", error=lost, retry="infrastructure")
    with connected(jobs.hand, "gpu", "cpu"):
        assert jobs.get(job)["waiting"]["code"] == "retry"


def test_a_second_equal_job_costs_nothing(jobs: Jobs) -> None:
    spec = jobs.spec()
    first = jobs.start(spec)
    jobs.hand.tell(trained := jobs.hand.begin(), Line("metrics", "", "train", {"step": 1, "series": {"loss": 2.0}}))
    jobs.hand.end(trained, {"model.safetensors": b"student"}, b"log of train\n")
    second = jobs.start(spec | {"name": "second"})
    assert second["steps"][0]["state"] == "succeeded" and second["steps"][0]["cached"] is True
    assert second["usage"]["device_seconds"] == 0 and second["state"] == "queued"
    metrics = good(jobs.client.get(f"/v1/distillations/{second['id']}/metrics"))["data"]
    assert metrics == [{"step": "train", "name": "loss", "at": [1], "values": [2.0]}]
    logs = jobs.client.get(f"/v1/distillations/{second['id']}/logs")
    assert logs.text == "==> train <==\nlog of train\n"
    assert first["id"] != second["id"]


def test_pause_resume_cancel(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    path = f"/v1/distillations/{job}"
    paused = good(jobs.client.post(f"{path}/pause"))
    assert (paused["state"], paused["intent"], paused["waiting"]["code"]) == ("paused", "pause", "paused")
    resumed = good(jobs.client.post(f"{path}/resume"))
    assert (resumed["state"], resumed["intent"]) == ("queued", "run")
    refused(jobs.client.post(f"{path}/finish"), 409, "no_checkpoint_yet")
    cancelled = good(jobs.client.post(f"{path}/cancel"))
    assert cancelled["state"] == "cancelled" and {step["state"] for step in cancelled["steps"]} == {"cancelled"}
    again = good(jobs.client.post(f"{path}/cancel"))
    assert (again["state"], again["steps"]) == ("cancelled", cancelled["steps"]), (
        "whoever heard no reply asks once more"
    )
    for action in ("pause", "resume", "finish"):
        refusal = jobs.client.post(f"{path}/{action}")
        refused(refusal, 409, "invalid_state")
        assert refusal.headers["x-should-retry"] == "false"


def test_finish_after_a_checkpoint(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    work = jobs.hand.begin()
    jobs.hand.checkpoint(work, 500)
    finishing = good(jobs.client.post(f"/v1/distillations/{job}/finish"))
    assert (finishing["state"], finishing["intent"]) == ("running", "finish")
    jobs.hand.end(work, {"model.safetensors": b"best so far"}, status="stopped", step=510)
    train = jobs.get(job)["steps"][0]
    why = "Training was cut at step 510 by finish."
    assert (train["state"], train["cut"], train["cut_reason"]) == ("succeeded", True, why)


def test_lists_by_state_and_metadata(jobs: Jobs) -> None:
    spec = jobs.spec()
    one = jobs.start(spec | {"metadata": {"team": "a", "run": "1"}})["id"]
    two = jobs.start(spec | {"metadata": {"team": "a", "run": "2"}})["id"]
    good(jobs.client.post(f"/v1/distillations/{one}/cancel"))

    def ids(**asked: Any) -> list[str]:
        return [job["id"] for job in good(jobs.client.get("/v1/distillations", params=asked))["data"]]

    assert ids() == [two, one] and ids(order="asc") == [one, two] and ids(after=two) == [one]
    assert ids(**{"metadata[team]": "a"}) == [two, one]
    assert ids(**{"metadata[team]": "a", "metadata[run]": "1"}) == [one]
    assert ids(**{"metadata[run]": "3"}) == []
    assert ids(state="cancelled") == [one] and ids(state="queued") == [two] and ids(state="failed") == []
    refused(jobs.client.get("/v1/distillations", params={"state": "done"}), 400, "invalid_value")


def test_one_key_makes_one_job(jobs: Jobs) -> None:
    spec, headers = jobs.spec(), {"idempotency-key": "one"}
    replies = [jobs.client.post("/v1/distillations", json=spec, headers=headers) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [201] * 3 and len({reply.json()["id"] for reply in replies}) == 1
    assert len(good(jobs.client.get("/v1/distillations"))["data"]) == 1


def test_delete(owner: Tenant, jobs: Jobs) -> None:
    job = jobs.start()
    refused(jobs.client.delete(f"/v1/distillations/{job['id']}"), 409, "not_ended")
    jobs.complete(job["id"])
    settled, waiting = (sent(owner.service, owner.project, job["id"]) for _ in range(2))
    settle(owner.service, settled)
    deleted = good(jobs.client.delete(f"/v1/distillations/{job['id']}"))
    assert deleted == {"id": job["id"], "object": "distillation", "deleted": True}
    for part in ("", "/events", "/metrics", "/logs", "/report", "/checkpoints"):
        refused(jobs.client.get(f"/v1/distillations/{job['id']}{part}"), 404, "not_found")
    assert of_job(owner.service, job["id"]) == [waiting], "somebody has yet to ask what it has cost"
    student = jobs.client.get(f"/v1/models/{job['student']['model']}/files/model.safetensors")
    assert student.content == b"student"
    assert good(owner.client.get("/v1/usage"))["device_seconds"] > 0  # what was used stays used


def test_a_deleted_student_leaves_its_job(jobs: Jobs) -> None:
    job = jobs.start()
    jobs.complete(job["id"])
    good(jobs.client.delete(f"/v1/models/{job['student']['model']}"))
    assert jobs.get(job["id"])["student"] == {"model": None}
    assert jobs.client.get(f"/v1/distillations/{job['id']}/report").json() == {"verdict": "Kept"}


def test_a_reading_key_cannot_write(service: Service, owner: Tenant, jobs: Jobs) -> None:
    spec = jobs.spec()
    job = jobs.start(spec)["id"]
    with service.client(service.key(owner.project, "read")) as reader:
        assert good(reader.get(f"/v1/distillations/{job}"))["id"] == job
        assert good(reader.post("/v1/distillations/validate", json=spec))["valid"]
        refused(reader.post("/v1/distillations", json=spec), 403, "missing_scope")
        for action in ("cancel", "pause", "resume", "finish"):
            refused(reader.post(f"/v1/distillations/{job}/{action}"), 403, "missing_scope")
        refused(reader.delete(f"/v1/distillations/{job}"), 403, "missing_scope")
