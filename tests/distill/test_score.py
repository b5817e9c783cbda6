"""Teachers are asked once: shards, resume, order of classes, what is refused."""

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.draw import divide
from distill.data.rows import Rows
from distill.signals.scores import SHARD, Scores
from spec.facts import Signature
from spec.params import ScoreParams, Selection
from spec.run import ACKNOWLEDGED, Run
from spec.student import Mlp
from tests.distill.runs import (
    DIGITS,
    ROLES,
    checkpoints,
    child,
    events,
    finished,
    held,
    here,
    messages,
    random_teacher,
    result,
    resumed,
    run_folder,
    selection,
    signature,
    until,
    write_rows,
)

COUNT = 3 * SHARD + 100
WIDE = Mlp(type="mlp", hidden_sizes=(1024, 1024))
GIVEN = signature((6,))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = np.random.default_rng(0)
    x = source.integers(0, 255, (COUNT, 6)).astype(np.float32)
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.arrow", x, [str(i % 10) for i in range(COUNT)])


def folder(
    path: Path, rows: Path, *, teachers: int = 2, take: Selection | None = None, given: Signature = GIVEN
) -> Path:
    inputs = {"train/rows.arrow": rows}
    for m in range(teachers):
        random_teacher(path.parent / f"weights.{m}", WIDE, given, m)
        inputs[f"teacher.{m}/model.safetensors"] = path.parent / f"weights.{m}/model.safetensors"
    asked = tuple(held(f"teacher.{m}", WIDE, given) for m in range(teachers))
    return run_folder(path, "score", ScoreParams(teachers=asked, classes=DIGITS, input="x", take=take), inputs)


def files(path: Path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_scores_are_the_teachers_logits_in_the_order_of_the_rows(tmp_path: Path, rows: Path) -> None:
    found = here(folder(tmp_path / "run", rows))
    assert found.summary == {"teacher_rows": 2 * COUNT, "teacher_rows_kept": 0}
    assert sorted(found.outputs) == [f"teacher.{m}/train/{s:05d}.npy" for m in range(2) for s in range(4)]
    which = np.random.default_rng(1).choice(COUNT, 50, replace=False)
    gathered = Scores(tmp_path / "run/outputs", 2, tmp_path).gather(("train",), which)
    x = torch.from_numpy(Rows.open(rows, ROLES).inputs[which])
    for m in range(2):
        module = random_teacher(tmp_path / "again", WIDE, GIVEN, m)
        np.testing.assert_allclose(gathered[:, m], module(x).detach().numpy(), rtol=1e-4, atol=1e-3)


def test_no_shard_is_scored_twice(tmp_path: Path, rows: Path) -> None:
    """kill -9 after some shards: what is scored again is at most the shard that was being scored."""
    whole = here(folder(tmp_path / "whole" / "run", rows))
    path = folder(tmp_path / "killed" / "run", rows)
    with child(path):
        until(lambda: checkpoints(path) >= 3)
    assert not (path / "result.json").exists()
    kept = int(resumed(path)[0])
    assert 3 <= kept < 8
    found = finished(path)
    assert found.status == "succeeded"
    shards = [SHARD, SHARD, SHARD, 100] * 2
    assert found.summary == {"teacher_rows": sum(shards[kept:]), "teacher_rows_kept": sum(shards[:kept])}
    assert found.outputs == whole.outputs
    told = [event.data["step"] for event in events(path) if event.type == "checkpoint"]
    assert told[-1] == 8
    assert len(told) <= 8 + 1


def test_no_shard_is_begun_before_the_last_one_is_kept(tmp_path: Path, rows: Path) -> None:
    path = folder(tmp_path / "run", rows, teachers=1)
    with child(path, **{ACKNOWLEDGED: "1"}) as process:
        assert process.stdin is not None
        for number in (1, 2):
            until(lambda number=number: checkpoints(path) == number)  # type: ignore[misc]  # mypy knows no such default
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            assert checkpoints(path) == number == len(list((path / "shards").rglob("*.npy")))
            process.stdin.write(b"C")
            process.stdin.flush()
        until(lambda: checkpoints(path) == 3)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert result(path).status == "stopped" and result(path).summary["teacher_rows"] == 3 * SHARD


def test_a_stop_keeps_what_is_done(tmp_path: Path, rows: Path) -> None:
    path = folder(tmp_path / "run", rows)
    with child(path) as process:
        until(lambda: checkpoints(path) >= 1)
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert result(path).status == "stopped"
    assert result(path).outputs == {}
    resumed(path)
    found = finished(path)
    assert found.summary["teacher_rows"] + found.summary["teacher_rows_kept"] == 2 * COUNT
    assert found.summary["teacher_rows_kept"] > 0


def test_a_damaged_shard_is_scored_again_and_nothing_else(tmp_path: Path, rows: Path) -> None:
    path = folder(tmp_path / "run", rows)
    before = here(path)
    newest, older = resumed(path)[:2]
    for name in (newest, older):
        shard = path / "checkpoints" / name / "teacher.0/train/00001.npy"
        content = bytearray(shard.read_bytes())
        content[-3] ^= 4
        shard.unlink()
        shard.write_bytes(content)
    spec = path / "spec.json"
    run = Run.model_validate_json(spec.read_bytes())
    spec.write_text(run.model_copy(update={"checkpoint": [newest, older]}).model_dump_json())
    found = here(path)
    assert found.summary["teacher_rows"] == SHARD
    assert found.outputs == before.outputs
    assert "teacher.0/train/00001.npy" in messages(path)


def test_only_the_rows_of_a_selection_are_scored(tmp_path: Path, rows: Path) -> None:
    take = selection(share=0.1, heldout=0.2)
    found = here(folder(tmp_path / "run", rows, teachers=1, take=take))
    division = divide(Rows.open(rows, ROLES), take)
    chosen = np.union1d(division.train, division.heldout)
    assert found.summary["teacher_rows"] == len(chosen)
    assert np.array_equal(np.load(tmp_path / "run/outputs/train/rows.npy"), chosen)
    some = Scores(tmp_path / "run/outputs", 1, tmp_path)
    here(folder(tmp_path / "all" / "run", rows, teachers=1))
    everything = Scores(tmp_path / "all/run/outputs", 1, tmp_path)
    for part in (division.train, division.heldout[::-1].copy()):
        np.testing.assert_allclose(
            some.gather(("train",), part), everything.gather(("train",), part), rtol=1e-4, atol=1e-3
        )
    with pytest.raises(AssertionError, match="were not scored"):
        some.gather(("train",), np.setdiff1d(np.arange(COUNT), chosen)[:3])


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(0, 1, (50, 6)).astype(np.float32)
    x[17, 2] = 3e38
    rows = write_rows(tmp_path / "rows.arrow", x, ["0"] * 50)
    given = signature((6,), scale=1e30)
    found = here(folder(tmp_path / "run", rows, teachers=1, given=given))
    assert found.error is not None
    assert (found.error.code, found.error.param, found.retry) == ("scores_not_finite", "teacher.models[0]", "never")
    assert found.outputs == {}


def test_all_shards_of_a_checkpoint_are_in_it(tmp_path: Path, rows: Path) -> None:
    path = folder(tmp_path / "run", rows)
    here(path)
    newest = resumed(path)[0]
    kept = {name: content for name, content in files(path / "checkpoints" / newest).items() if name != "manifest.json"}
    assert kept == files(path / "outputs")
