"""The routes of both clouds over HTTP: their errors, their lists, their tokens. boto3 itself is in tests/acceptance/test_clouds.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.jobs import jobs_of
from tests.api.service import Tenant, good
from tests.api.world import World, bedrock, vertex

JOBS = "/model-customization-jobs"
JSON = {"content-type": "application/json"}
BELOW = "/v1/projects/p/locations/l/tuningJobs"


@pytest.fixture
def world(owner: Tenant, tmp_path: Path) -> Iterator[World]:
    with jobs_of(owner, tmp_path) as jobs:
        yield World(jobs, owner)


def amazon(reply: httpx.Response, status: int, kind: str) -> str:
    """The message of an error of Bedrock's."""
    assert (reply.status_code, reply.headers.get("x-amzn-errortype")) == (status, kind), reply.text
    assert reply.json().keys() == {"message"} and reply.headers["x-request-id"].startswith("req_")
    message: str = reply.json()["message"]
    return message


def google(reply: httpx.Response, code: int, status: str, reason: str) -> dict[str, Any]:
    """The error of Google's."""
    error: dict[str, Any] = reply.json()["error"]
    assert (reply.status_code, error["code"], error["status"]) == (code, code, status), reply.text
    assert error["details"][0]["reason"] == reason and error["message"]
    return error


def test_errors_of_bedrock_are_told_in_its_shape_and_of_its_fields(world: World) -> None:
    client = world.owner.client
    body = bedrock("s3://bucket/x", "ep_none/large", baseModelIdentifier="text-clasifier-16", vpcConfig={})
    message = amazon(client.post(JOBS, json=body), 400, "ValidationException")
    assert len(message.splitlines()) == 3
    assert 'Did you mean "text-classifier-16"? [unknown_student, baseModelIdentifier]' in message
    missing = amazon(client.post(JOBS, json=bedrock("file-0", "ep_none/large")), 400, "ValidationException")
    place = "customizationConfig.distillationConfig.teacherModelConfig.teacherModelIdentifier"
    assert f"There is no ep_none in this project. [not_found, {place}]" in missing
    assert "There is no file-0 in this project. [not_found, trainingDataConfig.s3Uri]" in missing
    assert "roleArn is missing" in amazon(client.post(JOBS, json={}), 400, "ValidationException")
    assert "invalid_json" in amazon(client.post(JOBS, content=b"{", headers=JSON), 400, "ValidationException")
    assert "[unknown_field, status]" in amazon(client.get(f"{JOBS}?status=x"), 400, "ValidationException")
    amazon(client.get(f"{JOBS}/none"), 404, "ResourceNotFoundException")
    amazon(client.post(f"{JOBS}/none"), 405, "ValidationException")
    amazon(client.get(f"{JOBS}/a/b/c"), 404, "ResourceNotFoundException")
    amazon(client.post(JOBS, content=b" " * 3_000_000), 400, "ValidationException")


def test_rows_that_do_not_fit_are_told_of_bedrocks_fields(world: World) -> None:
    """A dataset that is known already is refused at once: of images, for a student of texts."""
    reply = world.owner.client.post(JOBS, json=bedrock(world.dataset(), world.model()))
    assert "[input_kind, trainingDataConfig.s3Uri]" in amazon(reply, 400, "ValidationException")


def test_a_token_makes_one_job(world: World) -> None:
    body = bedrock(world.file(), world.teacher(), clientRequestToken="t-1")
    first, again = (good(world.owner.client.post(JOBS, json=body)) for _ in range(2))
    assert first == again
    other = world.owner.client.post(JOBS, json={**body, "jobName": "other"})
    assert "idempotency_key_reused" in amazon(other, 400, "ConflictException")
    assert good(world.owner.client.post(JOBS, json={**body, "clientRequestToken": "t-2"})) != first


