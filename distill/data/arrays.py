"""Sources that are numpy arrays already: what NPZ and IDX share."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from distill.data.batch import ROWS, Batch, Values
from distill.data.refusal import damaged, refuse

MOST_VALUES = 2**24
"""Of one row."""
LOADED = 256 * 2**20
"""Bytes of an array that may be held in memory, where it cannot be read in pieces."""


class Stream(Protocol):
    """Reads bytes in order."""

    def read(self, size: int, /) -> bytes: ...


class Stored:
    """An array read row by row from a stream. Refused: rows too large, or a file that ends early."""

    def __init__(self, stream: Stream, dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> None:
        size = int(np.prod(shape[1:], dtype=object))
        if not shape or min(shape) < 0 or size > MOST_VALUES:
            message = f"an array of shape {shape} does not hold rows of up to {MOST_VALUES:,} values."
            raise refuse("array_unusable", name, message, "The first dimension counts rows.")
        self.dtype, self.shape, self.name = dtype, shape, name
        self._stream, self._bytes, self._left = stream, size * dtype.itemsize, shape[0]

    @property
    def batch_rows(self) -> int:
        """Rows of about 8 MiB."""
        return max(1, min(ROWS, 2**23 // max(self._bytes, 1)))

    def next(self, rows: int) -> npt.NDArray[Any]:
        """The next rows, at most as many as are left."""
        rows = min(rows, self._left)
        wanted = rows * self._bytes
        parts, got = [], 0
        while got < wanted and (part := self._stream.read(min(wanted - got, 2**20))):
            parts.append(part)
            got += len(part)
        if got < wanted:
            raise damaged(self.name, f"it ends {self._left * self._bytes - got:,} bytes early")
        self._left -= rows
        return np.frombuffer(b"".join(parts), dtype=self.dtype).reshape(rows, *self.shape[1:])


def side_by_side(columns: Mapping[str, Stored], split: str | None = None) -> Iterator[Batch]:
    """Batches of arrays that are columns of one table. Refused (`rows_differ`)."""
    counts = {column: stored.shape[0] for column, stored in columns.items()}
    if len(set(counts.values())) > 1:
        (a, n), (b, m) = next((x, y) for x in counts.items() for y in counts.items() if x[1] != y[1])
        first = next(iter(columns.values()))
        raise refuse("rows_differ", first.name, f"column {a!r} has {n:,} rows, column {b!r} {m:,}.")
    step = min(stored.batch_rows for stored in columns.values())
    for start in range(0, next(iter(counts.values())), step):
        read = {column: plain(stored.next(step)) for column, stored in columns.items()}
        rows = len(next(iter(read.values())))
        yield Batch(lines=range(start + 1, start + rows + 1), columns=read, split=split, typed=True)


def plain(values: npt.NDArray[Any]) -> Values:
    """Numbers in the machine's byte order; texts and truth values as Python objects, a text that is alone in its row (n, 1) without its list.
    ValueError: a text is no Unicode."""
    if values.dtype.kind in "iuf":
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        codes = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))).view(np.uint32)
        if values.size and (((codes >= 0xD800) & (codes < 0xE000)) | (codes > 0x10FFFF)).any():
            raise ValueError("a text in it is no Unicode")
    if values.dtype.kind == "b" and values.ndim > 1:
        return values.astype(np.uint8)
    found: list[Any] = (values.reshape(-1) if values.ndim > 1 and values[:1].size == 1 else values).tolist()
    return found
