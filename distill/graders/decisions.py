"""Where a row has any number of classes, each is decided by itself: by its log-odds, and with them its probability."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
THRESHOLD = 0.5


def sigmoid(logits_NV: npt.NDArray[np.floating[Any]]) -> Floats:
    """Probabilities of log-odds, in float64."""
    small = np.exp(-np.abs(logits_NV.astype(np.float64)))
    return np.where(logits_NV >= 0, 1.0, small) / (1.0 + small)


def named_classes(probabilities_NV: Floats) -> npt.NDArray[np.bool_]:
    """(N, V): classes whose probability is over a half."""
    return np.asarray(probabilities_NV > THRESHOLD)
