"""Texts through the API: a classifier from labels, and a smaller one that learns from it, to the report."""

import json
from pathlib import Path
from typing import Any

import pytest

from standalone.process import ROOT
from standalone.stack import Stack
from stillhouse import Conflict, Stillhouse
from tests.acceptance.tenant import tenant
from tests.distill import docstrings, queries
from tests.distill.tokenizers_of import byte_pairs


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_text_student_teaches_another_one(stack: Stack) -> None:
    with Stillhouse(stack.url, tenant(stack, "texts").key) as client:
        dataset = client.datasets.from_texts(*docstrings.texts(), name="docstrings")
        spec: Any = json.loads((ROOT / "recipes" / "texts.json").read_text())
        spec["data"]["train"] = dataset["id"]
        teacher = client.distillations.create(spec).wait(progress=False)
        spec |= {"name": "smaller", "teacher": {"models": [teacher.student]}}
        spec |= {"student": {"type": "text_classifier", "width": 16, "buckets": 4096, "byte_ngrams": [3, 4]}}
        spec["data"]["labelled"] = 0.1
        spec["objective"] = [{"type": "soft_targets", "temperature": 2.0}]
        report = client.distillations.create(spec).wait(progress=False).report()
        accuracy = {role["role"]: role["metrics"]["accuracy"]["value"] for role in report["grade"]["roles"]}
        assert accuracy["teacher.0"] > 0.5
        assert accuracy["student"] > accuracy["no_teacher"]
        assert report["grade"]["side_by_side"][0]["text"]


@pytest.mark.timeout(600)
def test_a_ranker_of_pairs_teaches_an_encoder_with_its_users_tokenizer(stack: Stack, tmp_path: Path) -> None:
    rows = queries.pairs()
    with Stillhouse(stack.url, tenant(stack, "pairs").key) as client:
        pairs = [(asked, passage) for asked, passage, *_ in rows]
        dataset = client.datasets.from_texts(pairs, [label for _, _, label, _ in rows], name="queries")
        spec: Any = json.loads((ROOT / "recipes" / "pairs.json").read_text())
        spec["data"]["train"] = dataset["id"]
        teacher = client.distillations.create(spec).wait(progress=False)
        facts = client.datasets.get(dataset["id"])["facts"]
        assert facts is not None
        assert facts["roles"]["input"] == ["first", "second"]
        preview = client.datasets.preview(dataset["id"], limit=1)["data"][0]
        assert (preview["first"], preview["second"]) == pairs[0]
        spec |= {"name": "encoder", "teacher": {"models": [teacher.student]}}
        path = tmp_path / "tokenizer.json"
        path.write_bytes(byte_pairs())
        file = client.files.upload(path, purpose="tokenizer")
        spec |= {"student": {"type": "text_encoder", "width": 16, "layers": 1, "tokenizer": file["id"]}}
        spec |= {"objective": [{"type": "soft_targets"}], "training": {"epochs": 1}}
        job = client.distillations.create(spec)
        with pytest.raises(Conflict, match="is needed by"):
            client.files.delete(file["id"])
        job.wait(progress=False)
        accuracy = {role["role"]: role["metrics"]["accuracy"]["value"] for role in job.report()["grade"]["roles"]}
        assert accuracy["teacher.0"] > 0.9
        assert job.student is not None
        model = client.models.get(job.student)
        assert model["signature"] is not None
        assert model["signature"]["input"]["shape"] == [2]
        assert model["architecture"] is not None and model["architecture"]["type"] == "text_encoder"
        assert (model["architecture"]["tokenizer"], model["architecture"]["vocabulary"]) == (file["sha256"], 602)
        client.models.download(job.student, tmp_path / "student")
        assert (tmp_path / "student/tokenizer.json").read_bytes() == path.read_bytes()
        again = client.models.wait(client.models.upload(tmp_path / "student")["id"])
        assert again["state"] == "ready" and again["architecture"] == model["architecture"]
        client.files.delete(file["id"])
