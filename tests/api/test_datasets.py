"""Datasets: from files to facts, rows back out, and nothing goes while it is needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from spec.problem import Problem
from tests.api.hand import Hand, hand
from tests.api.service import Tenant, good, refused
from tests.spec.builders import LABELS_ONLY, document


@pytest.fixture
def by_hand(owner: Tenant, tmp_path: Path) -> Iterator[Hand]:
    with hand(owner, tmp_path) as worker:
        yield worker


def test_a_dataset_is_processing_until_it_was_inspected(owner: Tenant, by_hand: Hand) -> None:
    file = owner.upload(b"image,label\n", "digits.csv")
    asked = {"files": [{"file": file["id"], "split": "train"}], "splits": {"train": [0, 10]}, "metadata": {"a": "b"}}
    made = good(owner.client.post("/v1/datasets", json=asked))
    assert made["object"] == "dataset" and made["state"] == "processing" and made["name"] == "digits.csv"
    assert made["source"]["files"] == [{"file": file["id"], "split": "train", "column": None}]
    assert made["source"]["splits"] == {"train": [0, 10]} and made["metadata"] == {"a": "b"} and made["facts"] is None
    refused(owner.client.get(f"/v1/datasets/{made['id']}/preview"), 409, "not_ready")
    refused(owner.client.delete(f"/v1/files/{file['id']}"), 409, "in_use")

    by_hand.inspect_dataset(train=b"rows of train", test=b"rows of test")
    found = good(owner.client.get(f"/v1/datasets/{made['id']}"))
    assert found["state"] == "ready" and found["facts"]["splits"]["test"]["rows"] == 100
    good(owner.client.delete(f"/v1/files/{file['id']}"))
    assert good(owner.client.get(f"/v1/datasets/{made['id']}"))["state"] == "ready"


def test_the_inspection_is_told_what_was_asked(owner: Tenant, by_hand: Hand) -> None:
    images, labels = owner.upload(b"1", "images.idx"), owner.upload(b"2", "labels.idx.gz")
    files = [{"file": images["id"], "column": "image"}, {"file": labels["id"], "column": "label", "split": "test"}]
    good(owner.client.post("/v1/datasets", json={"files": files, "allow_bad_rows": True, "columns": {"group": "g"}}))
    work = by_hand.begin()
    assert work.verb == "inspect" and work.queue == "cpu"
    assert work.params == {
        "kind": "dataset",
        "files": [
            {"path": "0", "filename": "images.idx", "column": "image"},
            {"path": "1", "filename": "labels.idx.gz", "column": "label", "split": "test"},
        ],
        "columns": {"group": "g"},
        "allow_bad_rows": True,
    }
    assert {path: file["digest"] for path, file in work.files.items()} == {
        "files/0": images["sha256"],
        "files/1": labels["sha256"],
    }


def test_preview_and_content(owner: Tenant, by_hand: Hand) -> None:
    made = good(owner.client.post("/v1/datasets", json={"files": [owner.upload()["id"]]}))
    by_hand.inspect_dataset(train=b"ARROW1 train", test=b"ARROW1 test")
    path = f"/v1/datasets/{made['id']}"
    shown = good(owner.client.get(f"{path}/preview", params={"split": "test", "limit": 2}))
    assert shown["split"] == "test" and shown["rows"] == 100
    assert shown["data"] == [{"image": [[0, 1]], "label": "0"}, {"image": [[0, 1]], "label": "1"}]
    assert good(owner.client.get(f"{path}/preview"))["split"] == "train"
    refused(owner.client.get(f"{path}/preview", params={"limit": 101}), 400, "invalid_value")

    whole = owner.client.get(f"{path}/content", params={"split": "test"})
    assert whole.content == b"ARROW1 test" and whole.headers["content-type"] == "application/vnd.apache.arrow.file"
    assert whole.headers["content-disposition"].endswith(f"{made['id']}-test.arrow")
    part = owner.client.get(f"{path}/content", headers={"range": "bytes=0-5"})
    assert (part.status_code, part.content) == (206, b"ARROW1")
    error = refused(owner.client.get(f"{path}/content", params={"split": "tset"}), 404, "split_not_found")
    assert error["param"] == "split" and error["hint"] == 'Did you mean "test"?'


def test_a_failed_inspection_says_why(owner: Tenant, by_hand: Hand) -> None:
    made = good(owner.client.post("/v1/datasets", json={"files": [owner.upload(b"\n", "empty.csv")["id"]]}))
    why = Problem(code="empty_file", message="empty.csv has no rows.", file="empty.csv", line=1, param="files[0]")
    by_hand.fail(by_hand.begin(), why)
    found = good(owner.client.get(f"/v1/datasets/{made['id']}"))
    assert found["state"] == "failed" and found["error"] == why.model_dump()
    refused(owner.client.get(f"/v1/datasets/{made['id']}/content"), 409, "not_ready")


def test_lists_in_pages(owner: Tenant) -> None:
    file = owner.upload()["id"]
    made = [good(owner.client.post("/v1/datasets", json={"files": [file], "name": str(i)}))["id"] for i in range(5)]
    first = good(owner.client.get("/v1/datasets", params={"limit": 3}))
    assert [row["id"] for row in first["data"]] == made[:1:-1] and first["has_more"] is True
    rest = good(owner.client.get("/v1/datasets", params={"limit": 3, "after": first["last_id"]}))
    assert [row["id"] for row in rest["data"]] == made[1::-1] and rest["has_more"] is False
    oldest = good(owner.client.get("/v1/datasets", params={"limit": 1, "order": "asc"}))
    assert oldest["first_id"] == made[0]


def test_one_key_makes_one_dataset(owner: Tenant) -> None:
    body = {"files": [owner.upload()["id"]]}
    headers = {"idempotency-key": "the same"}
    replies = [owner.client.post("/v1/datasets", json=body, headers=headers) for _ in range(5)]
    assert {reply.status_code for reply in replies} == {201} and all(
        reply.json() == replies[0].json() for reply in replies
    )
    assert len(good(owner.client.get("/v1/datasets"))["data"]) == 1
    other = owner.client.post("/v1/datasets", json=body | {"name": "other"}, headers=headers)
    refused(other, 409, "idempotency_key_reused")


def test_a_dataset_stays_while_a_job_needs_it(owner: Tenant, by_hand: Hand) -> None:
    made = good(owner.client.post("/v1/datasets", json={"files": [owner.upload()["id"]]}))["id"]
    by_hand.inspect_dataset(train=b"rows of train", test=b"rows of test")
    spec = document({**LABELS_ONLY, "data.train": f"{made}/train", "data.heldout": f"{made}/test"})
    job = good(owner.client.post("/v1/distillations", json=spec))["id"]
    error = refused(owner.client.delete(f"/v1/datasets/{made}"), 409, "in_use")
    assert job in error["message"]
    good(owner.client.post(f"/v1/distillations/{job}/cancel"))
    assert good(owner.client.delete(f"/v1/datasets/{made}")) == {"id": made, "object": "dataset", "deleted": True}
    refused(owner.client.get(f"/v1/datasets/{made}"), 404, "not_found")


def test_deleting_frees_the_bytes(owner: Tenant, by_hand: Hand) -> None:
    before = good(owner.client.get("/v1/usage"))["bytes_stored"]
    file = owner.upload(b"uploaded")["id"]
    made = good(owner.client.post("/v1/datasets", json={"files": [file]}))["id"]
    by_hand.inspect_dataset(train=b"some rows that nobody else has")
    assert good(owner.client.get("/v1/usage"))["bytes_stored"] > before
    good(owner.client.delete(f"/v1/datasets/{made}"))
    good(owner.client.delete(f"/v1/files/{file}"))
    assert owner.client.get(f"/v1/datasets/{made}/content").status_code == 404


def test_deleting_what_is_still_inspected_ends_the_inspection(owner: Tenant, by_hand: Hand) -> None:
    made = good(owner.client.post("/v1/datasets", json={"files": [owner.upload()["id"]]}))["id"]
    work = by_hand.begin()
    good(owner.client.delete(f"/v1/datasets/{made}"))
    by_hand.end(work, {"train.arrow": b"late"}, facts={})
    refused(owner.client.get(f"/v1/datasets/{made}"), 404, "not_found")
