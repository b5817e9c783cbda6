"""Answers of a student: logits of many rows, in float32, in batches that fit."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from distill.batched import in_batches
from distill.data.rows import Ints
from distill.graders.decisions import sigmoid
from distill.students.scaling import Scaling
from spec.facts import OutputKind

Logits = npt.NDArray[np.float32]


def predict(module: nn.Module, scaling: Scaling, inputs: npt.NDArray[Any], rows: Ints, batch: int = 1024) -> Logits:
    """(len(rows), V). In eval mode; the module's mode is left as it was found."""
    training, device = module.training, scaling.scale.device
    module.eval()

    def answer(first: int, last: int) -> Logits:
        with torch.no_grad():
            raw = torch.from_numpy(inputs[rows[first:last]]).to(device)
            found: Logits = module(scaling(raw)).float().cpu().numpy()
        return found

    logits = np.concatenate(list(in_batches(len(rows), batch, answer)))
    module.train(training)
    return logits


def probabilities(logits_NV: npt.NDArray[np.floating[Any]], output: OutputKind) -> npt.NDArray[np.float64]:
    """Of each class: among all of them, or by itself."""
    return sigmoid(logits_NV) if output == "multilabel" else softmax(logits_NV)


def softmax(logits_NV: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Rows of probabilities, in float64."""
    z = logits_NV.astype(np.float64)
    z = np.exp(z - z.max(axis=-1, keepdims=True))
    found: npt.NDArray[np.float64] = z / z.sum(axis=-1, keepdims=True)
    return found
