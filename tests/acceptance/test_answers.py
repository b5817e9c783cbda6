"""A teacher behind an endpoint, from the endpoint's making to the student's report: what is asked, kept and trained on."""

import io
import json
import random
from collections import Counter
from typing import Any

import numpy as np
import psycopg
import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from storage import open_storage
from tests.acceptance.asking import LABELS, ROWS, TEXTS, answered, dataset, ended, endpoint, job, report
from tests.acceptance.run import Run
from tests.acceptance.teacher import WORDS, Teacher, model, served
from tests.acceptance.tenant import Tenant, good, tenant


def test_from_an_endpoint_to_a_report(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    teacher.rate_cached, teacher.aside = 0.5, 0.125
    made = endpoint(asker, teacher, licence="llama2")
    assert made["state"] == "ready" and made["models"] == ["words"]
    probe = good(asker.client.get("/v1/usage"))
    assert probe["calls"] > 0 and not probe["data"], "it is of no job"
    rows = dataset(stack, asker)
    unread = good(asker.client.post("/v1/distillations/validate", json=job(rows, budget={"usd": 1.0})))
    assert [problem["code"] for problem in unread["problems"]] == ["terms_not_accepted"]
    read = job(rows, budget={"usd": 1.0}, teacher={"models": ["ep_words/words"], "accept_terms": True})
    said = good(asker.client.post("/v1/distillations/validate", json=read))
    assert said["valid"], said["problems"]
    run = Run.start(asker, read)
    run.succeeded()
    assert set(teacher.asked) == set(TEXTS[:ROWS]) and set(teacher.asked.values()) == {1}
    whole = report(run)
    the_bill(stack, asker, run, teacher, probe)
    uncached = teacher.bill + teacher.cached * (teacher.rate_in - teacher.rate_cached) / 1e6
    assert said["estimate"]["usd"]["low"] <= uncached <= said["estimate"]["usd"]["high"]
    # The teacher's accuracy is that of its own model, and nobody but the baseline saw gold.
    roles = {role["role"]: role for role in whole["grade"]["roles"]}
    gold = whole["answers"]["parts"]["heldout"]["gold"]
    lines = log(run)
    assert sorted(line["row"] for line in lines) == list(range(ROWS))
    assert {line["row"]: line["label"] for line in lines} == dict(enumerate(map(best, TEXTS[:ROWS])))
    for line in lines:
        shares = model(TEXTS[line["row"]])
        assert line["probabilities"] == pytest.approx(shares, abs=2e-6)
        assert next(iter(line["probabilities"])) == line["label"] and line["answers"] == [line["label"]]
        assert line["gold"] in (None, LABELS[line["row"]])
    heldout = [line["row"] for line in lines if line["side"] == "heldout"]
    assert gold["rows"] == len(heldout) == 48
    assert gold["accuracy"] == np.mean([best(TEXTS[row]) == LABELS[row] for row in heldout])
    assert roles["teacher.0"]["metrics"]["accuracy"]["value"] == pytest.approx(gold["accuracy"])
    assert roles["student"]["labels_seen"] == 0 and roles["no_teacher"]["labels_seen"] == round(0.2 * 192)
    assert whole["answers"]["parts"]["heldout"]["outside"] == pytest.approx(0.125, abs=1e-6)
    the_distributions(stack, run, whole, {row: model(TEXTS[row]) for row in range(ROWS)})
    assert whole["answers"]["read"] == "logprobs" and whole["answers"]["parts"]["train"]["kinds"] == {"answered": 192}
    assert roles["student"]["metrics"]["accuracy"]["value"] > roles["no_teacher"]["metrics"]["accuracy"]["value"]
    html = asker.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    assert "What the teacher answered" in html and "ep_words/words" in html
    under_which_terms(asker, run, whole)
    # Asked again for another student it costs nothing, under whichever licence; another way to ask is another question; ten new rows cost ten.
    teacher.forget()
    good(asker.client.patch("/v1/endpoints/ep_words", json={"licence": "apache-2.0"}))
    answered(Run.start(asker, job(rows, steps=61)))
    assert teacher.calls == 0
    answered(Run.start(asker, job(rows, steps=61, responses={"prompt": {"template": "{text}"}, "read": "text"})))
    assert teacher.calls == ROWS, "without log-probabilities it is another question"
    teacher.forget()
    answered(Run.start(asker, job(dataset(stack, asker, ROWS + 10))))
    assert sorted(teacher.asked) == sorted(TEXTS[ROWS:]) and teacher.calls == 10


def best(text: str) -> str:
    """The model's own label."""
    return max(model(text), key=lambda name: model(text)[name])


def output(stack: Stack, run: Run, name: str) -> bytes:
    """A file of the step that has asked."""
    with psycopg.connect(stack.environment["STILLHOUSE_DATABASE_URL"].replace("+psycopg", "")) as connection:
        query = "SELECT outputs->%s->>'digest' FROM steps WHERE job = %s AND name = 'answer'"
        found = connection.execute(query, [name, run.id]).fetchone()
    assert found is not None
    return b"".join(open_storage(stack.environment["STILLHOUSE_STORAGE"]).read(found[0]))


def log(run: Run, **only: str) -> list[dict[str, Any]]:
    """A line for each row that was asked about, as the job's owner has it."""
    reply = run.owner.client.get(f"/v1/distillations/{run.id}/answers", params=only)
    assert reply.is_success, reply.text
    return [json.loads(line) for line in reply.content.split(b"\n") if line]


def the_distributions(stack: Stack, run: Run, whole: dict[str, Any], shares: dict[int, dict[str, float]]) -> None:
    """What is learned from, and what the report says that it is worth: by the shares of the answered rows, and a weight that is looked for by trying."""
    rows, logs = (
        np.load(io.BytesIO(output(stack, run, name))) for name in ("train/rows.npy", "teacher.0/train/00000.npy")
    )
    assert rows.tolist() == sorted(shares)
    expected = np.array([[shares[row][name] for name in WORDS] for row in rows.tolist()])
    np.testing.assert_allclose(np.exp(logs), expected, atol=1e-5)
    heldout = [line["row"] for line in log(run) if line["side"] == "heldout" and line["row"] in shares]
    p = np.array([shares[row][LABELS[row]] for row in heldout])
    gold, tried = whole["answers"]["parts"]["heldout"]["gold"], np.geomspace(1e-8, 1, 5000)[:, None]
    assert gold["nll"] == pytest.approx((-np.log((1 - tried) * p + tried / 3)).mean(axis=1).min(), abs=1e-5)
    right = gold["accuracy"]
    assert 0 < right < 1
    assert gold["nll_hard"] == pytest.approx(-right * np.log(right) - (1 - right) * np.log((1 - right) / 2), abs=1e-6)


def the_bill(stack: Stack, owner: Tenant, run: Run, teacher: Teacher, probe: dict[str, Any]) -> None:
    """By the endpoint's own count, in the job, in the report, and in the usage: sums and rows, whatever they are of. `probe`: usage before the job."""
    found, whole = run.get(), report(run)
    counted = {
        "calls": teacher.calls, "input_tokens": teacher.tokens_in, "output_tokens": teacher.tokens_out,
        "cached_tokens": teacher.cached,
    }  # fmt: skip
    assert counted["calls"] == ROWS and 0 < teacher.cached < teacher.tokens_in
    assert {name: whole["bill"][name] for name in counted} == counted
    for figures in (found["usage"], whole["bill"]):
        assert figures["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    held = sum(step["seconds"] for step in found["steps"] if step["queue"] != "io")
    assert found["usage"]["device_seconds"] == pytest.approx(held, abs=0.002)
    for group in ("job", "step", "endpoint", "day"):
        used = good(owner.client.get(f"/v1/usage?group_by={group}"))
        assert {name: used[name] - probe[name] for name in counted} == counted
        assert used["usd"] - probe["usd"] == pytest.approx(teacher.bill, abs=1e-9)
        whose = dict.fromkeys((*counted, "usd"), 0) if group in ("job", "step") else probe
        for name, total in counted.items():
            assert sum(row[name] for row in used["data"]) == total + whose[name]
        assert sum(row["usd"] for row in used["data"]) == pytest.approx(teacher.bill + whose["usd"], abs=1e-9)
    with Stillhouse(stack.url, owner.key) as client:
        rows = {row["name"]: row for row in client.usage.rows(group_by="step") if row["job"] == found["id"]}
    assert rows["answer"]["calls"] == ROWS and rows["answer"]["device_seconds"] == 0, "waiting uses no device"
    assert all(rows[step["name"]]["device_seconds"] > 0 for step in found["steps"] if step["queue"] != "io")


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


def test_what_is_no_answer_is_counted_and_not_learned(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    rows = dataset(stack, asker)
    teacher.faults.update(
        {"500": 3, "429": 5, "refusal": 4, "empty": 3, "truncated": 2, "garbage": 5, "400": 2, "unusable": 2}
    )
    run = Run.start(asker, job(rows, responses={"read": "text"}, objective=[{"type": "labels"}]))
    found = ended(run)
    whole = report(run)
    kinds: dict[str, int] = {}
    for part in whole["answers"]["parts"].values():
        for kind, count in part["kinds"].items():
            kinds[kind] = kinds.get(kind, 0) + count
    told = {"refused": 4, "empty": 3, "truncated": 2, "unparseable": 5, "failed": 2}
    assert kinds == told | {"answered": ROWS - sum(told.values())}
    for side, part in whole["answers"]["parts"].items():
        assert Counter(row["kind"] for row in log(run, side=side)) == part["kinds"]
    cut = log(run, kind="truncated")
    assert len(cut) == 2 and all(row["finish_reason"] == "length" and row["label"] is None for row in cut)
    for row in log(run):
        if row["kind"] not in ("failed", "refused"):
            assert row["answers"] == teacher.said[TEXTS[row["row"]]]
    assert all(row["failed"] and "HTTP 400" in row["message"] for row in log(run, kind="failed"))
    html = run.owner.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    named = " ".join(f"--kind {kind}" for kind in ("refused", "empty", "truncated", "unparseable", "failed"))
    assert f"stillhouse distillations answers {run.id} {named}" in html
    assert {row["kind"] for row in whole["answers"]["unanswered"]} <= set(told)
    train = whole["answers"]["parts"]["train"]["kinds"]["answered"]
    assert whole["grade"]["train_rows"] == train and any("did not answer" in warning for warning in whole["warnings"])
    # Two replies had no usage: their calls are booked at what was set aside, which is more than they were billed.
    assert teacher.bill < found["usage"]["usd"] < 2 * teacher.bill


@pytest.mark.proof
def test_copies_of_texts_are_asked_about(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    made = job(dataset(stack, asker, 50), steps=20, budget={"usd": 1.0})
    made["data"]["augment"] = {"type": "words", "copies": 2}
    said = good(asker.client.post("/v1/distillations/validate", json=made))
    assert said["valid"], said["problems"]
    run = Run.start(asker, made)
    run.succeeded()
    whole = report(run)
    new = set(teacher.asked) - set(TEXTS[:50])
    assert whole["copies"]["kept"] == len(new) > 70 and set(teacher.asked.values()) == {1}
    parts = whole["answers"]["parts"]
    assert (parts["heldout"]["asked"], parts["train"]["asked"]) == (10, 40 + len(new))
    assert parts["train"]["gold"]["rows"] == round(0.2 * 40), "copies have no gold"
    assert said["estimate"]["usd"]["low"] <= teacher.bill <= said["estimate"]["usd"]["high"]


def test_votes_of_an_endpoint_without_logprobs(stack: Stack, asker: Tenant) -> None:
    with served(logprobs=False, several=False, aside=0.25) as teacher:
        endpoint(asker, teacher)
        sampling = {"temperature": 1.0, "max_tokens": 4, "n": 3, "seed": 5}
        run = Run.start(asker, job(dataset(stack, asker, 120), sampling=sampling))
        found = ended(run)
        whole = report(run)
        assert whole["answers"]["read"] == "votes" and set(teacher.asked.values()) == {3}
        votes = {row: drawn(TEXTS[row], range(5, 8)) for row in range(120)}
        shares = {row: counted(said) for row, said in votes.items() if set(said) - {"water"}}
        assert max(shares[row][name] for row in shares for name in WORDS) == 1 and 110 < len(shares) < 120
        the_distributions(stack, run, whole, shares)
        for side, part in whole["answers"]["parts"].items():
            mine = [votes[line["row"]] for line in log(run) if line["side"] == side and line["row"] in shares]
            assert part["outside"] == pytest.approx(np.mean([said["water"] / 3 for said in mine]))
        assert found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)


def drawn(text: str, seeds: range) -> Counter[str]:
    """What the model says to a question that is put once for each seed."""
    shares = model(text, 0.25)
    return Counter(random.Random(f"{text} {seed}").choices(list(shares), list(shares.values()))[0] for seed in seeds)


def counted(said: Counter[str]) -> dict[str, float]:
    """Shares of the answers that are names."""
    return {name: said[name] / sum(said[each] for each in WORDS) for name in WORDS}


def test_another_project_has_neither_endpoint_nor_answers(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    answered(Run.start(asker, job(dataset(stack, asker, 120))))
    stranger = tenant(stack, "stranger", ("read", "write", "admin"))
    with stranger.client:
        rows = dataset(stack, stranger, 120)
        said = good(stranger.client.post("/v1/distillations/validate", json=job(rows)))
        assert [problem["code"] for problem in said["problems"]] == ["not_found"]
        endpoint(stranger, teacher)
        answered(Run.start(stranger, job(rows)))
        assert teacher.calls == 120, "answers of one project are not another's"
