"""A checkpoint is whole or it is not taken."""

import random
from pathlib import Path

import pytest
import torch

from distill.checkpoint import KEPT, Damaged, first_whole, prune, verify, write
from distill.report.figures import CurvePoint
from distill.snapshot import Notes, Snapshot


def snapshot(step: int) -> Snapshot:
    notes = Notes(
        step=step,
        curve=(CurvePoint(step=1, series={"train_loss": 0.1 + 0.2}),),
        loss_sum=1 / 3,
        loss_steps=2,
        best_step=None,
        best_value=None,
        micro_batch=64,
        threads=1,
        versions={"torch": "x"},
    )
    weights = {"output.weight": torch.full((3, 2), float(step)), "norm0.num_batches_tracked": torch.tensor(step)}
    moments = {"0.exp_avg": torch.rand(3, 2), "0.step": torch.tensor(float(step))}
    return Snapshot(model=weights, optimizer=moments, random={"cpu": torch.get_rng_state()}, best=None, notes=notes)


def two(parent: Path) -> list[Path]:
    """Newest first."""
    return [write(parent, f"{step:06d}", snapshot(step).write) for step in (2, 1)]


def taken(folders: list[Path]) -> tuple[int | None, list[str]]:
    told: list[str] = []
    found = first_whole(folders, Snapshot.read, told.append)
    return (found.notes.step if found else None), told


def test_what_is_written_is_read(tmp_path: Path) -> None:
    before = snapshot(7)
    after = Snapshot.read(write(tmp_path, "000007", before.write))
    assert after.notes == before.notes
    assert torch.equal(after.random["cpu"], before.random["cpu"])
    assert all(torch.equal(after.optimizer[name], tensor) for name, tensor in before.optimizer.items())
    assert after.model["norm0.num_batches_tracked"].item() == 7


def test_the_newest_whole_one_is_taken(tmp_path: Path) -> None:
    assert taken(two(tmp_path)) == (2, [])


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "random.safetensors", "notes.json", "manifest.json"])  # fmt: skip
def test_a_flipped_bit_anywhere_falls_back_to_the_one_before(tmp_path: Path, name: str) -> None:
    newest, older = two(tmp_path)
    whole = (newest / name).read_bytes()
    source = random.Random(name)
    for place in [0, len(whole) - 1, *(source.randrange(len(whole)) for _ in range(40))]:
        broken = bytearray(whole)
        broken[place] ^= 1 << source.randrange(8)
        (newest / name).write_bytes(broken)
        step, told = taken([newest, older])
        assert step == 1, f"byte {place} of {name}"
        assert "000002" in told[0]
    (newest / name).write_bytes(whole)
    assert taken([newest, older]) == (2, [])


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "notes.json", "manifest.json"])
def test_a_torn_file_falls_back_to_the_one_before(tmp_path: Path, name: str) -> None:
    newest, older = two(tmp_path)
    whole = (newest / name).read_bytes()
    for length in [0, 1, 7, 8, len(whole) // 2, len(whole) - 1]:
        (newest / name).write_bytes(whole[:length])
        assert taken([newest, older])[0] == 1, f"{name} cut to {length}"
    (newest / name).unlink()
    assert taken([newest, older])[0] == 1


def test_none_that_is_whole_is_none(tmp_path: Path) -> None:
    newest, older = two(tmp_path)
    for folder in (newest, older):
        (folder / "model.safetensors").write_bytes(b"")
    step, told = taken([newest, older])
    assert step is None
    assert len(told) == 2
    assert taken([]) == (None, [])


def test_a_failed_write_leaves_nothing_of_that_name(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    write(tmp_path, "000001", snapshot(1).write)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, "000002", fill)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, "000001", fill)
    assert [path.name for path in tmp_path.iterdir() if path.name.isdigit()] == ["000001"]
    verify(tmp_path / "000001")


def test_a_name_is_taken_over_by_an_attempt_that_went_on_from_an_older_one(tmp_path: Path) -> None:
    write(tmp_path, "000002", snapshot(1).write)
    written = write(tmp_path, "000002", snapshot(2).write)
    assert Snapshot.read(written).notes.step == 2


def test_an_empty_folder_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"manifest\.json"):
        verify(tmp_path)


def test_the_last_few_stay(tmp_path: Path) -> None:
    for step in (5, 1_000_000, 40, 300):
        (tmp_path / f"{step:06d}").mkdir()
    (tmp_path / ".000041.part").mkdir()
    prune(tmp_path, 1_000_000)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"000040", "000300", "1000000", ".000041.part"}
    assert len(left) - 1 == KEPT
