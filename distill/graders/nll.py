"""Mean negative log-likelihood of the label, in nats: a proper score, so calibration counts too. Of several classes a row, the mean of all
decisions: binary cross-entropy."""

import numpy as np
import numpy.typing as npt

from distill.data.rows import Labels

Floats = npt.NDArray[np.float64]
SMALLEST = float(np.finfo(np.float64).tiny)
EPSILON = float(np.finfo(np.float64).eps)
"""Next to 1, a probability is not known more exactly."""


class NllMetric:
    """A probability of 0 counts as float64's smallest normal number (708 nats); of a decision, as its epsilon (36 nats), as in scikit-learn."""

    higher_is_better = False

    def statistics(self, probabilities_NV: Floats, truth_N: Labels) -> Floats:
        if truth_N.ndim == 2:
            likely = np.clip(np.where(truth_N == 1, probabilities_NV, 1 - probabilities_NV), EPSILON, 1 - EPSILON)
            return np.asarray(-np.log(likely).mean(axis=1, keepdims=True))
        likelihood = probabilities_NV[np.arange(len(truth_N)), truth_N]
        found: Floats = -np.log(np.maximum(likelihood, SMALLEST))[:, None]
        return found

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        found: Floats = sums_K[..., 0] / rows
        return found
