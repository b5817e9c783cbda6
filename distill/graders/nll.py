"""Mean negative log-likelihood of the label, in nats: a proper score, so calibration counts too."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SMALLEST = float(np.finfo(np.float64).tiny)


class NllMetric:
    """A probability of 0 counts as float64's smallest normal number (708 nats)."""

    higher_is_better = False

    def statistics(self, probabilities_NV: Floats, truth_N: Ints) -> Floats:
        likelihood = probabilities_NV[np.arange(len(truth_N)), truth_N]
        found: Floats = -np.log(np.maximum(likelihood, SMALLEST))[:, None]
        return found

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        found: Floats = sums_K[..., 0] / rows
        return found
