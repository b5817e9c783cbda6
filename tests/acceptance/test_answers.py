"""A teacher behind an endpoint, from the endpoint's making to the student's report: what is asked, kept, trained on, and paid."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.children import kill_child
from tests.acceptance.run import ENDED, Run, until
from tests.acceptance.teacher import KEY, Teacher, model, sentences, served
from tests.acceptance.tenant import Tenant, good, tenant
from tests.distill.synthesis import slow_rouge_l

PRICE = {"input": 1.0, "output": 2.0}
ROWS = 240
TEXTS, LABELS = sentences(ROWS + 10, 1)


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    with served() as running:
        yield running


@pytest.fixture
def owner(stack: Stack) -> Iterator[Tenant]:
    made = tenant(stack, "answers", ("read", "write", "admin"))
    with made.client:
        yield made


def endpoint(owner: Tenant, teacher: Teacher, **more: Any) -> dict[str, Any]:
    body = {"name": "words", "url": teacher.url, "key": KEY, "price": PRICE, "allow_private": True, **more}
    made = good(owner.client.post("/v1/endpoints", json=body))
    teacher.forget()
    return made


def dataset(stack: Stack, owner: Tenant, rows: int = ROWS) -> str:
    with Stillhouse(stack.url, owner.key) as client:
        made = client.datasets.from_texts(TEXTS[:rows], LABELS[:rows], name="sentences")
        return client.datasets.wait(made["id"])["id"]


def job(rows: str, *, steps: int = 60, sampling: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    asked = {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 4} if sampling is None else sampling}
    return {
        "name": "answers",
        "teacher": {"models": ["ep_words/words"]},
        "data": {"train": rows, "heldout": 0.2, "labelled": 0.2, "responses": asked | more.pop("responses", {})},
        "student": {"type": "text_classifier", "width": 16, "buckets": 2000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": steps, "batch_size": 32, "learning_rate": 0.02},
        **more,
    }


def report(run: Run) -> dict[str, Any]:
    return good(run.owner.client.get(f"/v1/distillations/{run.id}/report"))


def ended(run: Run, state: str = "succeeded") -> dict[str, Any]:
    until(lambda: run.get()["state"] in ENDED)
    found = run.get()
    assert found["state"] == state, found["error"]
    return found


def answered(run: Run) -> None:
    """Until all is answered: what follows is not this test's business, and is cancelled."""
    until(lambda: run.moves("answer")[-1:] == ["succeeded"])
    good(run.owner.client.post(f"/v1/distillations/{run.id}/cancel"))


