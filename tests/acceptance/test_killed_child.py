"""The child of a real job dies: by kill -9 at drawn moments, or of a pause, which changes no byte of the student; and of a loss that is no number."""

import json
import random
from pathlib import Path

import pytest

from standalone.stack import Stack
from tests.acceptance import digits
from tests.acceptance.children import alive, kill_child
from tests.acceptance.run import ENDED, Run, project, until
from tests.acceptance.tenant import Tenant, good

pytestmark = pytest.mark.timeout(600)
KILLS = 2


def start(owner: Tenant) -> Run:
    """In a project of its own: no cache answers for it."""
    file = owner.upload(digits.npz(2_000), "digits.npz")
    return Run.start(owner, digits.job(file, digits.teacher(owner), steps=20_000))


def moment(run: Run, die: random.Random) -> None:
    """Waits for a checkpoint that this attempt has written, and then until a die says so."""
    known = run.checkpoints("train")
    until(lambda: run.checkpoints("train") > known)
    until(lambda: die.random() < 0.3)


def pause_and_resume(run: Run, scratch: Path) -> None:
    path = f"/v1/distillations/{run.id}"
    good(run.owner.client.post(f"{path}/pause"))
    until(lambda: run.get()["state"] == "paused")
    assert run.moves("train")[-1] == "paused" and run.get()["waiting"]["code"] == "paused"
    assert not [found for found in alive(scratch) if found.is_child and found.runs(run.id, "train")]
    good(run.owner.client.post(f"{path}/resume"))


def test_killed_at_drawn_steps_and_paused(stack: Stack) -> None:
    die, scratch = random.Random(1), Path(stack.environment["STILLHOUSE_SCRATCH"])
    with project(stack, "killed") as owner, project(stack, "unbroken") as other:
        run, unbroken = start(owner), start(other)
        for _ in range(KILLS):
            moment(run, die)
            kill_child(scratch, run.id, "train")
        moment(run, die)
        pause_and_resume(run, scratch)
        run.succeeded()
        unbroken.succeeded()
        assert run.weights() == unbroken.weights()
        assert run.moves("train").count("running") == KILLS + 2
        told = [event["message"] for event in run.events() if event["step"] == "train"]
        assert sum(message.startswith("Resumed at step") for message in told) == KILLS + 1
        assert {step["name"]: step["attempts"] for step in run.get()["steps"] if step["name"] != "train"} == {
            "score": 1,
            "grade": 1,
            "package": 1,
        }


def test_every_line_of_an_attempt_says_which(stack: Stack) -> None:
    """The log of the workers, after whatever ran before this."""
    text = "".join(worker.log.read_text() for worker in stack.workers)
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    attempts = [line for line in lines if line["event"] in ("step_started", "child_ended", "step_ended")]
    assert attempts
    for line in lines:
        if "step" in line and line["event"] != "lease_expired":
            assert {"job", "step", "step_name", "fence"} <= line.keys(), line


def test_a_loss_that_is_no_number(stack: Stack) -> None:
    """It ends the job with a code, at once: another attempt would come to the same."""
    with project(stack, "diverges") as owner:
        file = owner.upload(digits.npz(500), "digits.npz")
        spec = digits.job(file, digits.teacher(owner), optimizer="sgd", learning_rate=100.0, schedule="constant")
        spec["training"]["steps"] = 100_000
        spec["student"]["hidden_sizes"] = [256, 256, 256]
        run = Run.start(owner, spec)
        until(lambda: run.get()["state"] in ENDED)
        ended = run.get()
        assert ended["state"] == "failed"
        assert (ended["error"]["code"], ended["error"]["param"]) == ("loss_not_finite", "training.learning_rate")
        steps = {step["name"]: step for step in ended["steps"]}
        assert (steps["train"]["state"], steps["train"]["attempts"]) == ("failed", 1)
        assert steps["train"]["error"] == ended["error"]
        assert (steps["grade"]["state"], steps["package"]["state"]) == ("cancelled", "cancelled")
        assert owner.client.get(f"/v1/models/{ended['student']['model']}").json()["state"] == "failed"
