"""A user of Bedrock and one of Vertex move: the request beside the original (docs/clouds.md), a file of golden and other prompts, the teacher's own log.

Both jobs run at once on one stack, on the same conversations in either format. boto3 is unmodified: it sends a key over TLS alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from standalone.stack import Stack
from tests.acceptance.run import until
from tests.acceptance.teacher import KEY, Teacher, model, sentences, served
from tests.acceptance.tenant import Tenant, good, tenant
from tests.acceptance.tls import Relay, certify, relays
from tests.clouds.requests import requests
from tests.distill.test_conversations import bedrock, vertex

SYSTEM = "You sort notes of a naturalist."
TEXTS, LABELS = sentences(80, 3)
GOLDEN = dict(list(zip(TEXTS, LABELS, strict=True))[::2])
BELOW = "/v1/projects/my-project/locations/us-central1/tuningJobs"


@dataclass
class Move:
    """Both jobs, and what the teacher heard of them."""

    owner: Tenant
    teacher: Teacher
    amazon: Any
    """boto3's client."""
    bedrock: str
    vertex: str

    def check(self, id: str, bounded: bool) -> None:
        """Golden examples were shown with each question, and measured: by the teacher's own log and its own model."""
        report = good(self.owner.client.get(f"/v1/distillations/{id}/report"))
        parts = report["answers"]["parts"]
        gold = [part["gold"] for part in parts.values()]
        heard = [messages for bound, messages in self.teacher.heard if bound == bounded]
        given_away = {question["content"] for question in heard[0][1:-1:2]}
        right = sum(
            max(shares, key=lambda name: shares[name]) == label
            for text, label in GOLDEN.items()
            if text not in given_away
            for shares in [model(text)]
        )
        # A tenth of the golden examples is held out, and nobody pays for a prompt that is not graded: all of them are learned from.
        held = round(0.1 * len(GOLDEN))
        assert parts["heldout"]["asked"] == parts["heldout"]["gold"]["rows"] == report["grade"]["rows"] == held
        assert parts["train"]["asked"] == len(TEXTS) - held
        assert f"There are only {held} held-out rows: intervals will be wide." in report["warnings"]
        assert sum(part["rows"] for part in gold) == len(GOLDEN) - 8
        assert sum(round(part["accuracy"] * part["rows"]) for part in gold) == right
        roles = {role["role"]: role for role in report["grade"]["roles"]}
        assert (
            roles["student"]["labels_seen"] == 0
            and roles["no_teacher"]["labels_seen"] == parts["train"]["gold"]["rows"] + 8
        )
        assert {messages[-1]["content"] for messages in heard} <= set(TEXTS) and len(heard) >= 70
        for system, *shown, _ in heard:
            assert system["role"] == "system" and system["content"].startswith(f"{SYSTEM}\n\nClassify")
            pairs = {
                question["content"]: answer["content"] for question, answer in zip(shown[::2], shown[1::2], strict=True)
            }
            assert len(pairs) == 8 and pairs.items() <= GOLDEN.items()


@pytest.fixture(scope="module")
def move(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    owner = tenant(stack, "clouds", ("read", "write", "admin"))
    home = tmp_path_factory.mktemp("clouds")
    trusted, shown = certify(home / "tls")
    relay = Relay("api", urlsplit(stack.url).netloc, shown, home)
    with owner.client, served() as teacher, relays(relay), pytest.MonkeyPatch.context() as patch:
        body = {"name": "words", "url": teacher.url, "key": KEY, "allow_private": True}
        good(owner.client.post("/v1/endpoints", json=body))
        teacher.forget()
        patch.setenv("AWS_BEARER_TOKEN_BEDROCK", owner.key)
        address = f"https://localhost:{relay.port}"
        amazon = boto3.client("bedrock", region_name="us-east-1", endpoint_url=address, verify=str(trusted))
        ours = requests(uploaded(owner, bedrock))[0].ours, requests(uploaded(owner, vertex))[1].ours
        made = amazon.create_model_customization_job(**ours[0])
        tuned = good(owner.client.post(BELOW, json=ours[1]))
        yield Move(owner, teacher, amazon, made["jobArn"], tuned["name"])


def uploaded(owner: Tenant, write: Any) -> str:
    lines = [json.dumps(write(text, GOLDEN.get(text), SYSTEM)) for text in TEXTS]
    return owner.upload("\n".join(lines).encode(), "train.jsonl")


def test_a_user_of_bedrock_moves(move: Move) -> None:
    amazon, original = move.amazon, requests("file-…")[0]
    until(lambda: amazon.get_model_customization_job(jobIdentifier=move.bedrock)["status"] != "InProgress")
    found = amazon.get_model_customization_job(jobIdentifier=original.ours["jobName"])
    assert found["status"] == "Completed", found
    assert (found["outputModelName"], found["roleArn"]) == (
        original.theirs["customModelName"],
        original.theirs["roleArn"],
    )
    assert found["customizationConfig"] == original.ours["customizationConfig"]
    assert found["statusDetails"]["trainingDetails"]["status"] == "Completed"
    move.check(move.bedrock, bounded=True)
    student = good(move.owner.client.get(f"/v1/models/{found['outputModelArn']}"))
    assert (student["name"], student["state"]) == ("mail-sorter", "ready")
    # Another one is stopped, and what is wrong is an exception of the client's own.
    again = requests(found["trainingDataConfig"]["s3Uri"])[0].ours | {
        "jobName": "again",
        "baseModelIdentifier": "text-classifier-64",
    }
    other = amazon.create_model_customization_job(**again)["jobArn"]
    amazon.stop_model_customization_job(jobIdentifier=other)
    until(lambda: amazon.get_model_customization_job(jobIdentifier=other)["status"] == "Stopped")
    listed = amazon.list_model_customization_jobs(statusEquals="Completed")["modelCustomizationJobSummaries"]
    assert [one["jobArn"] for one in listed] == [move.bedrock]
    with pytest.raises(amazon.exceptions.ValidationException, match="unknown_student, baseModelIdentifier"):
        amazon.create_model_customization_job(**original.theirs)
    with pytest.raises(amazon.exceptions.ConflictException):
        amazon.stop_model_customization_job(jobIdentifier=move.bedrock)


def test_a_user_of_vertex_moves(move: Move) -> None:
    client, path = move.owner.client, f"/v1/{move.vertex}"
    until(lambda: good(client.get(path))["state"] not in ("JOB_STATE_QUEUED", "JOB_STATE_RUNNING"))
    found = good(client.get(path))
    assert found["state"] == "JOB_STATE_SUCCEEDED", found
    assert found["labels"] == {"team": "mail"} and found["tunedModelDisplayName"] == "mail-sorter"
    move.check(move.vertex.rpartition("/")[2], bounded=False)
    assert [one["name"] for one in good(client.get(BELOW))["tuningJobs"]] == [move.vertex]
    student = found["tunedModel"]["model"].rpartition("/")[2]
    assert good(client.get(f"/v1/models/{student}"))["state"] == "ready"
    refused = client.post(BELOW, json=requests("file-…")[1].theirs)
    assert refused.status_code == 400 and refused.json()["error"]["status"] == "INVALID_ARGUMENT"
