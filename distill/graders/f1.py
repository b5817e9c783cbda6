"""F1 = 2·hits / (answers + truths), by class or over all decisions."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from distill.data.rows import Labels
from distill.graders.decisions import named_classes

Floats = npt.NDArray[np.float64]


class F1Metric:
    """`macro`: the mean over classes that are answered or true at least once. `micro`: over all decisions, which is accuracy where a row has one
    class; 0 where nothing is answered or true."""

    higher_is_better = True

    def __init__(self, average: Literal["macro", "micro"]) -> None:
        self._average = average

    def statistics(self, probabilities_NV: Floats, truth_N: Labels) -> Floats:
        """(N, 2V): hits of each class, then answers and truths of each class."""
        if truth_N.ndim == 2:
            named = named_classes(probabilities_NV)
            return np.concatenate([named & (truth_N == 1), named + truth_N], axis=1).astype(np.float64)
        rows, classes = probabilities_NV.shape
        places, answers = np.arange(rows), probabilities_NV.argmax(axis=1)
        found = np.zeros((rows, 2 * classes))
        found[places, answers] = answers == truth_N
        np.add.at(found, (places, classes + answers), 1)
        np.add.at(found, (places, classes + truth_N), 1)
        return found

    def value(self, sums_K: Floats, rows: Floats) -> Floats:
        hits, named = np.split(sums_K, 2, axis=-1)
        if self._average == "micro":
            return np.asarray(2 * hits.sum(axis=-1) / np.maximum(named.sum(axis=-1), 1))
        seen = named > 0
        by_class = 2 * hits / np.where(seen, named, 1)
        return np.asarray(by_class.sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1))
