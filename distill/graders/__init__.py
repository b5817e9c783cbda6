"""Set metrics over held-out rows, and how sure they are.

A metric is a function of sums over rows: `statistics` gives each row's share, `value` what the sums mean. A resample weighs rows, so all
resamples of all models are one product of matrices, on the same rows.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from distill.data.rows import Labels
from distill.graders.accuracy import AccuracyMetric
from distill.graders.calibration import CalibrationMetric
from distill.graders.f1 import F1Metric
from distill.graders.nll import NllMetric
from spec.grader import F1, Accuracy, Calibration, Metric, Nll

Floats = npt.NDArray[np.float64]


class SetMetric(Protocol):
    """Legend: `N` rows, `V` classes, `K` sums, `...` any number of resamples. Truth is (N,), or (N, V) of zeros and ones where a row has any
    number of classes: then each probability is of its class by itself, and a decision is a row and a class."""

    higher_is_better: bool

    def statistics(self, probabilities_NV: Floats, truth_N: Labels) -> Floats:
        """(N, K): each row's share of the sums."""
        ...

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        """(..., K) and (...): the metric of weighted rows."""
        ...


def metric(given: Metric) -> SetMetric:
    match given:
        case Accuracy():
            return AccuracyMetric()
        case F1():
            return F1Metric(given.average)
        case Nll():
            return NllMetric()
        case Calibration():
            return CalibrationMetric(given.bins)


def named(given: Metric) -> str:
    """`accuracy`, `f1`, `f1_micro`, `nll`, `calibration`, `calibration_15`: options that are not the default are in the name."""
    if isinstance(given, F1) and given.average != "macro":
        return f"f1_{given.average}"
    if isinstance(given, Calibration) and given.bins != 10:
        return f"calibration_{given.bins}"
    return given.type


def measured(given: Metric, probabilities_NV: Floats, truth_N: Labels) -> float:
    """The metric of all rows; 0 where there are none."""
    if not len(truth_N):
        return 0.0
    how = metric(given)
    sums = how.statistics(probabilities_NV, truth_N).sum(axis=0)
    return float(how.value(sums, np.asarray(float(len(truth_N)))))
