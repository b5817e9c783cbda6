"""What a job pays for its teacher's answers: where the endpoint fails, where a worker dies, and where a cap ends it."""

from pathlib import Path

import pytest

from spec.call import bound
from spec.facts import Price
from standalone.stack import Stack
from tests.acceptance.asking import PRICE, ROWS, answered, dataset, ended, endpoint, job, report
from tests.acceptance.children import kill_child
from tests.acceptance.run import Run, until
from tests.acceptance.teacher import Teacher
from tests.acceptance.tenant import Tenant, good, tenant


@pytest.mark.parametrize(("fault", "code"), [("500", "endpoint_failing"), ("401", "endpoint_refuses")])
def test_an_endpoint_that_fails_pauses_the_job(
    stack: Stack, asker: Tenant, teacher: Teacher, fault: str, code: str
) -> None:
    endpoint(asker, teacher)
    rows = dataset(stack, asker, 120)
    teacher.faults[fault] = 10_000
    run = Run.start(asker, job(rows))
    until(lambda: run.get()["state"] == "paused")
    waiting = run.get()["waiting"]
    assert waiting["code"] == "paused" and "resume" in waiting["reason"]
    assert 10_000 - teacher.faults[fault] < 120, "it was given up before every row had been tried"
    assert run.get()["usage"]["usd"] == 0
    assert code in str([event["data"].get("error") for event in run.events()])
    teacher.faults.clear()
    good(asker.client.post(f"/v1/distillations/{run.id}/resume"))
    answered(run)


def test_a_killed_worker_pays_for_nothing_twice(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher, limits={"concurrency": 8})
    rows = dataset(stack, asker)
    teacher.latency = 0.15
    run = Run.start(asker, job(rows))
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
    # What was set aside is booked as paid: never less than the endpoint's bill, and a lot beyond it for the one worker that died with it.
    highest = max(
        bound(Price(version=1, **PRICE), [len(m["content"].encode()) for m in heard], 4, 1)
        for _, heard in teacher.heard
    )
    assert 0 <= run.get()["usage"]["usd"] - teacher.bill + 1e-9 <= 64 * highest / 1e6


def test_a_cap_is_held_and_still_delivers(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    """Under the least that is taken, of texts with four times as many tokens as the probe's prose has, behind a template with a long system text."""
    teacher.hidden = 200
    endpoint(asker, teacher, limits={"concurrency": 64})
    rows = dataset(stack, asker)
    priced = good(asker.client.post("/v1/distillations/validate", json=job(rows)))["estimate"]["usd"]
    low = good(asker.client.post("/v1/distillations/validate", json=job(rows, budget={"usd": priced["minimum"] * 0.9})))
    assert not low["valid"] and low["problems"][0]["code"] == "cap_too_small"
    cap = priced["minimum"] + 1e-6  # it is rounded to micro-dollars
    teacher.tokens_factor = 4
    run = Run.start(asker, job(rows, budget={"usd": cap}))
    found = ended(run)
    whole = report(run)
    assert teacher.bill <= cap and found["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
    asked = sum(part["asked"] for part in whole["answers"]["parts"].values())
    assert asked < ROWS and teacher.bill > 0.9 * cap and any("cap was reached" in w for w in whole["warnings"])
    assert whole["answers"]["parts"]["heldout"]["asked"] == 48 and run.weights()
    (step,) = (step for step in found["steps"] if step["cut"])
    assert (step["name"], step["cut_reason"]) == ("answer", "Asking was cut short by the budget of dollars.")


def test_a_month_cap_pauses_and_a_cancelled_job_stops_paying(stack: Stack, teacher: Teacher) -> None:
    owner = tenant(stack, "monthly", ("read", "write", "admin"), usd_per_month=0.001)
    with owner.client as client:
        endpoint(owner, teacher)
        run = Run.start(owner, job(dataset(stack, owner)))
        until(lambda: run.get()["state"] == "paused")
        assert "of this month ($0.001) is spent: the job goes on by itself" in run.get()["waiting"]["reason"]
        assert 0 < teacher.bill <= 0.001
        more = good(client.patch(f"/v1/projects/{owner.project}", json={"usd_per_month": 0.0015}))
        assert more["usd_per_month"] == 0.0015 and more["name"] == "monthly"
        until(lambda: teacher.bill > 0.001 and run.get()["state"] == "paused")
        assert teacher.bill <= 0.0015, "what was spent counts"
        good(client.post(f"/v1/distillations/{run.id}/cancel"))
        ended(run, "cancelled")
        assert run.get()["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)


def test_a_preview_waits_for_its_owner(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    rows = dataset(stack, asker, 120)
    spec = job(rows, budget={"preview": 20})
    spec["data"]["responses"]["keep"] = [{"type": "regex", "pattern": "animals|stones"}]
    before = good(asker.client.post("/v1/distillations/validate", json=spec))["estimate"]["usd"]
    run = Run.start(asker, spec)
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
    estimate = found["estimate"]
    assert "in 20 calls that put this question to these rows" in estimate["basis"]
    assert estimate["usd"]["answers"] == pytest.approx(6 * teacher.bill, rel=0.2), (
        "of all rows, by what twenty have cost"
    )
    assert estimate["before_preview"] == before != estimate["usd"]
    unlike = job(rows, budget={"preview": 20})
    unlike["data"]["responses"]["prompt"] = {"system": "Which is it?"}
    asked = [good(asker.client.post("/v1/distillations/validate", json=one))["estimate"] for one in (spec, unlike)]
    assert (
        asked[0]["usd"]["answers"] == estimate["usd"]["answers"]
        and "what a sample of the rows is made of" in asked[1]["basis"]
    )
    prices = [event["data"]["usd"] for event in run.events() if " -> " in event["message"]]
    assert min(prices) > 0 and sum(prices) == pytest.approx(teacher.bill, abs=1e-9)
    # Another job's preview shows its own answers, which cost it nothing.
    other = Run.start(asker, job(rows, steps=61, budget={"preview": 20}))
    until(lambda: other.get()["state"] == "paused")
    again = [event for event in other.events() if " -> " in event["message"]]
    assert {event["message"].rpartition(" (")[0] for event in again} == {line.rpartition(" (")[0] for line in shown}
    assert [event["data"]["usd"] for event in again] == [0] * 20 and all("; $0.00)" in one["message"] for one in again)
    good(asker.client.post(f"/v1/distillations/{other.id}/cancel"))
    good(asker.client.post(f"/v1/distillations/{run.id}/resume"))
    ended(run)
    assert set(teacher.asked.values()) == {1} and teacher.calls == 120, "what the preview asked is not paid for again"
