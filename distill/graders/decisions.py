"""Who is named where a row has any number of classes: each class is decided by itself."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
THRESHOLD = 0.5


def named_classes(probabilities_NV: Floats) -> npt.NDArray[np.bool_]:
    """(N, V): classes whose probability is over a half."""
    return np.asarray(probabilities_NV > THRESHOLD)
