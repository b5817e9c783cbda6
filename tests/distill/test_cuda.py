"""The same on an NVIDIA device: the same bytes twice, after a stop too; as the processor says; and where its memory runs out."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from distill import nearby, replay
from distill.data.draw import divide
from distill.data.rows import Rows
from distill.device import prepare
from distill.material import transfer_set
from distill.run import RunFolder
from distill.transfer import Batches
from spec.objective import SoftTargets
from spec.params import ScoreParams
from spec.student import Convnet, Mlp
from tests.distill.conftest import TEACHER, Digits
from tests.distill.library import BAG, SPEC, Library, accuracy
from tests.distill.runs import (
    DIGITS,
    checkpoints,
    child,
    finished,
    held,
    here,
    messages,
    resumed,
    run_folder,
    selection,
    until,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
CONVNET = Convnet(type="convnet", channels=(8, 16), hidden=16, norm="batch", dropout=0.2)
ENCODER = {"type": "text_encoder", "width": 32, "vocabulary": 1024, "max_tokens": 32}
SOFT = [{"type": "soft_targets", "temperature": 2.0}]
CUDA = {"device": "cuda"}


@pytest.fixture(autouse=True)
def reproducible() -> None:
    prepare(1, "cuda")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("texts"), device="cuda")


@pytest.fixture
def little_memory() -> Iterator[None]:
    """96 MiB more than is in use."""
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 96 * 2**20) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def trained(path: Path, digits: Digits, **params: Any) -> bytes:
    folder = run_folder(path, "train", digits.distilled(**params), digits.scored, **CUDA)
    found = here(folder)
    assert found.status == "succeeded", found.error
    return (path / "outputs/model.safetensors").read_bytes()


@pytest.mark.parametrize("student", [TEACHER, CONVNET])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_seed_gives_the_same_bytes(tmp_path: Path, digits: Digits, student: Mlp | Convnet, precision: str) -> None:
    one, other, unlike = (
        trained(tmp_path / name, digits, student=student, precision=precision, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == other != unlike


@pytest.mark.parametrize(
    "changed",
    [
        {"student": CONVNET, "selection": selection(labelled=0.05)},
        {"student": Mlp(type="mlp", hidden_sizes=(64,), max_norm=0.5), "optimizer": "sgd", "precision": "bfloat16"},
        {"student": TEACHER, "select": "best", "selection": selection(validation=0.1)},
        {"objective": (SoftTargets(type="soft_targets", temperature=2.0, balance="inverse_frequency"),)},
    ],
)
def test_a_replayed_step_is_the_step(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    """Recorded or launched kernel by kernel: running statistics and dropout's draws included, the bytes are the same."""
    changed = {"steps": 60, **changed}
    recorded = trained(tmp_path / "recorded", digits, **changed)
    assert "could not be recorded" not in messages(tmp_path / "recorded")
    monkeypatch.setattr(replay, "WARM", 10**9)
    assert trained(tmp_path / "launched", digits, **changed) == recorded


@pytest.mark.parametrize("combine", ["geometric", "arithmetic"])
def test_a_replayed_step_of_an_ensemble(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch, combine: str
) -> None:
    """Three teachers of unequal weight, each a little unlike the others."""
    for number, seed in enumerate((1, 2, 3)):
        shutil.copytree(digits.scores / "teacher.0", tmp_path / f"scores/teacher.{number}")
        shard = tmp_path / f"scores/teacher.{number}/train/00000.npy"
        scores = np.load(shard)
        np.save(shard, scores + np.random.default_rng(seed).normal(0, 1, scores.shape).astype(np.float32))
    changed = {"teachers": 3, "combine": combine, "weights": (0.5, 0.3, 0.2), "student": CONVNET, "steps": 200}
    params, inputs = digits.distilled(**changed), {**digits.rows, "scores": tmp_path / "scores"}
    found = []
    for name, warm in (("recorded", replay.WARM), ("launched", 10**9)):
        monkeypatch.setattr(replay, "WARM", warm)
        path = run_folder(tmp_path / name, "train", params, inputs, **CUDA)
        assert here(path).status == "succeeded"
        found.append((path / "outputs/model.safetensors").read_bytes())
    assert found[0] == found[1]


