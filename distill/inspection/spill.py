"""Columns of unknown length, written to scratch files as they come and mapped when they are whole: memory stays flat.

No file is held open: there may be more columns than a process may have open files.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MOST_VALUES = 1000
"""Distinct values that are counted."""


LONGEST = 1024
"""Bytes of a value, where values are counted."""


class Arrays:
    """Chunks (n, *shape), each in its own type."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._path, self._shape = path, shape
        path.touch()
        self._chunks: list[tuple[np.dtype[Any], int]] = []
        self.low, self.high = np.inf, -np.inf
        self._sums_off = 0.0

    @property
    def dtypes(self) -> set[np.dtype[Any]]:
        return {dtype for dtype, _ in self._chunks}

    def add(self, values: npt.NDArray[Any]) -> None:
        if values.size:
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
            if values.ndim == 2 and values.dtype.kind == "f":
                self._sums_off = max(self._sums_off, float(np.abs(values.sum(axis=1, dtype=np.float64) - 1).max()))
        self._chunks.append((values.dtype, len(values)))
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(values).data)

    def sums_to_one(self, rounding: float) -> bool:
        """Whether every row is a distribution, up to rounding."""
        return self.low >= -rounding and self._sums_off <= rounding

    def column(self, dtype: np.dtype[Any]) -> pa.Array:
        """All chunks as one mapped column of type `dtype`."""
        if self.dtypes != {dtype}:
            self._cast(dtype)
        size, rows = int(np.prod(self._shape)), sum(n for _, n in self._chunks)
        flat = pa.Array.from_buffers(pa.from_numpy_dtype(dtype), rows * size, [None, mapped(self._path)])
        return pa.FixedSizeListArray.from_arrays(flat, size)

    def _cast(self, dtype: np.dtype[Any]) -> None:
        target = self._path.with_suffix(".cast")
        size = int(np.prod(self._shape))
        with self._path.open("rb") as source, target.open("wb") as file:
            for chunk, rows in self._chunks:
                values = np.frombuffer(source.read(rows * size * chunk.itemsize), chunk)
                file.write(values.astype(dtype).data)
        target.replace(self._path)


class Texts:
    """Strings, None where missing, with counts of the values while they are few."""

    def __init__(self, path: Path) -> None:
        self._data, self._ends = path.with_suffix(".data"), path.with_suffix(".ends")
        self._data.touch()
        self._ends.write_bytes(np.zeros(1, np.int64).tobytes())
        self._end = 0
        self._valid: list[npt.NDArray[np.uint8]] = []
        self.rows = self.missing = 0
        self.counts: Counter[str] | None = Counter()

    def add(self, texts: list[str | None]) -> None:
        parts = [b"" if text is None else text.encode() for text in texts]
        ends = self._end + np.cumsum([len(part) for part in parts], dtype=np.int64)
        with self._data.open("ab") as data, self._ends.open("ab") as places:
            data.write(b"".join(parts))
            places.write(ends.data)
        self._end = int(ends[-1]) if len(ends) else self._end
        self._valid.append(np.array([text is not None for text in texts], dtype=np.uint8))
        self.rows += len(texts)
        self.missing += texts.count(None)
        if self.counts is not None:
            self.counts.update(text for text in texts if text is not None)
            few = len(self.counts) <= MOST_VALUES and max(map(len, parts), default=0) <= LONGEST
            self.counts = self.counts if few else None

    def column(self) -> pa.Array:
        """All of it as one mapped column of large strings."""
        valid = pa.py_buffer(np.packbits(np.concatenate(self._valid), bitorder="little")) if self.missing else None
        buffers = [valid, mapped(self._ends), mapped(self._data)]
        return pa.Array.from_buffers(pa.large_string(), self.rows, buffers, null_count=self.missing)


class Names:
    """Lists of strings, None where missing, with counts of the rows that have each, while they are few."""

    def __init__(self, path: Path) -> None:
        self._names, self._ends = Texts(path), path.with_suffix(".lists")
        self._ends.write_bytes(np.zeros(1, np.int64).tobytes())
        self._valid: list[npt.NDArray[np.uint8]] = []
        self.rows = self.missing = 0

    @property
    def counts(self) -> Counter[str] | None:
        return self._names.counts

    def add(self, lists: list[list[str] | None]) -> None:
        """No name stands twice in a list."""
        ends = self._names.rows + np.cumsum([len(names or ()) for names in lists], dtype=np.int64)
        self._names.add([name for names in lists for name in names or ()])
        with self._ends.open("ab") as file:
            file.write(ends.data)
        self._valid.append(np.array([names is not None for names in lists], dtype=np.uint8))
        self.rows += len(lists)
        self.missing += lists.count(None)

    def column(self) -> pa.Array:
        """All of it as one mapped column of lists of large strings."""
        valid = pa.py_buffer(np.packbits(np.concatenate(self._valid), bitorder="little")) if self.missing else None
        kind, buffers = pa.large_list(pa.large_string()), [valid, mapped(self._ends)]
        return pa.Array.from_buffers(kind, self.rows, buffers, null_count=self.missing, children=[self._names.column()])


def mapped(path: Path) -> pa.Buffer:
    """A file's bytes as a buffer that is no memory of ours."""
    return pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
