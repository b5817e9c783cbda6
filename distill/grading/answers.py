"""Who answers what on the held-out rows, by role."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from distill.grading.heldout import Heldout, opened
from distill.grading.teachers import Teachers
from distill.record import TrainRecord
from distill.run import RunFolder
from distill.students import initialised, loaded
from distill.students.byte_pairs import learned
from distill.students.predict import predict, probabilities
from distill.students.scaling import Scaling
from spec.params import GradedModel, GradeParams
from spec.tokenizer import FILE

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Probabilities (N, V) at T=1 by role, in the order of tables."""

    by_role: dict[str, Probabilities]
    several: bool
    """Whether a row has any number of classes, each with a probability by itself."""
    teacher: str | None
    """The role that the student is compared with."""
    unscored: int
    records: dict[str, TrainRecord] = field(default_factory=dict)
    """How each trained role came about."""

    @property
    def students(self) -> list[str]:
        """Roles that are no teachers."""
        return [role for role in self.by_role if role != "ensemble" and not role.startswith("teacher.")]


def answers(folder: RunFolder, params: GradeParams, held: Heldout, teachers: Teachers) -> Answers:
    """Of teachers, student and those baselines that are there."""
    logits, unscored = teachers.heldout(held)
    output = params.signature.output.kind
    by_role: dict[str, Probabilities] = {}
    teacher = None
    if logits is not None:
        several = logits.shape[1] > 1
        teacher = "ensemble" if several else "teacher.0"
        by_role = {"ensemble": teachers.combined(logits)} if several else {}
        by_role |= {f"teacher.{m}": probabilities(logits[:, m], output) for m in range(logits.shape[1])}
    device = torch.device(folder.run.device)
    scaling = Scaling.of(params.signature.input, device)
    for given in _there(folder, params):
        module = _module(folder, params, given).eval().to(device)
        by_role[given.role] = probabilities(predict(module, scaling, held.rows.inputs, held.which), output)
    records: dict[str, TrainRecord] = {
        given.role: record for given in _there(folder, params) if (record := _record(folder, given))
    }
    several = output == "multilabel"
    return Answers(by_role=by_role, several=several, teacher=teacher, unscored=unscored, records=records)


def _there(folder: RunFolder, params: GradeParams) -> Iterator[GradedModel]:
    """A baseline whose training failed or was dropped is not."""
    for given in params.models:
        if given.path is None or given.role == "student" or folder.input(f"{given.path}/model.safetensors").exists():
            yield given


def _module(folder: RunFolder, params: GradeParams, given: GradedModel) -> nn.Sequential:
    if given.path is None:
        assert given.seed is not None
        rows, division = opened(folder, params)
        merges = learned(params.student, rows.inputs, division.train)
        return initialised(params.student, params.signature, given.seed, merges, folder.input(f"student/{FILE}"))
    return loaded(params.student, params.signature, folder.input(f"{given.path}/model.safetensors"))


def _record(folder: RunFolder, given: GradedModel) -> TrainRecord | None:
    if given.path is None:
        return None
    return TrainRecord.model_validate_json(folder.input(f"{given.path}/train.json").read_bytes())
