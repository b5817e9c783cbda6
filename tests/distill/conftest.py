"""scikit-learn's digits as a job has them: rows files, a teacher trained by us, its scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.datasets import load_digits

from spec.facts import Signature
from spec.grader import Accuracy
from spec.objective import Labels, SoftTargets
from spec.params import ScoreParams, TrainParams
from spec.student import Mlp
from tests.distill.runs import DIGITS, held, here, run_folder, selection, signature, write_rows

TEACHER = Mlp(type="mlp", hidden_sizes=(64,), norm="batch", dropout=0.2)
STUDENT = Mlp(type="mlp", hidden_sizes=(16,), norm="batch")
LABELS = (Labels(type="labels"),)
SOFT = (SoftTargets(type="soft_targets", temperature=4.0, weight=0.9), Labels(type="labels", weight=0.1))
TRAINED = 1029  # rows; a form begins here


@dataclass(frozen=True)
class Digits:
    root: Path
    x: npt.NDArray[np.uint8]
    y: list[str]
    signature: Signature

    @property
    def train(self) -> Path:
        return self.root / "train.arrow"

    @property
    def heldout(self) -> Path:
        return self.root / "heldout.arrow"

    @property
    def teacher(self) -> Path:
        """Outputs of the teacher's train step."""
        return self.root / "teacher/outputs"

    @property
    def scores(self) -> Path:
        """Outputs of its score step."""
        return self.root / "score/outputs"

    @property
    def rows(self) -> dict[str, Path]:
        return {"train/rows.arrow": self.train, "heldout/rows.arrow": self.heldout}

    @property
    def scored(self) -> dict[str, Path]:
        return {**self.rows, "scores": self.scores}

    def params(self, **changed: Any) -> TrainParams:
        """A small student with labels only, unless it is said otherwise."""
        plain = {
            "selection": selection(), "student": STUDENT, "signature": self.signature, "objective": LABELS, "steps": 200,
            "batch_size": 64, "learning_rate": 5e-3, "optimizer": "adamw", "schedule": "one_cycle", "weight_decay": 1e-3,
            "seed": 1, "precision": "float32", "select": "last", "bias_correction": False,
            "headline": Accuracy(type="accuracy"),
        }  # fmt: skip
        return TrainParams.model_validate(plain | changed)

    def distilled(self, **changed: Any) -> TrainParams:
        """The same with the teacher."""
        return self.params(**({"objective": SOFT, "teachers": 1} | changed))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    root = tmp_path_factory.mktemp("digits")
    raw = load_digits()
    made = Digits(
        root, raw.images.astype(np.uint8), [str(label) for label in raw.target], signature((8, 8), scale=1 / 16)
    )
    write_rows(made.train, made.x[:TRAINED], made.y[:TRAINED])
    write_rows(made.heldout, made.x[TRAINED:], made.y[TRAINED:])
    torch.set_num_threads(1)
    teacher = made.params(student=TEACHER, steps=500, seed=7)
    assert here(run_folder(root / "teacher", "train", teacher, made.rows)).status == "succeeded"
    score = ScoreParams(teachers=(held("teacher.0", TEACHER, made.signature),), classes=DIGITS, input="x")
    files = {**made.rows, "teacher.0/model.safetensors": made.teacher / "model.safetensors"}
    assert here(run_folder(root / "score", "score", score, files)).status == "succeeded"
    return made
