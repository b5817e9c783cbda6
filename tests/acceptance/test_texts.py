"""Texts through the API: a classifier from labels, and a smaller one that learns from it, to the report."""

import json
from typing import Any

import pytest

from standalone.process import ROOT
from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.tenant import tenant
from tests.distill import docstrings, queries


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
def test_a_ranker_of_pairs_teaches_an_encoder(stack: Stack) -> None:
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
        spec |= {"student": {"type": "text_encoder", "width": 16, "layers": 1, "vocabulary": 600}}
        spec |= {"objective": [{"type": "soft_targets"}], "training": {"epochs": 1}}
        job = client.distillations.create(spec).wait(progress=False)
        accuracy = {role["role"]: role["metrics"]["accuracy"]["value"] for role in job.report()["grade"]["roles"]}
        assert accuracy["teacher.0"] > 0.9
        assert job.student is not None
        model = client.models.get(job.student)
        assert model["signature"] is not None
        assert model["signature"]["input"]["shape"] == [2]
        assert "tokenizer.json" in model["files"]
