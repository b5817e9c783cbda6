"""Bias correction for classes that the transfer set lacks (Hinton et al. 2015, section 3: "3s" appear nowhere in it).

One offset for all absent classes together. The paper tuned it on test rows; here it is tuned on validation rows, never on the report's.
"""

import numpy as np
import numpy.typing as npt

from distill.graders import measured, metric
from distill.students.predict import softmax
from spec.grader import Metric

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FEWEST, MOST = 50, 1000
"""Offsets tried."""
WORK = 200_000_000
"""Logits looked at, over all offsets tried."""


def best_offset(logits_NV: npt.NDArray[np.float32], truth_N: Ints, absent: Ints, headline: Metric) -> float:
    """The offset to add to the logits of `absent` that makes the headline metric of these rows best.

    Between two neighbouring offsets at which some row's answer changes, all are alike to accuracy; of offsets that are equally good, the
    middle one is taken. 0 where there are no rows, or none of the classes is absent.
    """
    if not len(truth_N) or not len(absent):
        return 0.0
    z = logits_NV.astype(np.float64)
    tried = candidates(z, absent, min(MOST, max(FEWEST, WORK // z.size)))
    values = np.array([measured(headline, softmax(shifted(z, absent, offset)), truth_N) for offset in tried])
    best = values.max() if metric(headline).higher_is_better else values.min()
    equal = np.flatnonzero(values == best)
    return float(tried[equal[len(equal) // 2]])


def candidates(logits_NV: Floats, absent: Ints, most: int) -> Floats:
    """Offsets between those at which the answer of some row changes from a present class to an absent one, and 0."""
    present = np.setdiff1d(np.arange(logits_NV.shape[1]), absent)
    edges = np.unique(logits_NV[:, present].max(axis=1) - logits_NV[:, absent].max(axis=1))
    if len(edges) > most:
        edges = np.quantile(edges, np.linspace(0, 1, most))
    between = (edges[1:] + edges[:-1]) / 2
    return np.unique(np.concatenate([between, [edges[0] - 1, edges[-1] + 1, 0.0]]))


def shifted(logits_NV: Floats, absent: Ints, offset: float) -> Floats:
    """A copy with `offset` added to the columns `absent`."""
    found = logits_NV.copy()
    found[:, absent] += offset
    return found
