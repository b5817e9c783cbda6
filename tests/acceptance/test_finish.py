"""`finish` on whole real jobs: what has been learned is delivered, evaluated, and compared with a baseline of the same length."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from standalone.stack import Stack
from tests.acceptance import digits
from tests.acceptance.children import child_of
from tests.acceptance.run import Run, project, until
from tests.acceptance.tenant import Tenant

STEPS = 5_000_000
"""Hours of training: a wish that is lost is a test that runs out of time."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def owner(stack: Stack) -> Iterator[Tenant]:
    """Of a project for each test: no cache answers for the other."""
    with project(stack, "finish") as owner:
        yield owner


def start(owner: Tenant) -> Run:
    """With two workers of one slot, the student and its first baseline learn at the same time; the second one waits for them."""
    file = owner.upload(digits.npz(2_000), "digits.npz")
    spec = digits.job(file, digits.teacher(owner), steps=STEPS)
    spec["data"]["labelled"] = 0.5
    spec["objective"].append({"type": "labels", "weight": 0.1})
    spec["evaluation"]["baselines"] = ["no_teacher", "all_labels"]
    return Run.start(owner, spec)


def learn(run: Run) -> None:
    """Until there is something to deliver; before that, `finish` is refused."""
    early = run.owner.client.post(f"/v1/distillations/{run.id}/finish")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "no_checkpoint_yet"), early.text
    until(lambda: run.checkpoints("train") >= 1 and run.checkpoints("train.no_teacher") >= 1)


def finish(run: Run) -> None:
    granted = run.owner.client.post(f"/v1/distillations/{run.id}/finish")
    assert granted.status_code == 200 and granted.json()["intent"] == "finish", granted.text


def steps_of(run: Run) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in run.get()["steps"]}


def check(run: Run) -> int:
    """The student is published, the report says how far it came, and nobody it is compared with came further. Gives the step."""
    client, steps = run.owner.client, steps_of(run)
    assert {name: (step["state"], step["cut"]) for name, step in steps.items() if name.startswith("train")} == {
        "train": ("succeeded", True),
        "train.no_teacher": ("succeeded", False),
        "train.all_labels": ("skipped", False),
    }
    student = client.get(f"/v1/models/{run.get()['student']['model']}").json()
    assert student["state"] == "ready" and student["facts"]["parameters"] == 64 * 32 + 32 + 32 * 10 + 10
    assert len(run.weights()) > 4 * student["facts"]["parameters"]

    report = client.get(f"/v1/distillations/{run.id}/report").json()
    reached = {role["role"]: role["steps"] for role in report["grade"]["roles"]}
    assert reached == {"teacher.0": None, "student": reached["student"], "no_teacher": reached["student"]}
    assert 0 < reached["student"] < STEPS
    assert f"Training was ended early, at step {reached['student']:,} of {STEPS:,}." in report["warnings"]
    assert report["baseline_reasons"] == {"all_labels": "Left out: the job was asked to finish before this had begun."}
    page = client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
    assert "<html" in page and "Training was ended early" in page
    number: int = reached["student"]
    return number


def test_what_has_been_learned_is_delivered(owner: Tenant) -> None:
    run = start(owner)
    learn(run)
    finish(run)
    run.succeeded()
    reached = check(run)
    steps = steps_of(run)
    assert steps["train"]["attempts"] == 1 and steps["train.no_teacher"]["attempts"] <= 2
    why = f"Training was cut at step {reached} by finish."
    assert why in [event["message"] for event in run.events()]
    assert (
        [step["cut_reason"] for step in steps.values() if step["cut_reason"]] == [steps["train"]["cut_reason"]] == [why]
    )
    again = owner.client.post(f"/v1/distillations/{run.id}/finish")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "invalid_state")


@pytest.mark.proof
def test_a_child_that_is_killed_after_the_wish_takes_it_to_no_grave(stack: Stack, owner: Tenant) -> None:
    """It is frozen first, so that it cannot write what it has: the newest checkpoint is then what is delivered."""
    run = start(owner)
    learn(run)
    child = child_of(Path(stack.environment["STILLHOUSE_SCRATCH"]), run.id, "train")
    os.kill(child, signal.SIGSTOP)
    finish(run)
    os.kill(child, signal.SIGKILL)
    run.succeeded()
    reached = check(run)
    kept = [
        event["data"]["step"] for event in run.events() if event["type"] == "checkpoint" and event["step"] == "train"
    ]
    assert reached in kept and steps_of(run)["train"]["attempts"] == 2
