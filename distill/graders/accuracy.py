"""Share of rows whose most probable class is the label."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class AccuracyMetric:
    """Of classes that are equally probable, the first one counts."""

    higher_is_better = True

    def statistics(self, probabilities_NV: Floats, truth_N: Ints) -> Floats:
        found: Floats = (probabilities_NV.argmax(axis=1) == truth_N)[:, None].astype(np.float64)
        return found

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        found: Floats = sums_K[..., 0] / rows
        return found
