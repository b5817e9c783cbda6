"""Columns of texts as rows of bytes: mapped as Arrow holds them, and copied only for the rows that are asked for."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class PaddedTexts:
    """(N, any) in the place of an array: `texts[rows]` is (B, L) UTF-8 bytes, 0 after the end of each text, L that of the longest row.

    Of two columns a row is both texts, one 0 between them: no text has a NUL in it.
    """

    def __init__(self, *columns: pa.Array) -> None:
        self._columns = [_buffers(column) for column in columns]

    def __len__(self) -> int:
        return len(self._columns[0][0]) - 1

    def __getitem__(self, which: Any) -> npt.NDArray[np.uint8]:
        """`which`: a slice, or numbers of rows."""
        spans = [(ends[:-1][which], ends[1:][which]) for ends, _ in self._columns]
        whole = sum(lasts - firsts + 1 for firsts, lasts in spans) - 1
        found = np.zeros((len(whole), max(int(whole.max(initial=0)), 1)), dtype=np.uint8)
        at = np.zeros(len(whole), dtype=np.int64)
        for (firsts, lasts), (_, data) in zip(spans, self._columns, strict=True):
            for row, place, first, last in zip(found, at.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
                row[place : place + last - first] = data[first:last]
            at += lasts - firsts + 1
        return found


def _buffers(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Where each text ends, from where the first begins; and the bytes of all."""
    large = column.cast(pa.large_string())
    _, ends, data = large.buffers()
    places = np.frombuffer(ends, dtype=np.int64)[large.offset : large.offset + len(large) + 1]
    return places, np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
