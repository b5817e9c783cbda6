"""Share of rows whose most probable class is the label; of several classes a row, whose every class is decided rightly (subset accuracy)."""

import numpy as np
import numpy.typing as npt

from distill.data.rows import Labels
from distill.graders.decisions import named_classes

Floats = npt.NDArray[np.float64]


class AccuracyMetric:
    """Of classes that are equally probable, the first one counts."""

    higher_is_better = True

    def statistics(self, probabilities_NV: Floats, truth_N: Labels) -> Floats:
        return hits(probabilities_NV, truth_N)[:, None].astype(np.float64)

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        found: Floats = sums_K[..., 0] / rows
        return found


def hits(probabilities_NV: Floats, truth_N: Labels) -> npt.NDArray[np.bool_]:
    """(N,): whether each row is answered rightly."""
    if truth_N.ndim == 2:
        return np.asarray((named_classes(probabilities_NV) == truth_N).all(axis=1))
    return np.asarray(probabilities_NV.argmax(axis=1) == truth_N)
