"""The train verb in this process, and what it leaves."""

from pathlib import Path
from typing import Any

from distill.record import TrainRecord
from spec.params import TrainParams
from tests.distill.runs import here, run_folder


def trained(path: Path, params: TrainParams, inputs: dict[str, Path], **run: Any) -> TrainRecord:
    found = here(run_folder(path, "train", params, inputs, **run))
    assert found.status == "succeeded", found.error
    return TrainRecord.model_validate_json((path / "outputs/train.json").read_bytes())


def weights(path: Path) -> bytes:
    return (path / "outputs/model.safetensors").read_bytes()
