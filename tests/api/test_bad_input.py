"""Bad input gets a clear error, and nothing is spent: tables of what the API and the rules refuse.

What only inspections can see is in tests/acceptance/test_bad_uploads.py.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from spec.problem import Problem
from tests.acceptance.bad import named, told
from tests.api.bad_requests import REQUESTS
from tests.api.bad_specs import SPECS
from tests.api.hand import model
from tests.api.jobs import Jobs, jobs_of
from tests.api.service import Service, Tenant, good, refused
from tests.spec import builders
from tests.spec.builders import ABSENT, LABELS_ONLY, document

JSON = {"content-type": "application/json"}


@dataclass
class World:
    """Who there is, and what they have: `known` are ids by the names that tables have for them."""

    jobs: Jobs
    known: dict[str, str]

    @property
    def client(self) -> httpx.Client:
        return self.jobs.client

    def body(self, changes: dict[str, Any]) -> bytes:
        """The digits job on what there is, with changes."""
        rows = {"data.train": "{dataset}/train", "data.heldout": "{dataset}/test", "teacher.models": ["{teacher}"]}
        absent = {path: value for path, value in changes.items() if value is ABSENT}
        return json.dumps(document(named(rows | changes, self.known) | absent)).encode()

    def post(self, changes: dict[str, Any], path: str = "/v1/distillations") -> httpx.Response:
        return self.client.post(path, content=self.body(changes), headers=JSON)


@pytest.fixture
def world(owner: Tenant, tmp_path: Path) -> Iterator[World]:
    with jobs_of(owner, tmp_path) as jobs:
        yield World(jobs, {"dataset": jobs.dataset(), "teacher": jobs.teacher()})


@pytest.fixture(scope="module")
def settled(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For all tests that change nothing: more things, and those of a stranger."""
    stranger = service.tenant("stranger")
    with jobs_of(stranger, tmp_path_factory.mktemp("stranger")) as theirs:
        known = {"their_dataset": theirs.dataset(), "their_teacher": theirs.teacher()}
        known["their_file"] = stranger.upload()["id"]
    with jobs_of(service.tenant("settled"), tmp_path_factory.mktemp("settled")) as jobs:
        known |= {"dataset": jobs.dataset(), "teacher": jobs.teacher()}
        known |= {"large_teacher": large_teacher(jobs), "eleven_classes": eleven_classes(jobs)}
        yield World(jobs, known)


def large_teacher(jobs: Jobs) -> str:
    """It takes images of another size."""
    made: str = good(jobs.client.post("/v1/models", json={"files": [jobs.tenant.upload(os.urandom(8))["id"]]}))["id"]
    facts = model(jobs.hand.put(b"large"))
    large = facts.signature.model_copy(update={"input": facts.signature.input.model_copy(update={"shape": (28, 28)})})
    told = facts.model_copy(update={"signature": large}).model_dump(mode="json")
    jobs.hand.end(jobs.hand.begin("inspect"), {"model.safetensors": b"large"}, facts=told)
    return made


def eleven_classes(jobs: Jobs) -> str:
    """A dataset with a label that no teacher knows."""
    made: str = good(jobs.client.post("/v1/datasets", json={"files": [jobs.tenant.upload(os.urandom(8))["id"]]}))["id"]
    rows, labels = os.urandom(8), dict.fromkeys([*builders.DIGITS, "ten"], 10)
    split = builders.split("train", 110, labels=labels, digest=jobs.hand.put(rows)["digest"])
    jobs.hand.inspect_dataset(builders.dataset(splits={"train": split}), train=rows)
    return made