def test_stopped_and_resumed(tmp_path: Path, digits: Digits) -> None:
    """The device's random numbers are in the checkpoint: dropout goes on where it was."""
    student = Mlp(type="mlp", hidden_sizes=(32,), norm="batch", dropout=0.3)
    params = digits.distilled(student=student, steps=4000)
    whole = run_folder(tmp_path / "whole", "train", params, digits.scored, **CUDA)
    assert finished(whole).status == "succeeded"
    path = run_folder(tmp_path / "run", "train", params, digits.scored, context={"checkpoint_seconds": 0.05}, **CUDA)
    with child(path):
        until(lambda: checkpoints(path) >= 2)
    assert int(resumed(path)[0]) > 0
    assert finished(path).status == "succeeded"
    one, other = ((folder / "outputs/model.safetensors").read_bytes() for folder in (whole, path))
    assert one == other


def test_scores_are_the_processors(tmp_path: Path, digits: Digits) -> None:
    params = ScoreParams(teachers=(held("teacher.0", TEACHER, digits.signature),), classes=DIGITS, input="x")
    files = {**digits.rows, "teacher.0/model.safetensors": digits.teacher / "model.safetensors"}
    assert here(run_folder(tmp_path / "score", "score", params, files, **CUDA)).status == "succeeded"
    ours, theirs = (np.load(path / "teacher.0/train/00000.npy") for path in (tmp_path / "score/outputs", digits.scores))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_batches_are_the_same_wherever_rows_lie(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_folder(tmp_path / "run", "train", digits.distilled(), digits.scored, **CUDA)
    with closing(RunFolder(path)) as folder:
        rows = Rows.open(folder.input("train/rows.arrow"), digits.distilled().selection.roles)
        given = transfer_set(folder, digits.distilled(), rows, divide(rows, digits.distilled().selection))
    there = Batches(given, 64, 1, torch.device("cuda"))
    monkeypatch.setattr(nearby, "SHARE", 0.0)
    travelling = Batches(given, 64, 1, torch.device("cuda"))
    for step in (0, 15, 16, 40):
        one, other = there.take(step), travelling.take(step)
        assert one.raw.dtype == torch.uint8
        assert torch.equal(one.raw, other.raw)
        assert one.targets.teachers_BMV is not None and other.targets.teachers_BMV is not None
        assert torch.equal(one.targets.teachers_BMV, other.targets.teachers_BMV)
        assert torch.equal(one.targets.labels_B, other.targets.labels_B)


@pytest.mark.usefixtures("little_memory")
def test_it_halves_and_goes_on(tmp_path: Path, digits: Digits) -> None:
    wide = Convnet(type="convnet", channels=(128, 128), hidden=16)
    params = digits.params(student=wide, steps=2, batch_size=4096, learning_rate=1e-3)
    path = run_folder(tmp_path / "tight", "train", params, {"train/rows.arrow": digits.train}, **CUDA)
    found = here(path)
    assert found.status == "succeeded", found.error
    micro = found.summary["micro_batch"]
    assert micro < 4096
    assert f"Memory ran out: {micro} rows in one pass from now on, 4096 in a step as before." in messages(path)
    torch.cuda.set_per_process_memory_fraction(1.0)
    free = run_folder(tmp_path / "free", "train", params, {"train/rows.arrow": digits.train}, **CUDA)
    assert here(free).summary["micro_batch"] == 4096
    one, other = (load_file(folder / "outputs/model.safetensors") for folder in (path, free))
    for name, tensor in other.items():
        torch.testing.assert_close(one[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("student", [BAG | {"pooling": "sqrt", "dropout": 0.1}, ENCODER])
def test_texts(library: Library, student: dict[str, Any]) -> None:
    """Trained, distilled and graded on the device: better than chance, twice the same."""
    name = str(student["type"]).removeprefix("text_")
    job = library.job(name, SPEC | {"student": student, "evaluation": {"baselines": []}})
    assert accuracy(job) > 0.4
    taught = SPEC | {"student": student, "teacher": {"models": [f"mdl_{name}"]}, "objective": SOFT}
    weights = [
        (library.job(f"{name}{i}", taught | {"evaluation": {"baselines": []}}) / "train/outputs/model.safetensors")
        for i in (1, 2)
    ]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert accuracy(library.root / f"{name}1") > 0.4
