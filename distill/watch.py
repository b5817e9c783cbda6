"""Rows that are looked at while training goes on: validation rows, which choose, and held-out rows, which only draw a curve."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from distill.data.rows import Ints, Labels, Rows, seen
from distill.graders import measured, named
from distill.students.predict import predict, probabilities
from distill.students.scaling import Scaling
from spec.facts import OutputSignature
from spec.grader import F1, Accuracy, Metric, Nll

CURVE_ROWS = 2048
"""Held-out rows of a curve at most, evenly spaced: a curve must not cost what training costs."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Labelled rows of one file."""

    name: str
    inputs: npt.NDArray[Any]
    rows: Ints
    truth: Labels
    metrics: tuple[Metric, ...]
    output: OutputSignature

    @classmethod
    def of(cls, name: str, rows: Rows, which: Ints, output: OutputSignature, headline: Metric | None) -> "Watched":
        """The rows among `which` that have a label. Without a headline, at most CURVE_ROWS of them."""
        targets = rows.targets(output.classes)
        which = which[seen(targets)[which]]
        if headline is None and len(which) > CURVE_ROWS:
            which = which[np.linspace(0, len(which) - 1, CURVE_ROWS).round().astype(np.int64)]
        told: list[Metric] = [Accuracy(type="accuracy"), Nll(type="nll")]
        told += [F1(type="f1", average="micro")] if output.kind == "multilabel" else []
        metrics = {named(metric): metric for metric in (*told, *([headline] if headline is not None else []))}
        truth, chosen = targets[which], tuple(metrics.values())
        return cls(name=name, inputs=rows.inputs, rows=which, truth=truth, metrics=chosen, output=output)

    def logits(self, module: nn.Module, scaling: Scaling) -> npt.NDArray[np.float32]:
        return predict(module, scaling, self.inputs, self.rows)

    def measure(self, module: nn.Module, scaling: Scaling) -> dict[str, float]:
        """{"<name>_<metric>": value}; nothing where no row has a label."""
        if not len(self.rows):
            return {}
        found = probabilities(self.logits(module, scaling), self.output.kind)
        return {f"{self.name}_{named(each)}": measured(each, found, self.truth) for each in self.metrics}
