"""Rows that are looked at while training goes on: validation rows, which choose, and held-out rows, which only draw a curve."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from distill.data.rows import Ints, Rows
from distill.graders import measured, named
from distill.students.predict import predict, softmax
from distill.students.scaling import Scaling
from spec.grader import Accuracy, Metric, Nll

CURVE_ROWS = 2048
"""Held-out rows of a curve at most, evenly spaced: a curve must not cost what training costs."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Labelled rows of one file."""

    name: str
    inputs: npt.NDArray[Any]
    rows: Ints
    truth: Ints
    metrics: tuple[Metric, ...]

    @classmethod
    def of(cls, name: str, rows: Rows, which: Ints, classes: tuple[str, ...], headline: Metric | None) -> "Watched":
        """The rows among `which` that have a label. Without a headline, at most CURVE_ROWS of them."""
        targets = rows.targets(classes)
        which = which[targets[which] >= 0]
        if headline is None and len(which) > CURVE_ROWS:
            which = which[np.linspace(0, len(which) - 1, CURVE_ROWS).round().astype(np.int64)]
        metrics: dict[str, Metric] = {"accuracy": Accuracy(type="accuracy"), "nll": Nll(type="nll")}
        if headline is not None:
            metrics[named(headline)] = headline
        return cls(name=name, inputs=rows.inputs, rows=which, truth=targets[which], metrics=tuple(metrics.values()))

    def logits(self, module: nn.Module, scaling: Scaling) -> npt.NDArray[np.float32]:
        return predict(module, scaling, self.inputs, self.rows)

    def measure(self, module: nn.Module, scaling: Scaling) -> dict[str, float]:
        """{"<name>_<metric>": value}; nothing where no row has a label."""
        if not len(self.rows):
            return {}
        probabilities = softmax(self.logits(module, scaling))
        return {f"{self.name}_{named(each)}": measured(each, probabilities, self.truth) for each in self.metrics}
