"""The models of a report as calls from raw rows to scores, once with ONNX Runtime and once with torch, for comparison and timing."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from distill.students.onnx import session
from distill.students.predict import probabilities
from distill.students.scaling import Scaling
from spec.facts import InputSignature

Array = npt.NDArray[Any]
Call = Callable[[Array], Array]
"""Raw rows [B, *shape] to scores [B, K]."""


def onnx_call(model: bytes, threads: int, features: nn.Module | None = None) -> Call:
    """Of a graph of ours, which scales by itself. `features`: from the bytes of texts to what the graph takes."""
    running = session(model, threads)
    name = running.get_inputs()[0].name

    def call(rows: Array) -> Array:
        given = rows if features is None else features(torch.from_numpy(rows)).numpy()
        answer: Array = running.run(None, {name: given})[0]
        return answer

    return call


def torch_call(module: nn.Module, given: InputSignature) -> Call:
    """Of a module of ours in eval mode."""
    scaling = Scaling.of(given)

    @torch.inference_mode()
    def call(rows: Array) -> Array:
        answer: Array = module(scaling(torch.from_numpy(rows))).numpy()
        return answer

    return call


def torch_ensemble(
    members: Sequence[tuple[nn.Module, InputSignature]],
    weights: Sequence[float],
    combine: str,
    *,
    several: bool = False,
) -> Call:
    """All members one after another, and their mean. `several`: of several classes a row, each with a probability by itself."""
    scalings = [Scaling.of(given) for _, given in members]
    shares = [weight / sum(weights) for weight in weights]
    geometric = combine == "geometric"

    def each(logits: torch.Tensor) -> torch.Tensor:
        if several:
            return logits if geometric else torch.sigmoid(logits)
        return (torch.log_softmax if geometric else torch.softmax)(logits, 1)

    @torch.inference_mode()
    def call(rows: Array) -> Array:
        raw = torch.from_numpy(rows)
        total: Any = 0
        for (module, _), scaling, share in zip(members, scalings, shares, strict=True):
            total = total + share * each(module(scaling(raw)))
        answer: Array = (torch.log_softmax(total, 1) if geometric and not several else total).numpy()
        return answer

    return call


def in_turn(calls: Sequence[Call], weights: Sequence[float], combine: str, *, several: bool = False) -> Call:
    """Models that share no graph: one after another, and their mean in numpy."""
    shares = [weight / sum(weights) for weight in weights]

    def alone(rows: Array) -> Array:
        scored = [scores(rows) for scores in calls]
        each = [probabilities(scores, "multilabel") for scores in scored] if combine == "arithmetic" else scored
        return np.average(each, axis=0, weights=shares)

    def call(rows: Array) -> Array:
        logs = [log_softmax(scores(rows)) for scores in calls]
        if combine == "geometric":
            return log_softmax(sum(share * log for share, log in zip(shares, logs, strict=True)))  # type: ignore[arg-type]  # a sum begins with the number 0
        mean: Array = sum(share * np.exp(log) for share, log in zip(shares, logs, strict=True))  # type: ignore[assignment]  # here, too
        return mean

    return alone if several else call


def log_softmax(scores: Array) -> Array:
    """[B, K] logits or log-probabilities to log-probabilities."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    answer: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return answer
