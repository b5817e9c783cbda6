"""Teachers: models we hold, as functions from raw rows to logits in the class order that the job asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.students import loaded
from distill.students.scaling import Scaling, shaped
from spec.params import TeacherInput

Logits = npt.NDArray[np.float32]
Scorer = Callable[[npt.NDArray[Any]], Logits]
"""Raw rows (B, *shape) of any dtype -> (B, V)."""
SMALLEST = float(np.finfo(np.float32).tiny)
"""A probability of 0 counts as this one: float32's smallest normal number."""


def teacher(given: TeacherInput, folder: Path, classes: tuple[str, ...], *, device: str, threads: int) -> Scorer:
    """The teacher whose files are in `folder`. Probabilities become their logarithms, which are logits too; of several classes a row log-odds."""
    facts = given.facts
    run = _onnx(given, folder, threads) if facts.format == "onnx" else _safetensors(given, folder, device)
    own = facts.signature.output.classes
    order = None if own == classes else [own.index(name) for name in classes]
    probabilities = facts.signature.output.scores == "probabilities"
    logits_of = odds_of if facts.signature.output.kind == "multilabel" else log_of

    def score(raw: npt.NDArray[Any]) -> Logits:
        scores = run(shaped(raw, facts.signature.input))
        if probabilities:
            scores = logits_of(scores)
        return scores if order is None else np.ascontiguousarray(scores[:, order])

    return score


def log_of(probabilities: Logits) -> Logits:
    """Logarithms; what is under float32's smallest normal number counts as that."""
    logs: Logits = np.log(np.maximum(probabilities, np.float32(SMALLEST)), dtype=np.float32)
    return logs


def odds_of(probabilities: Logits) -> Logits:
    """Log-odds of probabilities of each class by itself, in bounds of float32's smallest normal number; NaN of what is no probability."""
    p = probabilities.astype(np.float64)
    inside = np.where((p >= 0) & (p <= 1), p, np.nan)
    odds: Logits = (np.log(np.maximum(inside, SMALLEST)) - np.log(np.maximum(1 - inside, SMALLEST))).astype(np.float32)
    return odds


def _onnx(given: TeacherInput, folder: Path, threads: int) -> Scorer:
    from distill.students.onnx import OnnxModel  # noqa: PLC0415  # onnxruntime takes 40 ms to import, and most teachers do without

    return OnnxModel(folder / "model.onnx", given.facts.signature.input, threads)


def _safetensors(given: TeacherInput, folder: Path, device: str) -> Scorer:
    facts = given.facts
    assert facts.architecture is not None
    module = loaded(facts.architecture, facts.signature, folder / "model.safetensors").float().to(device)
    scaling = Scaling.of(facts.signature.input, device)

    def run(raw: npt.NDArray[Any]) -> Logits:
        with torch.no_grad():
            found: Logits = module(scaling(torch.from_numpy(raw).to(device))).float().cpu().numpy()
        return found

    return run