@pytest.mark.parametrize("name", SPECS)
def test_a_job_is_refused(settled: World, name: str) -> None:
    """By both routes with all its problems, the first of which speaks for them; no job is there afterwards."""
    changes, problems = SPECS[name]
    wanted = named(problems, settled.known)
    error = refused(settled.post(changes), 400, wanted[0]["code"])
    more = "" if len(wanted) == 1 else f" (and {len(wanted) - 1} more, see problems)"
    first = {"message": wanted[0]["message"] + more} | {key: wanted[0][key] for key in ("code", "param", "hint")}
    assert error == {**first, "type": "invalid_request_error", "problems": wanted}
    told = good(settled.post(changes, "/v1/distillations/validate"))
    assert (told["valid"], told["problems"]) == (False, wanted)
    assert good(settled.client.get("/v1/distillations"))["data"] == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_refused(settled: World, name: str) -> None:
    bad = REQUESTS[name]
    content = json.dumps(bad.body).encode() if isinstance(bad.body, dict) else bad.body
    method = "GET" if content is None else "POST"
    reply = settled.client.request(method, bad.path, content=content, headers=JSON)
    error = refused(reply, bad.status, bad.problems[0]["code"])
    assert (error["problems"] or [{**bad.problems[0], "message": error["message"]}]) == bad.problems
    assert error["message"].startswith(bad.problems[0]["message"])
    assert (error["param"], error["hint"]) == (bad.problems[0]["param"], bad.problems[0]["hint"])


@pytest.mark.parametrize("noun", ["datasets", "models"])
def test_somebody_elses_file_is_not_there(settled: World, noun: str) -> None:
    file = settled.known["their_file"]
    error = refused(settled.client.post(f"/v1/{noun}", json={"files": [file]}), 400, "file_not_found")
    message = f"No such file: '{file}'."
    assert error["problems"] == [told("file_not_found", message, hint="Upload it first.", param="files[0]")]


def test_what_inspection_found_comes_back_with_file_and_line(world: World) -> None:
    file = world.jobs.tenant.upload(b"ragged", "digits.csv")["id"]
    made = good(world.client.post("/v1/datasets", json={"files": [file]}))["id"]
    why = Problem(code="ragged_row", message="Row has 3 values, not 2.", file="digits.csv", line=8)
    world.jobs.hand.fail(world.jobs.hand.begin("inspect"), why)
    error = refused(world.post({"data.train": made, "data.heldout": 0.1}), 400, "ragged_row")
    message = f"{made} cannot be used: Row has 3 values, not 2."
    assert error["problems"] == [told("ragged_row", message, param="data.train", file="digits.csv", line=8)]


def test_a_file_that_is_still_needed(world: World) -> None:
    file = world.jobs.tenant.upload(os.urandom(8), "digits.csv")["id"]
    job = good(world.post({**LABELS_ONLY, "data.train": file, "data.heldout": 0.1, "data.labelled": 1}))
    error = refused(world.client.delete(f"/v1/files/{file}"), 409, "in_use")
    assert job["id"] in error["message"]


MALFORMED = ("The API key is malformed.", "A key is `sh_live_` and 36 letters or digits.")
KEYS = {
    "none": (None, "missing_api_key", "No API key was sent.", "Send the header `Authorization: Bearer sh_live_…`."),
    "a short one": ("sh_live_x", "invalid_api_key", *MALFORMED),
    "one cut off": ("sh_live_" + "x" * 35, "invalid_api_key", *MALFORMED),
    "one with a character changed": ("sh_live_" + "x" * 36, "invalid_api_key", *MALFORMED),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_opens_nothing(service: Service, name: str) -> None:
    key, code, message, hint = KEYS[name]
    with service.client(key) as client:
        for route in ("/v1/distillations", "/v1/models", "/v1/datasets"):
            for reply in (client.get(route), client.post(route, content=b"{")):
                error = refused(reply, 401, code)
                assert (error["message"], error["hint"], error["type"]) == (message, hint, "authentication_error")


def test_a_key_that_only_reads(service: Service, owner: Tenant) -> None:
    with service.client(service.key(owner.project, "read")) as reader:
        for route in ("/v1/distillations", "/v1/models", "/v1/datasets"):
            error = refused(reader.post(route, json={}), 403, "missing_scope")
            assert error["message"] == "This key has no scope `write` (it has: read)."
            assert error["hint"] == "Use a key that was made with the scope `write`."
