"""Paired bootstrap (Efron 1979; percentile intervals): every model is judged on the same resamples, so differences are too."""

from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Name = TypeVar("Name", bound=Hashable)
CHUNK = 2_000_000
"""Draws at once."""
DRAWS = 400_000_000
"""Draws at most: very many rows get fewer resamples, never under 200."""


class Bootstrap:
    """`resamples` draws of as many units as there are, with replacement. A unit is a row, or a whole group of rows.

    `units_N`: the unit of each row, from 0. Legend: `R` resamples, `U` units, `K` sums.
    """

    def __init__(self, units_N: Ints, resamples: int, seed: int) -> None:
        self._units, self._seed = units_N, seed
        self.units = int(units_N.max()) + 1 if len(units_N) else 0
        self.resamples = min(resamples, max(200, DRAWS // max(self.units, 1)))

    def sums(self, statistics: Mapping[Name, Floats]) -> dict[Name, Floats]:
        """{name: (N, K)} -> {name: (R, K)}: sums over the rows of each resample, the same resamples for every name, and in every call."""
        by_unit = {name: self._by_unit(values) for name, values in statistics.items()}
        found = {name: np.empty((self.resamples, values.shape[1])) for name, values in statistics.items()}
        done = 0
        for weights_RU in self._weights():
            for name, values in by_unit.items():
                np.matmul(weights_RU, values, out=found[name][done : done + len(weights_RU)])
            done += len(weights_RU)
        return found

    def _by_unit(self, values_NK: Floats) -> Floats:
        if self.units == len(self._units):
            return values_NK
        found = np.zeros((self.units, values_NK.shape[1]))
        np.add.at(found, self._units, values_NK)
        return found

    def _weights(self) -> Iterator[Floats]:
        """Chunks of (R, U): how often each unit is in each resample."""
        source = np.random.default_rng(self._seed)
        at_once = max(1, CHUNK // max(self.units, 1))
        for first in range(0, self.resamples, at_once):
            rows = min(at_once, self.resamples - first)
            drawn = source.integers(0, self.units, size=(rows, self.units))
            drawn += np.arange(rows)[:, None] * self.units
            yield np.bincount(drawn.ravel(), minlength=rows * self.units).reshape(rows, self.units).astype(np.float64)


def interval(values_R: Floats) -> tuple[float, float] | None:
    """95%: from the 2.5th to the 97.5th percentile; None where a resample has no value."""
    if not np.isfinite(values_R).all():
        return None
    low, high = np.percentile(values_R, (2.5, 97.5))
    return float(low), float(high)
