"""Prompts without labels as one dataset and gold rows as another: from the two files to the report, over the wire."""

import json
from html import escape
from typing import Any

import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.asking import LABELS, TEXTS, endpoint, job, report
from tests.acceptance.run import Run
from tests.acceptance.teacher import Teacher
from tests.acceptance.tenant import Tenant, good
from tests.acceptance.test_answers import best

PROMPTS, GOLD = slice(0, 130), slice(130, 190)
INPUT = "Review Text"
KEEP = [{"type": "regex", "pattern": "animals|plants"}]


def datasets(stack: Stack, owner: Tenant) -> tuple[str, str]:
    """Prompts have a group that gold rows have not, and these a column more beside the label."""
    prompts = [{INPUT: text, "group": f"g{i // 3}"} for i, text in enumerate(TEXTS[PROMPTS])]
    gold = [{INPUT: text, "intent": label, "note": "n"} for text, label in zip(TEXTS[GOLD], LABELS[GOLD], strict=True)]
    with Stillhouse(stack.url, owner.key) as client:

        def made(name: str, rows: list[dict[str, str]], label: str = "auto") -> str:
            lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
            file = client.files.upload(lines, filename=f"{name}.jsonl")
            found = client.datasets.create(files=[file["id"]], name=name, columns={"input": INPUT, "label": label})
            return client.datasets.wait(found["id"])["id"]

        return made("prompts", prompts), made("gold", gold, label="intent")


def apart(prompts: str, gold: str, **more: Any) -> dict[str, Any]:
    spec = job(prompts, **more)
    return spec | {"data": spec["data"] | {"heldout": gold, "labelled": 1.0}}


@pytest.mark.timeout(300)
def test_prompts_are_taught_and_gold_rows_grade(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    prompts, gold = datasets(stack, asker)
    spec = apart(prompts, gold, responses={"keep": KEEP, "prompt": {"examples": "auto"}}, budget={"usd": 1.0})
    said = good(asker.client.post("/v1/distillations/validate", json=spec))
    assert said["valid"], said["problems"]
    asked = said["resolved"]["data"]["responses"]["prompt"]
    assert (asked["template"], asked["examples"]) == (f"{{{INPUT}}}", 0)
    run = Run.start(asker, spec)
    run.succeeded()
    assert set(teacher.asked) == {*TEXTS[PROMPTS], *TEXTS[GOLD]} and set(teacher.asked.values()) == {1}
    whole = report(run)
    right = [best(text) == label for text, label in zip(TEXTS[GOLD], LABELS[GOLD], strict=True)]
    parts = whole["answers"]["parts"]
    assert parts["heldout"]["gold"]["rows"] == parts["heldout"]["gold"]["noise"]["rows"] == 60
    assert parts["heldout"]["gold"]["accuracy"] == pytest.approx(sum(right) / 60)
    assert parts["train"]["gold"] is None and whole["answers"]["kept"]["noise"] is None
    roles = {role["role"]: role for role in whole["grade"]["roles"]}
    assert whole["grade"]["rows"] == 60 and whole["grade"]["groups"] is None
    assert roles.keys() == {"teacher.0", "student"} and roles["student"]["labels_seen"] == 0
    assert roles["student"]["metrics"]["accuracy"]["value"] > 0.4
    why = 'No training row of {}/train has a label that may be seen (column "intent" is not there).'
    assert whole["baseline_reasons"] == {"no_teacher": why.format(prompts)}
    html = asker.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    assert escape(why.format(prompts)) in html
