"""Models: OpenAI's list with more in it, files and archives that are what was stored."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from spec.problem import Problem
from tests.api.hand import Hand, hand
from tests.api.service import Service, Tenant, good, refused
from tests.spec.builders import document

ASKED: dict[str, Any] = {
    "architecture": {"type": "convnet", "channels": [8, 16], "hidden": 16},
    "signature": {
        "input": {"kind": "image", "shape": [8, 8], "dtype": "uint8", "scale": 0.0625},
        "output": {"kind": "classes", "classes": ["a", "b"]},
    },
}


@pytest.fixture
def by_hand(owner: Tenant, tmp_path: Path) -> Iterator[Hand]:
    with hand(owner, tmp_path) as worker:
        yield worker


def uploaded(owner: Tenant, **more: Any) -> str:
    body = {"files": [owner.upload(os.urandom(8), "teacher.safetensors")["id"]], **ASKED, **more}
    id: str = good(owner.client.post("/v1/models", json=body))["id"]
    return id


def test_a_model_is_processing_until_it_was_inspected(owner: Tenant, by_hand: Hand) -> None:
    id = uploaded(owner, metadata={"a": "b"}, licence="cc-by-nc-4.0")
    made = good(owner.client.get(f"/v1/models/{id}"))
    assert (made["object"], made["owned_by"], made["name"]) == ("model", owner.project, "teacher.safetensors")
    assert (made["state"], made["origin"], made["facts"], made["metadata"]) == (
        "processing",
        "upload",
        None,
        {"a": "b"},
    )
    assert made["licence"] == "cc-by-nc-4.0" and [one["party"] for one in made["terms"]] == ["Creative Commons"]
    refused(owner.client.get(f"/v1/models/{id}/archive"), 409, "not_ready")
    by_hand.inspect_model()
    found = good(owner.client.get(f"/v1/models/{id}"))
    assert found["facts"]["licence"] == "cc-by-nc-4.0" and found["terms"] == made["terms"]
    assert found["state"] == "ready" and found["parameters"] == 13_802 and found["bytes"] == 55_208
    assert found["signature"]["output"]["classes"] == list("0123456789") and found["files"] == {"model.safetensors": 7}


def test_the_inspection_is_told_what_was_asked(owner: Tenant, by_hand: Hand) -> None:
    uploaded(owner)
    params = by_hand.begin().params
    assert params["kind"] == "model" and params["files"] == [{"path": "0", "filename": "teacher.safetensors"}]
    assert params["architecture"] == ASKED["architecture"]
    assert params["signature"] == ASKED["signature"]


def test_a_tokenizer_among_the_files_is_known_by_its_digest(owner: Tenant, by_hand: Hand) -> None:
    weights, tokenizer = (owner.upload(os.urandom(8), name) for name in ("model.safetensors", "tokenizer.json"))
    architecture = {"type": "text_encoder", "width": 8, "tokenizer": tokenizer["id"]}
    body = {"files": [weights["id"], tokenizer["id"]], "architecture": architecture}
    good(owner.client.post("/v1/models", json=body))
    assert by_hand.begin().params["architecture"]["tokenizer"] == tokenizer["sha256"]
    problem = refused(owner.client.post("/v1/models", json=body | {"files": [weights["id"]]}), 400, "file_not_found")
    assert problem["param"] == "architecture.tokenizer"


def test_the_openai_client_lists_retrieves_and_deletes(service: Service, owner: Tenant) -> None:
    ids = [uploaded(owner) for _ in range(25)]
    with openai.OpenAI(api_key=owner.key, base_url=f"{service.api.url}/v1") as client:
        assert [model.id for model in client.models.list()] == ids[::-1]  # it knows no pages: one must do
        found = client.models.retrieve(ids[0])
        assert (found.id, found.object, found.owned_by) == (ids[0], "model", owner.project) and found.created > 0
        assert client.models.delete(ids[0]).deleted
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(ids[0])


def test_files_are_attachments_named_by_their_digest(owner: Tenant, by_hand: Hand) -> None:
    id, weights = uploaded(owner), os.urandom(3_000_000)
    by_hand.inspect_model(weights)
    reply = owner.client.get(f"/v1/models/{id}/files/model.safetensors")
    assert reply.content == weights and reply.headers["etag"] == f'"{hashlib.sha256(weights).hexdigest()}"'
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["x-content-type-options"] == "nosniff"
    part = owner.client.get(f"/v1/models/{id}/files/model.safetensors", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, weights[10:20])
    error = refused(owner.client.get(f"/v1/models/{id}/files/model.safetensor"), 404, "model_file_not_found")
    assert error["hint"] == 'Did you mean "model.safetensors"?'


def test_the_archive_is_a_stored_zip(owner: Tenant, by_hand: Hand) -> None:
    id, weights = uploaded(owner), os.urandom(3_000_000)
    by_hand.inspect_model(weights)
    reply = owner.client.get(f"/v1/models/{id}/archive")
    assert reply.headers["content-type"] == "application/zip" and f"{id}.zip" in reply.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        (entry,) = archive.infolist()
        assert (entry.filename, entry.compress_type) == (f"{id}/model.safetensors", zipfile.ZIP_STORED)
        assert archive.read(entry) == weights
    assert owner.client.get(f"/v1/models/{id}/archive").content == reply.content


def test_memory_does_not_grow_with_an_archive(service: Service, owner: Tenant, by_hand: Hand) -> None:
    id, size = uploaded(owner), 300_000_000
    by_hand.inspect_model(bytes(size))
    status = Path(f"/proc/{service.api.pid}/status")
    peak = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    with owner.client.stream("GET", f"/v1/models/{id}/archive") as reply:
        received = sum(len(chunk) for chunk in reply.iter_bytes())
    assert received > size
    assert int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 - peak < 64_000_000


def test_a_failed_inspection_says_why(owner: Tenant, by_hand: Hand) -> None:
    id = uploaded(owner)
    why = Problem(code="tensor_shape", message="hidden.weight is [16, 64], expected [16, 32].", param="architecture")
    by_hand.fail(by_hand.begin(), why)
    found = good(owner.client.get(f"/v1/models/{id}"))
    assert found["state"] == "failed" and found["error"] == why.model_dump()


def test_a_teacher_stays_while_a_job_needs_it(owner: Tenant, by_hand: Hand) -> None:
    teacher = uploaded(owner)
    dataset = good(owner.client.post("/v1/datasets", json={"files": [owner.upload()["id"]]}))["id"]
    changes = {"teacher.models": [teacher], "data.train": dataset, "data.heldout": 0.1}
    job = good(owner.client.post("/v1/distillations", json=document(changes)))
    assert job["waiting"]["ids"] == [teacher, dataset]
    student = job["student"]["model"]
    assert job["id"] in refused(owner.client.delete(f"/v1/models/{teacher}"), 409, "in_use")["message"]
    refused(owner.client.delete(f"/v1/models/{student}"), 409, "in_use")
    shown = good(owner.client.get(f"/v1/models/{student}"))
    assert (shown["origin"], shown["distillation"], shown["state"]) == ("distillation", job["id"], "processing")
    good(owner.client.post(f"/v1/distillations/{job['id']}/cancel"))
    good(owner.client.delete(f"/v1/models/{teacher}"))
    assert good(owner.client.get(f"/v1/models/{student}"))["error"]["code"] == "cancelled"
