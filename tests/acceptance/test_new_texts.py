"""A teacher that writes new training texts before it answers."""

import json
from collections import Counter
from typing import Any

import pytest

from standalone.stack import Stack
from tests.acceptance.asking import TEXTS, dataset, endpoint, job, report
from tests.acceptance.run import Run, until
from tests.acceptance.teacher import Teacher
from tests.acceptance.tenant import Tenant, good
from tests.distill.synthesis import slow_rouge_l


def written(rows: str, **more: Any) -> dict[str, Any]:
    """A job with thirty new texts."""
    made = job(rows, steps=20, budget={"usd": 1.0})
    made["data"]["synthesise"] = {"rows": 30, "sampling": {"max_tokens": 300}, **more}
    return made


def log(run: Run) -> list[dict[str, Any]]:
    """Every text that came, as the job's owner has it."""
    reply = run.owner.client.get(f"/v1/distillations/{run.id}/texts")
    assert reply.is_success, reply.text
    return [json.loads(line) for line in reply.content.split(b"\n") if line]


def test_new_texts_are_written_and_answered(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    rows = dataset(stack, asker, 80)
    said = good(asker.client.post("/v1/distillations/validate", json=written(rows)))
    assert said["valid"], said["problems"]
    run = Run.start(asker, written(rows))
    run.succeeded()
    found, whole = run.get(), report(run)
    told = whole["synthesis"]
    # What came, by the teacher's own log.
    came = Counter(text for one in teacher.wrote for text in one.texts)
    assert (told["calls"], told["failed"]) == (len(teacher.wrote), 0)
    assert (told["said"], told["unparseable"]) == (came.total(), sum(one.odd for one in teacher.wrote))
    # All old rows and thirty new ones were asked about, once each, and no two of them are near.
    new = set(teacher.asked) - set(TEXTS[:80])
    assert told["kept"] == len(new) == 30 and new <= set(came) and set(TEXTS[:80]) < set(teacher.asked)
    assert set(teacher.asked.values()) == {1}
    for text in new:
        assert all(slow_rouge_l(text, other) < 0.7 for other in {*TEXTS[:80], *new} - {text}), text
    wrote = log(run)
    assert Counter(line["text"] for line in wrote) == came
    assert {line["text"] for line in wrote if line["fate"] == "kept"} == new
    fates = Counter(line["fate"] for line in wrote)
    assert {side: fates[side] for side in told["near"]} == told["near"] and fates["spare"] == told["spare"]
    far = [text for text in came if all(slow_rouge_l(text, other) < 0.7 for other in (*TEXTS[:80], *new))]
    assert len(far) <= told["spare"] and sum(told["near"].values()) == told["said"] - 30 - told["spare"] > 0
    assert all(set(one.shown) <= {*TEXTS[:80], *new} and len(one.shown) == 8 for one in teacher.wrote)
    # The bill, and what was expected.
    assert found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    assert whole["bill"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    assert whole["bill"]["calls"] == len(teacher.wrote) + 110
    assert said["estimate"]["usd"]["low"] <= teacher.bill <= said["estimate"]["usd"]["high"]
    # Sides: new rows are training rows without gold.
    parts = whole["answers"]["parts"]
    assert (parts["heldout"]["asked"], parts["train"]["asked"]) == (16, 64 + 30)
    assert parts["train"]["gold"]["rows"] == round(0.2 * 64) and whole["grade"]["rows"] == 16
    roles = {role["role"]: role for role in whole["grade"]["roles"]}
    assert roles["no_teacher"]["labels_seen"] == round(0.2 * 64)
    files = f"/v1/models/{found['student']['model']}/files"
    assert "Synthetic: 30 rows were written by the teacher" in asker.client.get(f"{files}/README.md").text
    html = asker.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    assert "New training texts" in html and "have the teacher write texts" in html
    # The same again costs nothing.
    teacher.forget()
    again = Run.start(asker, written(rows))
    until(lambda: again.moves("grade")[-1:] == ["succeeded"])
    assert (teacher.calls, again.get()["usage"]["usd"]) == (0, 0)
    good(asker.client.post(f"/v1/distillations/{again.id}/cancel"))
    # Another seed asks for others; a worker that is killed asks for none of them twice.
    teacher.latency = 0.2
    killed = Run.start(asker, written(rows, seed=1))
    until(lambda: len(teacher.wrote) > 4)
    for name in ("one", "two"):
        stack[name].kill()
        stack[name].start()
    until(lambda: killed.moves("synthesise")[-1:] == ["succeeded"])
    good(asker.client.post(f"/v1/distillations/{killed.id}/cancel"))
    calls = Counter(one.shown for one in teacher.wrote)
    assert calls.total() - len(calls) <= 4, "what was in flight"
