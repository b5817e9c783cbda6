"""Texts with any number of topics through the API: a teacher from labels, a student from its soft targets, its files in a plain process; and a
teacher behind an endpoint that answers with lists."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.run import Run, until
from tests.acceptance.teacher import served
from tests.acceptance.tenant import Tenant, good, tenant
from tests.distill import topics

TEXTS, NAMES = topics.topics(400, 5)
SPLITS = {"train": (0, 300), "test": (300, 400)}
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from load import load
names, probabilities = load(sys.argv[1]).predict(json.load(sys.stdin))
print(json.dumps([names, probabilities.tolist()]))
"""


@pytest.fixture
def owner(stack: Stack) -> Iterator[Tenant]:
    made = tenant(stack, "topics", ("read", "write", "admin"))
    with made.client:
        yield made


def job(rows: str, **more: Any) -> Any:
    return {
        "name": "topics",
        "data": {"train": rows},
        "student": {"type": "text_classifier", "width": 16, "buckets": 1024, "word_ngrams": 1, "byte_ngrams": []},
        "objective": [{"type": "labels"}],
        "training": {"steps": 150, "batch_size": 32, "learning_rate": 0.05},
    } | more


def test_a_student_of_several_topics_is_taught_and_answers_alone(stack: Stack, owner: Tenant, tmp_path: Path) -> None:
    with Stillhouse(stack.url, owner.key) as client, served(lists=True) as asked:
        made = client.datasets.from_texts(TEXTS, [*NAMES[:-1], None], splits=SPLITS)
        rows = client.datasets.wait(made["id"])
        assert rows["facts"] is not None
        assert rows["facts"]["columns"]["label"]["kind"] == "classes"
        assert rows["facts"]["splits"]["test"]["labelled"] == 99
        body = {"name": "topics", "url": asked.url, "price": {"input": 1.0, "output": 2.0}, "allow_private": True}
        good(owner.client.post("/v1/endpoints", json=body))
        teacher = client.distillations.create(job(rows["id"]))
        responses = {"type": "teacher", "sampling": {"max_tokens": 32}}
        listing = job(
            rows["id"], data={"train": rows["id"], "responses": responses}, teacher={"models": ["ep_topics/words"]}
        )
        answering = Run.start(owner, listing | {"evaluation": {"baselines": []}})
        until(lambda: answering.moves("answer")[-1:] == ["succeeded"])
        good(owner.client.post(f"/v1/distillations/{answering.id}/cancel"))
        told = [
            event["message"] for event in answering.events() if event["type"] == "message" and event["step"] == "answer"
        ]
        assert {"heldout: 99 rows asked, 99 answered.", "train: 300 rows asked, 300 answered."} <= set(told)
        spec = job(rows["id"], teacher={"models": [teacher.wait(progress=False).student]})
        spec |= {"objective": [{"type": "soft_targets", "temperature": 2.0}], "evaluation": {"baselines": []}}
        student = client.distillations.create(spec).wait(progress=False)
        report = student.report()
        level = {role["role"]: role["metrics"]["f1_micro"]["value"] for role in report["grade"]["roles"]}
        assert level["teacher.0"] > 0.9 and level["student"] > 0.9 and report["grade"]["rows"] == 99
        assert student.student is not None
        signature = client.models.get(student.student)["signature"]
        assert signature is not None and signature["output"]["kind"] == "multilabel"
        for name in ("load.py", "config.json", "model.safetensors"):
            (tmp_path / name).write_bytes(owner.client.get(f"/v1/models/{student.student}/files/{name}").content)
    shown = report["grade"]["side_by_side"]
    said = subprocess.run(
        [sys.executable, "-I", "-c", ASK, str(tmp_path)], input=json.dumps([row["text"] for row in shown]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    names, probabilities = json.loads(said.stdout)
    classes = report["grade"]["classes"]
    for row, named, own in zip(shown, names, probabilities, strict=True):
        assert own == pytest.approx(row["probabilities"]["student"], abs=2e-6)
        assert named == [one for one, p in zip(classes, row["probabilities"]["student"], strict=True) if p > 0.5]
    assert {tuple(row["truth"]) for row in shown} <= {tuple(sorted(own)) for own in NAMES}
