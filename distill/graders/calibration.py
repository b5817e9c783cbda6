"""Expected calibration error: how far confidence is from accuracy, over bins of equal width (Guo et al. 2017, equation 3).

Of several classes a row, over all decisions: confidence is the probability of the answer, yes or no, that was given.
"""

import numpy as np
import numpy.typing as npt

from distill.data.rows import Ints, Labels
from distill.graders.decisions import named_classes
from distill.report.figures import Bin

Floats = npt.NDArray[np.float64]


class CalibrationMetric:
    """Sum over bins of |accuracy - confidence| times the share of rows (or decisions) in the bin."""

    higher_is_better = False

    def __init__(self, bins: int) -> None:
        self._bins = bins

    def statistics(self, probabilities_NV: Floats, truth_N: Labels) -> Floats:
        """(N, bins): a row's hits minus its confidence, in their bins; of several decisions, their mean."""
        confidence, hits = answers(probabilities_NV, truth_N)
        rows, decisions = confidence.shape
        found = np.zeros((rows, self._bins))
        np.add.at(found, (np.arange(rows)[:, None], bin_of(confidence, self._bins)), (hits - confidence) / decisions)
        return found

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        return np.asarray(np.abs(sums_K).sum(axis=-1) / rows)


def answers(probabilities_NV: Floats, truth_N: Labels) -> tuple[Floats, Floats]:
    """(N, decisions) each: confidence, and 1 where the answer is right. Where a row has one class, it is one decision."""
    if truth_N.ndim == 2:
        hits = named_classes(probabilities_NV) == truth_N
        return np.maximum(probabilities_NV, 1 - probabilities_NV), hits.astype(np.float64)
    right = (probabilities_NV.argmax(axis=1) == truth_N).astype(np.float64)
    return probabilities_NV.max(axis=1)[:, None], right[:, None]


def bin_of(confidence: Floats, bins: int) -> Ints:
    """(low, high] of equal width; the first one holds 0 too."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def calibration_bins(probabilities_NV: Floats, truth_N: Labels, bins: int = 10) -> tuple[Bin, ...]:
    """What a reliability diagram shows."""
    confidence, hits = (values.ravel() for values in answers(probabilities_NV, truth_N))
    places = bin_of(confidence, bins)
    rows = np.bincount(places, minlength=bins)
    sums = [np.bincount(places, weights=values, minlength=bins) for values in (confidence, hits)]
    means = [total / np.maximum(rows, 1) for total in sums]
    return tuple(
        Bin(
            low=i / bins,
            high=(i + 1) / bins,
            rows=int(rows[i]),
            confidence=float(means[0][i]),
            accuracy=float(means[1][i]),
        )
        for i in range(bins)
    )
