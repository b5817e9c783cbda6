"""A column of texts as rows of bytes: mapped as Arrow holds it, and copied only for the rows that are asked for."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class PaddedTexts:
    """(N, any) in the place of an array: `texts[rows]` is (B, L) UTF-8 bytes, 0 after the end of each text, L that of the longest."""

    def __init__(self, column: pa.Array) -> None:
        large = column.cast(pa.large_string())
        _, ends, data = large.buffers()
        self._ends = np.frombuffer(ends, dtype=np.int64)[large.offset : large.offset + len(large) + 1]
        self._data = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, which: Any) -> npt.NDArray[np.uint8]:
        """`which`: a slice, or numbers of rows."""
        starts, ends = self._ends[:-1][which], self._ends[1:][which]
        lengths = ends - starts
        place = np.arange(max(int(lengths.max(initial=0)), 1))
        inside = place < lengths[:, None]
        found = np.zeros(inside.shape, dtype=np.uint8)
        found[inside] = self._data[(starts[:, None] + place)[inside]]
        return found
