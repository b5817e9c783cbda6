"""`cancel` of a real job: 15 seconds later it is cancelled and every process that it had started is gone, the deaf ones too."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from standalone.services import Worker
from standalone.stack import Stack
from tests.acceptance import digits
from tests.acceptance.children import alive
from tests.acceptance.run import Run, project, until

SECONDS = 15.0
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One worker with the settings that anybody has, whose children have a child that ignores SIGTERM."""
    stack = Stack(tmp_path / "home", workers=[Worker(name="one", slots=1)], durable=False)
    worker = stack["one"]
    worker.argv = [part.replace("workers.app", "tests.acceptance.station") for part in worker.argv]
    with stack:
        yield stack


def test_every_descendant_is_gone(stack: Stack) -> None:
    scratch = Path(stack.environment["STILLHOUSE_SCRATCH"])
    with project(stack, "owner") as owner:
        file = owner.upload(digits.npz(2_000), "digits.npz")
        run = Run.start(owner, digits.job(file, digits.teacher(owner), steps=5_000_000))
        until(lambda: run.checkpoints("train") >= 1)
        family = alive(scratch)
        assert sum(found.is_child for found in family) == 1
        assert sum("grandchild of" in found.command for found in family) == 1
        assert sum("leash.py" in found.command for found in family) == 2, "itself, and what made its namespace"

        (child,) = (found.pid for found in family if found.is_child)
        os.kill(child, signal.SIGSTOP)  # as if it were in C code that never returns: it hears nothing
        asked = time.monotonic()
        assert owner.client.post(f"/v1/distillations/{run.id}/cancel").json()["intent"] == "cancel"
        until(lambda: run.get()["state"] == "cancelled" and not alive(scratch))
        assert time.monotonic() - asked < SECONDS
        ended = run.get()
        states = {step["name"]: step["state"] for step in ended["steps"]}
        assert states == {"score": "succeeded", "train": "cancelled", "grade": "cancelled", "package": "cancelled"}
        assert owner.client.get(f"/v1/models/{ended['student']['model']}").json()["state"] == "failed"
        assert owner.client.post(f"/v1/distillations/{run.id}/cancel").json() == ended, "a cancel may be sent again"
    until(lambda: not list((scratch / "runs").iterdir()))
