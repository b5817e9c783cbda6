"""The docstrings as a data set, and whole jobs on them, step by step in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from distill.students import ngrams
from spec.distillation import Distillation
from spec.facts import DatasetFacts, Facts, ModelFacts, TokenizerFacts
from spec.params import InspectDataset, SourceFile
from spec.plan import plan
from spec.resolve import resolve
from spec.rows import divide_reference
from spec.run import Result
from tests.distill import docstrings
from tests.distill.jobs import PARAMS
from tests.distill.runs import here, read, run_folder

TOKENIZER = "tokenizer/tokenizer.json"
BAG = {"type": "text_classifier", "width": 32, "buckets": 8192}
SPEC: dict[str, Any] = {
    "name": "libraries",
    "data": {"train": "ds_text"},
    "student": BAG,
    "objective": [{"type": "labels"}],
    "training": {"epochs": 6, "seed": 1},
}


def padded(texts: Sequence[ngrams.Text]) -> torch.Tensor:
    """What a student of texts is given of them."""
    return torch.from_numpy(ngrams.padded(texts))


def inspected(root: Path, *paths: Path, **options: Any) -> Result:
    """A data set of files, each a split by its name."""
    files = tuple(SourceFile(path=p.name, filename=p.name, split=p.stem) for p in paths)
    given = {f"files/{path.name}": path for path in paths}
    return here(run_folder(root, "inspect", InspectDataset(files=files, **options), given))


class Library:
    """The docstrings as a data set, and jobs on them."""

    def __init__(
        self,
        root: Path,
        write: Callable[[Path], tuple[Path, Path]] = docstrings.write,
        device: str = "cpu",
        **options: Any,
    ) -> None:
        self.root, self.device = root, device
        self.datasets: dict[str, DatasetFacts] = {}
        self.dataset = self.add("ds_text", *write(root), **options)
        self.models: dict[str, tuple[ModelFacts, Path]] = {}
        self.tokenizers: dict[str, tuple[TokenizerFacts, Path]] = {}

    def add(self, id: str, *paths: Path, **options: Any) -> DatasetFacts:
        """One more data set, which jobs may train on."""
        found = inspected(self.root / id, *paths, **options)
        assert found.status == "succeeded", found.error
        self.datasets[id] = DatasetFacts.model_validate(found.facts)
        return self.datasets[id]

    def rows(self, split: str, id: str = "ds_text") -> Path:
        return self.root / id / "outputs" / f"{split}.arrow"

    def job(self, name: str, spec: dict[str, Any]) -> Path:
        """Its folder, with a run folder for each step, all done."""
        held = {id: facts for id, (facts, _) in self.models.items()}
        known = {id: facts for id, (facts, _) in self.tokenizers.items()}
        facts = Facts(datasets=self.datasets, models=held, tokenizers=known)
        resolved = resolve(Distillation.model_validate(spec), facts)
        done: dict[str, Path] = {}
        for step in plan(resolved, facts):
            train = self.rows("train", divide_reference(resolved.data.train)[0])
            inputs = {"train/rows.arrow": train, "heldout/rows.arrow": self.rows("test")}
            inputs = {path: inputs[path] for path in step.inputs if path in inputs}
            for i, id in enumerate((spec.get("teacher") or {}).get("models", ())):
                mine = [path for path in step.inputs if path.startswith(f"teacher.{i}/")]
                inputs |= {path: self.models[id][1].with_name(Path(path).name) for path in mine}
            inputs |= {
                path: self.tokenizers[spec["student"]["tokenizer"]][1] for path in step.inputs if path == TOKENIZER
            }
            inputs |= {path: done[source] for path, source in (step.needs | step.wants).items()}
            params = PARAMS[step.verb].model_validate(step.params)
            context = {"latency_seconds": 0.3, "job": {"id": "dst_1"}, "steps": []}
            device = self.device if step.queue == "gpu" else "cpu"
            path = self.root / name / step.name
            folder = run_folder(path, step.verb, params, inputs, context=context, device=device)
            result = here(folder)
            assert result.status == "succeeded", result.error
            done[step.name] = folder / "outputs"
            if step.verb == "package":
                facts_of = ModelFacts.model_validate(result.facts)
                self.models[f"mdl_{name}"] = facts_of, done[step.name] / "model.safetensors"
        return self.root / name


def accuracy(job: Path, role: str = "student") -> float:
    roles = read(job / "grade/outputs/grade.json")["roles"]
    return float(next(found["metrics"]["accuracy"]["value"] for found in roles if found["role"] == role))
