"""Our job as either cloud tells of one, held against botocore's own model of the replies."""

from typing import Any

import botocore.session
import pytest

from api.clouds.bedrock.reply import STATUS, to_job, to_summary
from api.clouds.bedrock.translation import to_distillation
from api.clouds.bedrock.wire import ModelCustomizationJobList, NewModelCustomizationJob
from api.clouds.jobs import Shown
from api.clouds.vertex import translation as vertex
from api.clouds.vertex.reply import STATES, to_tuning_job
from api.clouds.vertex.wire import NewTuningJob
from api.distillations.wire import DistillationJob
from spec.errors import parse
from tests.clouds.requests import PAGE, requests

BEDROCK, VERTEX = requests("file-1")
PARENT = "projects/p/locations/l"
POSTED = to_distillation(NewModelCustomizationJob.model_validate(BEDROCK.ours))
TUNED = vertex.to_distillation(NewTuningJob.model_validate(VERTEX.ours), PARENT)
STEP: dict[str, Any] = {
    "queue": "io",
    "optional": False,
    "attempts": 1,
    "seconds": 1.0,
    "cached": False,
    "cut": False,
    "cut_reason": None,
    "progress": None,
    "error": None,
}
WHY = {"code": "paused", "reason": "Paused after its preview."}
LOST = {"code": "no_answers", "message": "The teacher answered none.", "param": "data.responses"}


def shown(posted: dict[str, Any], state: str, intent: str = "run") -> Shown:
    """A job whose teacher has answered, in a state."""
    done = {"started_at": 110, "finished_at": 120}
    left = {"started_at": 120, "finished_at": None}
    steps = [
        {**STEP, "name": "answer", "verb": "answer", "state": "succeeded", **done},
        {**STEP, "name": "train", "verb": "train", "state": "succeeded" if state == "succeeded" else "running", **left},
    ]
    spec = parse(posted)
    one = {
        "id": "dst_1",
        "name": spec.name,
        "state": state,
        "intent": intent,
        "created_at": 100,
        "started_at": 110,
        "finished_at": 130 if state in ("succeeded", "failed", "cancelled") else None,
        "spec": spec,
        "resolved": True,
        "student": {"model": "mdl_1"},
        "steps": steps,
        "waiting": WHY if state == "paused" else None,
        "error": LOST if state == "failed" else None,
        "problems": [],
        "warnings": [],
        "estimate": None,
        "result": None,
        "metadata": spec.metadata,
        "usage": {"device_seconds": 1.0, "usd": 0.0},
    }
    return Shown(posted=spec, job=DistillationJob.model_validate(one), model="mail-sorter")


def known(shape: Any, value: Any, path: str = "") -> list[str]:
    """Paths in a reply that botocore's shape does not have."""
    if shape.type_name == "structure":
        odd = [f"{path}.{name}" for name in value if name not in shape.members]
        return odd + [
            found
            for name, part in value.items()
            if name in shape.members
            for found in known(shape.members[name], part, f"{path}.{name}")
        ]
    if shape.type_name == "list":
        return [found for part in value for found in known(shape.member, part, f"{path}[]")]
    words = shape.metadata.get("enum")
    return [path] if words and value not in words else []


@pytest.mark.parametrize("state", [*STATUS, "cancelling"])
def test_bedrock_tells_of_every_state(state: str) -> None:
    model = botocore.session.Session().get_service_model("bedrock")
    one = shown(POSTED, "running", "cancel") if state == "cancelling" else shown(POSTED, state)
    reply = to_job(one).model_dump(mode="json", exclude_none=True)
    shape = model.operation_model("GetModelCustomizationJob").output_shape
    assert known(shape, reply) == [] and set(shape.required_members) <= reply.keys()
    summary = ModelCustomizationJobList(nextToken="dst_1", modelCustomizationJobSummaries=[to_summary(one)])
    listed = summary.model_dump(mode="json", exclude_none=True)
    assert known(model.operation_model("ListModelCustomizationJobs").output_shape, listed) == []
    assert reply["status"] == STATUS.get(state, "Stopping") and reply["outputModelName"] == "mail-sorter"
    assert reply.get("outputModelArn") == ("mdl_1" if state == "succeeded" else None)
    assert reply["statusDetails"]["dataProcessingDetails"]["status"] == "Completed"
    training = {"InProgress": "InProgress", "Completed": "Completed"}.get(reply["status"], reply["status"])
    assert reply["statusDetails"]["trainingDetails"]["status"] == training
    why = {"paused": WHY["reason"], "failed": "The teacher answered none. [no_answers, trainingDataConfig.s3Uri]"}
    assert reply.get("failureMessage") == why.get(state)


def test_bedrock_tells_what_was_asked_for() -> None:
    reply = to_job(shown(POSTED, "running")).model_dump(mode="json", exclude_none=True)
    same = ("jobName", "roleArn", "hyperParameters", "trainingDataConfig", "outputDataConfig", "customizationConfig")
    assert {name: reply[name] for name in same} == {name: BEDROCK.ours[name] for name in same}
    assert (reply["baseModelArn"], reply["validationDataConfig"]) == ("text-classifier-16", {"validators": []})
    assert (reply["creationTime"], reply["lastModifiedTime"]) == ("1970-01-01T00:01:40Z", "1970-01-01T00:02:00Z")


@pytest.mark.parametrize("state", [*STATES, "cancelling"])
def test_vertex_tells_of_every_state(state: str) -> None:
    one = shown(TUNED, "running", "cancel") if state == "cancelling" else shown(TUNED, state)
    reply = to_tuning_job(one).model_dump(mode="json", exclude_none=True)
    assert reply["name"] == f"{PARENT}/tuningJobs/dst_1" and reply["labels"] == {"team": "mail"}
    assert reply["state"] == STATES.get(state, "JOB_STATE_CANCELLING")
    assert reply.get("tunedModel") == ({"model": f"{PARENT}/models/mdl_1"} if state == "succeeded" else None)
    why = {
        "paused": WHY["reason"],
        "failed": "The teacher answered none. [no_answers, distillationSpec.trainingDatasetUri]",
    }
    assert reply.get("error", {}).get("message") == why.get(state)
    sent = {**VERTEX.ours["distillationSpec"], "trainingDatasetUri": "file-1"}
    assert reply["distillationSpec"] == sent


@pytest.mark.parametrize("table", [STATUS, STATES])
def test_the_page_has_every_state(table: dict[str, str]) -> None:
    rows = dict(line.strip("| ").split(" | ", 1) for line in PAGE.splitlines() if line.startswith("| "))
    assert rows.keys() >= {"being cancelled", "paused", "cancelled", "succeeded", "failed"}
    told = [line for line in PAGE.splitlines() if line.startswith("| ")]
    for ours, name in table.items():
        assert any(ours in line.split("|")[1] and name in line.split("|")[2] for line in told), ours
