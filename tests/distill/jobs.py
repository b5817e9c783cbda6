"""A whole small job: planned from facts, each step done in its run folder."""

from pathlib import Path
from typing import Any

import numpy as np

from distill.export.contenders import Network
from distill.export.onnx_writer import raw
from spec.distillation import Distillation
from spec.facts import (
    ColumnFacts,
    DatasetFacts,
    Facts,
    InputSignature,
    ModelFacts,
    OutputSignature,
    PairFacts,
    Roles,
    Signature,
    SplitFacts,
    StoredFile,
)
from spec.params import AugmentParams, GradeParams, PackageParams, Params, ScoreParams, TrainParams
from spec.plan import plan
from spec.resolve import resolve
from spec.run import Result
from spec.step import Step
from spec.student import Convnet
from tests.distill.runs import here, random_teacher, run_folder, write_rows

CLASSES = ("ant", "bee", "cat")
TEACHER = Convnet(type="convnet", channels=(4, 4), hidden=8)
SIGNATURE = Signature(
    input=InputSignature(kind="image", shape=(6, 6), dtype="uint8", scale=1 / 255),
    output=OutputSignature(kind="classes", classes=CLASSES),
)
PARAMS: dict[str, type[Params]] = {
    "augment": AugmentParams,
    "score": ScoreParams,
    "train": TrainParams,
    "grade": GradeParams,
    "package": PackageParams,
}
SPEC: dict[str, Any] = {
    "name": "insects",
    "teacher": {"models": ["mdl_a", "mdl_b"]},
    "data": {"train": "ds_train", "heldout": "ds_heldout", "labelled": 0.5},
    "student": {"type": "convnet", "channels": [3], "hidden": 5, "norm": "batch"},
    "objective": [{"type": "soft_targets", "temperature": 4.0, "weight": 0.9}, {"type": "labels", "weight": 0.1}],
    "training": {"steps": 30, "batch_size": 16, "seed": 1},
    "evaluation": {"baselines": ["no_teacher", "all_labels"]},
}


class Job:
    """A job's steps, each done in its run folder, with the inputs that its plan names."""

    def __init__(self, root: Path, spec: dict[str, Any], onnx: bool = False) -> None:
        """`onnx`: the teachers are ONNX files, of which nothing is known but what they take and give."""
        self.root, self.onnx = root, onnx
        self.files: dict[str, Path] = {}
        facts = Facts(datasets=self._datasets(), models=self._teachers(spec), pairs=self._pairs())
        resolved = resolve(Distillation.model_validate(spec), facts)
        self.steps = {step.name: step for step in plan(resolved, facts)}
        self.results: dict[str, Result] = {}
        self.failed: tuple[str, ...] = ()

    def run(self, *, without: tuple[str, ...] = ()) -> None:
        """`without`: steps that have failed."""
        self.failed = without
        for step in self.steps.values():
            if step.name not in without:
                self.results[step.name] = self.step(step)
                assert self.results[step.name].status == "succeeded", self.results[step.name].error

    def step(self, step: Step) -> Result:
        inputs = {path: self.files[path] for path in step.inputs}
        for name, source in {**step.needs, **step.wants}.items():
            if source in self.results:
                inputs[name] = self.root / source / "outputs"
        context = {
            **step.context,
            "latency_seconds": 0.3,
            "job": {"id": "dst_1"},
            "steps": [*map(self._row, self.results), *(self._row(name, "failed") for name in self.failed)],
        }
        run_folder(
            self.root / step.name, step.verb, PARAMS[step.verb].model_validate(step.params), inputs, context=context
        )
        return here(self.root / step.name)

    def outputs(self, step: str) -> Path:
        return self.root / step / "outputs"

    def _row(self, name: str, state: str = "succeeded") -> dict[str, Any]:
        verb = self.steps[name].verb
        return {
            "name": name,
            "verb": verb,
            "state": state,
            "seconds": 1.0,
            "cached": False,
            "cut": False,
            "reason": None,
        }

    def _datasets(self) -> dict[str, DatasetFacts]:
        return {"ds_train": self._dataset("train", 90, 1), "ds_heldout": self._dataset("heldout", 60, 2)}

    def _dataset(self, name: str, count: int, seed: int) -> DatasetFacts:
        source = np.random.default_rng(seed)
        truth = np.arange(count) % 3
        x = source.integers(0, 120, (count, 6, 6)) + 60 * (np.arange(6)[None, :, None] // 2 == truth[:, None, None])
        labels = [CLASSES[i] for i in truth]
        path = write_rows(self.root / f"{name}.arrow", x.astype(np.uint8), labels)
        self.files[f"{name}/rows.arrow"] = path
        counts = {label: labels.count(label) for label in CLASSES}
        split = SplitFacts(
            rows=count, path=path.name, digest=name, bytes=path.stat().st_size, labels=counts, labelled=count
        )
        columns = {
            "x": ColumnFacts(kind="image", shape=(6, 6), dtype="uint8", low=0, high=255),
            "y": ColumnFacts(kind="class", dtype="str", values=counts),
        }
        return DatasetFacts(digest=name, splits={"train": split}, columns=columns, roles=Roles(input="x", label="y"))

    def _teachers(self, spec: dict[str, Any]) -> dict[str, ModelFacts]:
        names = (spec.get("teacher") or {}).get("models", ())
        return {name: self._teacher(i) for i, name in enumerate(names)}

    def _teacher(self, i: int) -> ModelFacts:
        folder = self.root / f"teacher.{i}"
        module = random_teacher(folder, TEACHER, SIGNATURE, seed=i)
        path = folder / "model.safetensors"
        if self.onnx:
            path = folder / "model.onnx"
            path.write_bytes(Network(student=TEACHER, signature=SIGNATURE, module=module).onnx())
        self.files[f"teacher.{i}/{path.name}"] = path
        return ModelFacts(
            digest=f"teacher {i}",
            format="onnx" if self.onnx else "safetensors",
            files={path.name: StoredFile(digest=f"teacher {i}", bytes=path.stat().st_size)},
            architecture=None if self.onnx else TEACHER,
            signature=raw(SIGNATURE) if self.onnx else SIGNATURE,
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            bytes=sum(tensor.nbytes for tensor in module.state_dict().values()),
            licence="gemma" if i else None,
        )

    def _pairs(self) -> dict[str, PairFacts]:
        return {"train|heldout": PairFacts(overlap=0)}