def test_from_an_endpoint_to_a_report(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    made = endpoint(owner, teacher, licence="llama2")
    assert made["state"] == "ready" and made["models"] == ["words"]
    rows = dataset(stack, owner)
    unread = good(owner.client.post("/v1/distillations/validate", json=job(rows, budget={"usd": 1.0})))
    assert [problem["code"] for problem in unread["problems"]] == ["terms_not_accepted"]
    read = job(rows, budget={"usd": 1.0}, teacher={"models": ["ep_words/words"], "accept_terms": True})
    said = good(owner.client.post("/v1/distillations/validate", json=read))
    assert said["valid"], said["problems"]
    run = Run.start(owner, read)
    run.succeeded()
    assert set(teacher.asked) == set(TEXTS[:ROWS]) and set(teacher.asked.values()) == {1}
    found, whole = run.get(), report(run)
    # The bill, by the endpoint's own count, in the job, in the usage, and in the report.
    assert found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    assert whole["bill"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    assert (whole["bill"]["calls"], whole["bill"]["input_tokens"]) == (ROWS, teacher.tokens_in)
    assert said["estimate"]["usd"]["low"] <= teacher.bill <= said["estimate"]["usd"]["high"]
    for group in ("job", "step", "endpoint", "day"):
        used = good(owner.client.get(f"/v1/usage?group_by={group}"))
        assert used["usd"] == pytest.approx(teacher.bill, abs=1e-9) and used["calls"] == ROWS
        assert sum(row["calls"] for row in used["data"]) == ROWS
    # The teacher's accuracy is that of its own model, and nobody but the baseline saw gold.
    roles = {role["role"]: role for role in whole["grade"]["roles"]}
    gold = whole["answers"]["parts"]["heldout"]["gold"]
    right = {
        text: max(model(text), key=lambda name: model(text)[name]) == label
        for text, label in zip(TEXTS, LABELS, strict=True)
    }
    assert roles["teacher.0"]["metrics"]["accuracy"]["value"] == pytest.approx(gold["accuracy"])
    assert gold["accuracy"] == pytest.approx(np.mean([right[text] for text in TEXTS[:ROWS]]), abs=0.1)
    assert roles["student"]["labels_seen"] == 0 and roles["no_teacher"]["labels_seen"] == round(0.2 * 192)
    assert whole["answers"]["read"] == "logprobs" and whole["answers"]["parts"]["train"]["kinds"] == {"answered": 192}
    assert roles["student"]["metrics"]["accuracy"]["value"] > roles["no_teacher"]["metrics"]["accuracy"]["value"]
    html = owner.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    assert "What the teacher answered" in html and "ep_words/words" in html
    under_which_terms(owner, run, whole)
    # Asked again for another student it costs nothing, under whichever licence; another way to ask is another question; ten new rows cost ten.
    teacher.forget()
    good(owner.client.patch("/v1/endpoints/ep_words", json={"licence": "apache-2.0"}))
    answered(Run.start(owner, job(rows, steps=61)))
    assert teacher.calls == 0
    answered(Run.start(owner, job(rows, steps=61, responses={"prompt": {"template": "{text}"}, "read": "text"})))
    assert teacher.calls == ROWS, "without log-probabilities it is another question"
    teacher.forget()
    answered(Run.start(owner, job(dataset(stack, owner, ROWS + 10))))
    assert sorted(teacher.asked) == sorted(TEXTS[ROWS:]) and teacher.calls == 10


def under_which_terms(owner: Tenant, run: Run, whole: dict[str, Any]) -> None:
    """Report, card and student say what was stated of the teacher; and whoever the student teaches is asked, too."""
    ((licence, terms),) = [(one["licence"], one["terms"]) for one in whole["teachers"]]
    assert licence == "llama2" and [one["party"] for one in terms] == ["Meta"]
    student = run.get()["student"]["model"]
    card = owner.client.get(f"/v1/models/{student}/files/README.md").text
    assert "licence: llama2" in card
    assert "teacher.accept_terms" in card and "Licence: not stated" in card
    found = good(owner.client.get(f"/v1/models/{student}"))
    assert found["licence"] is None and found["terms"] == terms
    taught = job("ds_none") | {"teacher": {"models": [student]}}
    taught["data"] = whole["spec"]["data"] | {"responses": {"type": "given"}}
    refused = good(owner.client.post("/v1/distillations/validate", json=taught))
    assert [problem["code"] for problem in refused["problems"]] == ["terms_not_accepted"], refused


def test_what_is_no_answer_is_counted_and_not_learned(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher)
    rows = dataset(stack, owner)
    teacher.faults.update(
        {"500": 3, "429": 5, "refusal": 4, "empty": 3, "truncated": 2, "garbage": 5, "400": 2, "unusable": 2}
    )
    run = Run.start(owner, job(rows, responses={"read": "text"}, objective=[{"type": "labels"}]))
    found = ended(run)
    whole = report(run)
    kinds: dict[str, int] = {}
    for part in whole["answers"]["parts"].values():
        for kind, count in part["kinds"].items():
            kinds[kind] = kinds.get(kind, 0) + count
    told = {"refused": 4, "empty": 3, "truncated": 2, "unparseable": 5, "failed": 2}
    assert kinds == told | {"answered": ROWS - sum(told.values())}
    assert {row["kind"] for row in whole["answers"]["unanswered"]} <= set(told)
    train = whole["answers"]["parts"]["train"]["kinds"]["answered"]
    assert whole["grade"]["train_rows"] == train and any("did not answer" in warning for warning in whole["warnings"])
    # Two replies had no usage: their calls are booked at what was set aside, which is more than they were billed.
    assert teacher.bill < found["usage"]["usd"] < 2 * teacher.bill


@pytest.mark.proof
def test_copies_of_texts_are_asked_about(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher)
    made = job(dataset(stack, owner, 50), steps=20, budget={"usd": 1.0})
    made["data"]["augment"] = {"type": "words", "copies": 2}
    said = good(owner.client.post("/v1/distillations/validate", json=made))
    assert said["valid"], said["problems"]
    run = Run.start(owner, made)
    run.succeeded()
    whole = report(run)
    new = set(teacher.asked) - set(TEXTS[:50])
    assert whole["copies"]["kept"] == len(new) > 70 and set(teacher.asked.values()) == {1}
    parts = whole["answers"]["parts"]
    assert (parts["heldout"]["asked"], parts["train"]["asked"]) == (10, 40 + len(new))
    assert parts["train"]["gold"]["rows"] == round(0.2 * 40), "copies have no gold"
    assert said["estimate"]["usd"]["low"] <= teacher.bill <= said["estimate"]["usd"]["high"]


def written(rows: str, **more: Any) -> dict[str, Any]:
    """A job with thirty new texts."""
    made = job(rows, steps=20, budget={"usd": 1.0})
    made["data"]["synthesise"] = {"rows": 30, "sampling": {"max_tokens": 300}, **more}
    return made


def test_new_texts_are_written_and_answered(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher)
    rows = dataset(stack, owner, 80)
    said = good(owner.client.post("/v1/distillations/validate", json=written(rows)))
    assert said["valid"], said["problems"]
    run = Run.start(owner, written(rows))
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
    assert "Synthetic: 30 rows were written by the teacher" in owner.client.get(f"{files}/README.md").text
    html = owner.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    assert "New training texts" in html and "have the teacher write texts" in html
    # The same again costs nothing.
    teacher.forget()
    again = Run.start(owner, written(rows))
    until(lambda: again.moves("grade")[-1:] == ["succeeded"])
    assert (teacher.calls, again.get()["usage"]["usd"]) == (0, 0)
    good(owner.client.post(f"/v1/distillations/{again.id}/cancel"))
    # Another seed asks for others; a worker that is killed asks for none of them twice.
    teacher.latency = 0.2
    killed = Run.start(owner, written(rows, seed=1))
    until(lambda: len(teacher.wrote) > 4)
    for name in ("one", "two"):
        stack[name].kill()
        stack[name].start()
    until(lambda: killed.moves("synthesise")[-1:] == ["succeeded"])
    good(owner.client.post(f"/v1/distillations/{killed.id}/cancel"))
    calls = Counter(one.shown for one in teacher.wrote)
    assert calls.total() - len(calls) <= 4, "what was in flight"


def test_votes_of_an_endpoint_without_logprobs(stack: Stack, owner: Tenant) -> None:
    with served(logprobs=False, several=False) as teacher:
        endpoint(owner, teacher)
        sampling = {"temperature": 1.0, "max_tokens": 4, "n": 3, "seed": 5}
        run = Run.start(owner, job(dataset(stack, owner, 120), sampling=sampling))
        found = ended(run)
        whole = report(run)
        assert whole["answers"]["read"] == "votes" and set(teacher.asked.values()) == {3}
        assert found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)


@pytest.mark.parametrize(("fault", "code"), [("500", "endpoint_failing"), ("401", "endpoint_refuses")])
def test_an_endpoint_that_fails_pauses_the_job(
    stack: Stack, owner: Tenant, teacher: Teacher, fault: str, code: str
) -> None:
    endpoint(owner, teacher)
    rows = dataset(stack, owner, 120)
    teacher.faults[fault] = 10_000
    run = Run.start(owner, job(rows))
    until(lambda: run.get()["state"] == "paused")
    waiting = run.get()["waiting"]
    assert waiting["code"] == "paused" and "resume" in waiting["reason"]
    assert 10_000 - teacher.faults[fault] < 120, "it was given up before every row had been tried"
    assert run.get()["usage"]["usd"] == 0
    assert code in str([event["data"].get("error") for event in run.events()])
    teacher.faults.clear()
    good(owner.client.post(f"/v1/distillations/{run.id}/resume"))
    answered(run)


def test_a_killed_worker_pays_for_nothing_twice(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher, limits={"concurrency": 8})
    rows = dataset(stack, owner)
    teacher.latency = 0.15
    run = Run.start(owner, job(rows))
    until(lambda: teacher.calls > 40)
    kill_child(Path(stack.environment["STILLHOUSE_SCRATCH"]), run.id, "answer")
    until(lambda: run.moves("answer").count("running") == 2 and teacher.calls > 80)
    assert any(event["step"] == "answer" and "killed from outside" in event["message"] for event in run.events())
    for name in ("one", "two"):
        stack[name].kill()
        stack[name].start()
    answered(run)
    again = sum(teacher.asked.values()) - ROWS
    assert len(teacher.asked) == ROWS and again <= 24, f"{again} calls were made twice"
    # What was in flight is booked at what was set aside for it: never less than the endpoint's bill.
    assert run.get()["usage"]["usd"] >= teacher.bill - 1e-9


def test_a_cap_is_held_and_still_delivers(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher, limits={"concurrency": 64})
    rows = dataset(stack, owner)
    priced = good(owner.client.post("/v1/distillations/validate", json=job(rows)))["estimate"]["usd"]
    low = good(owner.client.post("/v1/distillations/validate", json=job(rows, budget={"usd": priced["minimum"] * 0.9})))
    assert not low["valid"] and low["problems"][0]["code"] == "cap_too_small"
    cap = priced["minimum"] * 1.02
    run = Run.start(owner, job(rows, budget={"usd": cap}))
    found = ended(run)
    whole = report(run)
    assert teacher.bill <= cap and found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    asked = sum(part["asked"] for part in whole["answers"]["parts"].values())
    assert asked == ROWS or (teacher.bill > 0.9 * cap and any("cap was reached" in w for w in whole["warnings"]))
    assert whole["answers"]["parts"]["heldout"]["asked"] == 48 and run.weights()


def test_a_month_cap_pauses_and_a_cancelled_job_stops_paying(stack: Stack, teacher: Teacher) -> None:
    owner = tenant(stack, "monthly", ("read", "write", "admin"), usd_per_month=0.001)
    with owner.client as client:
        endpoint(owner, teacher)
        run = Run.start(owner, job(dataset(stack, owner)))
        until(lambda: run.get()["state"] == "paused")
        assert "month" in run.get()["waiting"]["reason"] and 0 < teacher.bill <= 0.001
        more = good(client.patch(f"/v1/projects/{owner.project}", json={"usd_per_month": 0.0015}))
        assert more["usd_per_month"] == 0.0015 and more["name"] == "monthly"
        good(client.post(f"/v1/distillations/{run.id}/resume"))
        until(lambda: teacher.bill > 0.001 and run.get()["state"] == "paused")
        assert teacher.bill <= 0.0015, "what was spent counts"
        good(client.post(f"/v1/distillations/{run.id}/cancel"))
        ended(run, "cancelled")
        assert run.get()["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)


def test_a_preview_waits_for_its_owner(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher)
    rows = dataset(stack, owner, 120)
    spec = job(rows, budget={"preview": 20})
    spec["data"]["responses"]["keep"] = [{"type": "regex", "pattern": "animals|stones"}]
    run = Run.start(owner, spec)
    until(lambda: run.get()["state"] == "paused")
    found = run.get()
    assert teacher.calls == 20 and "preview" in found["waiting"]["reason"]
    assert found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    shown = [event["message"] for event in run.events() if event["type"] == "message" and " -> " in event["message"]]
    said = [line.rpartition(" -> ")[2] for line in shown]
    assert len(said) == 20 and all(any(name in one for name in ("animals", "plants", "stones")) for one in said)
    learned = [one for one, line in zip(said, shown, strict=True) if line.startswith("train ")]
    dropped = [one for one in learned if "dropped by regex" in one]
    assert dropped and dropped == [one for one in learned if one.startswith("plants")]
    counted = f"Filters would keep {len(learned) - len(dropped)} of {len(learned)} answered training rows."
    assert counted in [event["message"] for event in run.events() if event["type"] == "message"]
    good(owner.client.post(f"/v1/distillations/{run.id}/resume"))
    ended(run)
    assert set(teacher.asked.values()) == {1} and teacher.calls == 120, "what the preview asked is not paid for again"


def test_another_project_has_neither_endpoint_nor_answers(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    endpoint(owner, teacher)
    answered(Run.start(owner, job(dataset(stack, owner, 120))))
    stranger = tenant(stack, "stranger", ("read", "write", "admin"))
    with stranger.client:
        rows = dataset(stack, stranger, 120)
        said = good(stranger.client.post("/v1/distillations/validate", json=job(rows)))
        assert [problem["code"] for problem in said["problems"]] == ["not_found"]
        endpoint(stranger, teacher)
        answered(Run.start(stranger, job(rows)))
        assert teacher.calls == 120, "answers of one project are not another's"