def test_jobs_of_bedrock_are_listed_found_by_name_and_stopped(world: World) -> None:
    client = world.owner.client
    file, model = world.file(), world.teacher()
    names = ("a-1", "a_2", "b-1")
    ids = [good(client.post(JOBS, json=bedrock(file, model, jobName=name)))["jobArn"] for name in names]
    world.queued()
    world.vertex()

    def listed(**asked: Any) -> list[str]:
        found = good(client.get(JOBS, params=asked))["modelCustomizationJobSummaries"]
        return [one["jobArn"] for one in found]

    assert listed() == ids[::-1] and listed(sortOrder="Ascending") == ids
    assert listed(nameContains="a_") == [ids[1]] and listed(nameContains="-") == [ids[2], ids[0]]
    page = good(client.get(JOBS, params={"maxResults": 2}))
    assert listed(maxResults=2, nextToken=page["nextToken"]) == [ids[0]]
    assert (
        listed(creationTimeAfter="2200-01-01T00:00:00Z") == [] and listed(creationTimeBefore="2200-01-01") == ids[::-1]
    )
    assert good(client.get(f"{JOBS}/b-1"))["jobArn"] == ids[2]
    assert good(client.post(f"{JOBS}/{ids[0]}/stop")) == {}
    found = good(client.get(f"{JOBS}/{ids[0]}"))
    assert (found["status"], found["outputModelName"]) == ("Stopped", "sorter") and "outputModelArn" not in found
    assert listed(statusEquals="Stopped") == [ids[0]] and listed(statusEquals="InProgress") == [ids[2], ids[1]]
    assert listed(statusEquals="Stopping") == []
    assert good(client.post(f"{JOBS}/{ids[0]}/stop")) == {}, "a stop may be sent again"
    student = good(client.get(f"/v1/distillations/{ids[0]}"))["student"]["model"]
    assert good(client.get(f"/v1/models/{student}"))["name"] == "sorter"


def test_errors_of_vertex_are_told_in_its_shape_and_of_its_fields(world: World) -> None:
    client = world.owner.client
    body = vertex("gs://bucket/x", "ep_none/large")
    error = google(client.post(BELOW, json=body), 400, "INVALID_ARGUMENT", "foreign_bucket")
    assert error["details"][1]["fieldViolations"][0]["field"] == "distillationSpec.trainingDatasetUri"
    missing = google(client.post(BELOW, json=vertex("file-0", "ep_none/large")), 400, "INVALID_ARGUMENT", "not_found")
    fields = [one["field"] for one in missing["details"][1]["fieldViolations"]]
    assert fields == ["distillationSpec.baseTeacherModel", "distillationSpec.trainingDatasetUri"]
    google(client.post(BELOW, json={}), 400, "INVALID_ARGUMENT", "required")
    google(client.get(f"{BELOW}/dst_none"), 404, "NOT_FOUND", "not_found")
    google(client.get(f"{BELOW}?filter=x"), 400, "INVALID_ARGUMENT", "unknown_field")
    google(client.put(BELOW), 405, "UNIMPLEMENTED", "method_not_allowed")
    refused = client.get("/v2/projects/p/locations/l/tuningJobs")
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "version"


def test_tuning_jobs_live_below_their_parent(world: World) -> None:
    client = world.owner.client
    ids = [world.vertex() for _ in range(3)]
    world.bedrock()
    page = good(client.get(BELOW, params={"pageSize": 2}))
    assert [one["name"].rpartition("/")[2] for one in page["tuningJobs"]] == ids[:0:-1]
    rest = good(client.get(BELOW.replace("v1", "v1beta1"), params={"pageToken": page["nextPageToken"]}))
    assert [one["name"] for one in rest["tuningJobs"]] == [f"projects/p/locations/l/tuningJobs/{ids[0]}"]
    google(client.get(f"/v1/projects/q/locations/l/tuningJobs/{ids[0]}"), 404, "NOT_FOUND", "not_found")
    assert good(client.post(f"{BELOW}/{ids[0]}:cancel")) == {}
    assert good(client.get(f"{BELOW}/{ids[0]}"))["state"] == "JOB_STATE_CANCELLED"
    assert good(client.post(f"{BELOW}/{ids[0]}:cancel")) == {}, "a cancel may be sent again"
