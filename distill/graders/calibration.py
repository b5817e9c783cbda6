"""Expected calibration error: how far confidence is from accuracy, over bins of equal width (Guo et al. 2017, equation 3)."""

import numpy as np
import numpy.typing as npt

from distill.report.figures import Bin

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class CalibrationMetric:
    """Sum over bins of |accuracy - confidence| times the share of rows in the bin."""

    higher_is_better = False

    def __init__(self, bins: int) -> None:
        self._bins = bins

    def statistics(self, probabilities_NV: Floats, truth_N: Ints) -> Floats:
        """(N, bins): a row's hit minus its confidence, in its bin."""
        confidence = probabilities_NV.max(axis=1)
        found = np.zeros((len(truth_N), self._bins))
        hits = probabilities_NV.argmax(axis=1) == truth_N
        found[np.arange(len(truth_N)), bin_of(confidence, self._bins)] = hits - confidence
        return found

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        return np.asarray(np.abs(sums_K).sum(axis=-1) / rows)


def bin_of(confidence: Floats, bins: int) -> Ints:
    """(low, high] of equal width; the first one holds 0 too."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def calibration_bins(probabilities_NV: Floats, truth_N: Ints, bins: int = 10) -> tuple[Bin, ...]:
    """What a reliability diagram shows."""
    confidence, hits = probabilities_NV.max(axis=1), probabilities_NV.argmax(axis=1) == truth_N
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
