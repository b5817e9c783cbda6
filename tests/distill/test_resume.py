"""kill -9 and SIGTERM at any moment: the weights in the end are those of an unbroken run, byte for byte."""

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from distill.record import TrainRecord
from spec.params import TrainParams
from spec.run import Run
from spec.student import Mlp
from tests.distill.conftest import Digits
from tests.distill.runs import (
    again,
    checkpoints,
    child,
    events,
    finished,
    here,
    messages,
    result,
    resumed,
    run_folder,
    selection,
    until,
)

OFTEN = {"checkpoint_seconds": 0.05}
STEPS = 1500


def params(digits: Digits, **changed: Any) -> TrainParams:
    """Everything that a checkpoint must hold: moments, dropout's draws, running statistics, the best so far, the curve."""
    student = Mlp(type="mlp", hidden_sizes=(32,), norm="batch", dropout=0.3)
    plain = {"student": student, "steps": STEPS, "select": "best", "selection": selection(labelled=0.5, validation=0.1)}
    return digits.distilled(**(plain | changed))


def outputs(path: Path) -> dict[str, bytes]:
    """The weights, and the record, but for what it says of the machine."""
    assert result(path).status == "succeeded", result(path).error
    return {name: (path / "outputs" / name).read_bytes() for name in ("model.safetensors", "config.json", "train.json")}


def stop(path: Path, after: int) -> None:
    """SIGTERM as soon as there are so many checkpoints."""
    with child(path) as process:
        until(lambda: checkpoints(path) >= after)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> dict[str, bytes]:
    path = run_folder(tmp_path_factory.mktemp("unbroken") / "run", "train", params(digits), digits.scored)
    here(path)
    return outputs(path)


def killed(path: Path, source: random.Random) -> None:
    """kill -9 a drawn number of checkpoints after the start, and then as soon as a die says so."""
    wanted = checkpoints(path) + source.randint(1, 2)
    with child(path):
        until(lambda: checkpoints(path) >= wanted)
        until(lambda: source.random() < 0.3)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.proof)])
def test_killed_at_random_steps(tmp_path: Path, digits: Digits, unbroken: dict[str, bytes], seed: int) -> None:
    source = random.Random(seed)
    path = run_folder(tmp_path / "run", "train", params(digits), digits.scored, context=OFTEN)
    began: list[int] = []
    for _ in range(2):
        killed(path, source)
        assert not (path / "result.json").exists()
        began.append(int(resumed(path)[0]))
    finished(path)
    assert outputs(path) == unbroken
    assert "Resumed at step" in messages(path)
    assert began[1] >= began[0] > 0
    numbers = [event.n for event in events(path)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_stopped_and_resumed(tmp_path: Path, digits: Digits, unbroken: dict[str, bytes]) -> None:
    """SIGTERM leaves a checkpoint and the best so far; the next attempt goes on from there."""
    path = run_folder(tmp_path / "run", "train", params(digits), digits.scored, context=OFTEN)
    stop(path, 1)
    stopped = result(path)
    assert stopped.status == "stopped"
    assert stopped.step is not None and 0 < stopped.step < STEPS
    assert set(stopped.outputs) == {"model.safetensors", "config.json", "train.json"}
    assert f"{stopped.step:06d}" in {folder.name for folder in (path / "checkpoints").iterdir()}
    resumed(path)
    finished(path)
    assert outputs(path) == unbroken


def test_a_baseline_trains_to_where_its_student_was_finished(tmp_path: Path, digits: Digits) -> None:
    """The stop step of one run gives another the same weights, whether it begins there or has a checkpoint past it."""
    path = run_folder(tmp_path / "run", "train", params(digits, select="last"), digits.scored, context=OFTEN)
    stop(path, 2)
    cut_at = result(path).step
    assert cut_at is not None
    weights = (path / "outputs/model.safetensors").read_bytes()
    cut = run_folder(tmp_path / "cut", "train", params(digits, select="last", stop_step=cut_at), digits.scored)
    here(cut)
    assert outputs(cut)["model.safetensors"] == weights
    earlier = min(int(folder.name) for folder in (path / "checkpoints").iterdir())
    changed = params(digits, select="last", stop_step=earlier + 1)
    again(path, Run(verb="train", step="train", params=changed.model_dump(mode="json", exclude_defaults=True)))
    resumed(path)
    here(path)
    assert result(path).status == "succeeded"
    assert result(path).step == earlier + 1
    assert f"Resumed at step {earlier}" in messages(path)


def test_a_flipped_byte_in_the_newest_checkpoint(tmp_path: Path, digits: Digits, unbroken: dict[str, bytes]) -> None:
    path = run_folder(tmp_path / "run", "train", params(digits), digits.scored, context=OFTEN)
    with child(path):
        until(lambda: checkpoints(path) >= 2)
    newest, before = resumed(path)[:2]
    torn = path / "checkpoints" / newest / "optimizer.safetensors"
    content = bytearray(torn.read_bytes())
    content[len(content) // 2] ^= 1
    torn.write_bytes(content)
    finished(path)
    assert outputs(path) == unbroken
    assert f"Checkpoint {newest} is damaged: optimizer.safetensors" in messages(path)
    assert f"Resumed at step {int(before)}." in messages(path)


@pytest.mark.proof
def test_another_thread_count_is_told(tmp_path: Path, digits: Digits) -> None:
    path = run_folder(tmp_path / "run", "train", params(digits), digits.scored, context=OFTEN)
    stop(path, 1)
    step = result(path).step
    assert step is not None
    one_more = params(digits, stop_step=step + 1).model_dump(mode="json", exclude_defaults=True)
    again(path, Run(verb="train", step="train", params=one_more, threads=2))
    resumed(path)
    finished(path)
    assert "written with threads 1, this run has 2" in messages(path)
    record = TrainRecord.model_validate_json((path / "outputs/train.json").read_bytes())
    assert record.versions["threads"] == "2"
