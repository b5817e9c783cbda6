"""NPZ: numpy arrays in a zip. Members are columns; `x_train`, `y_test` and the like are columns of splits. Never unpickled."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from distill.data.archive import members
from distill.data.arrays import LOADED, Stored, side_by_side
from distill.data.batch import Batch
from distill.data.refusal import damaged, pickled, refuse

ENDINGS = {
    "_train": "train",
    "_test": "test",
    "_validation": "validation",
    "_val": "validation",
    "_valid": "validation",
}
Dtype = np.dtype[Any]


@dataclass(frozen=True)
class Npz:
    """A source of rows."""

    path: Path
    name: str
    split: str

    def batches(self) -> Iterator[Batch]:
        with zipfile.ZipFile(self.path) as archive:
            names = [info.filename.removesuffix(".npy") for info in members(archive, self.path, self.name)]
            for split, columns in tables(names).items():
                yield from self._table(archive, columns, split)

    def _table(self, archive: zipfile.ZipFile, columns: dict[str, str], split: str | None) -> Iterator[Batch]:
        try:
            with ExitStack() as stack:
                streams = {column: stack.enter_context(archive.open(f"{one}.npy")) for column, one in columns.items()}
                stored = {column: self._stored(stream, column) for column, stream in streams.items()}
                yield from side_by_side(stored, split)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as error:
            raise damaged(self.name, str(error)) from error

    def _stored(self, stream: IO[bytes], column: str) -> Stored:
        shape, fortran, dtype = header(stream)
        if dtype.hasobject:
            raise pickled(f"{self.name}:{column}")
        if dtype.kind not in "iufbUS":
            raise refuse("array_unusable", self.name, f"array {column!r} has type {dtype}, which is no number or text.")
        if fortran and len(shape) > 1:
            return self._turned(stream, column, shape, dtype)
        return Stored(stream, dtype, shape, f"{self.name}:{column}")

    def _turned(self, stream: IO[bytes], column: str, shape: tuple[int, ...], dtype: Dtype) -> Stored:
        """An array in Fortran order cannot be read by rows: it is loaded, if it is small."""
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if size > LOADED:
            hint = f"np.ascontiguousarray({column}) before saving."
            raise refuse("array_unusable", self.name, f"array {column!r} is stored by columns.", hint)
        data = stream.read(size)
        if len(data) < size:
            raise damaged(self.name, f"array {column!r} ends early")
        values = np.ascontiguousarray(np.frombuffer(data, dtype).reshape(shape, order="F"))
        return Stored(_Bytes(values.tobytes()), dtype, shape, f"{self.name}:{column}")


class _Bytes:
    """A stream over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int, /) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]


def header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Dtype]:
    """(shape, Fortran order, dtype) of a .npy member; ValueError where it lies. Parsed as a literal of 10,000 characters at most."""
    version = npy.read_magic(stream)
    if version == (1, 0):
        return npy.read_array_header_1_0(stream)
    if version == (2, 0):
        return npy.read_array_header_2_0(stream)
    raise ValueError(f"version {version} of .npy is unknown")


def tables(names: list[str]) -> dict[str | None, dict[str, str]]:
    """Split -> column -> member: split by the endings of the names where all have one, else one table."""
    ends = {name: next((end for end in ENDINGS if name.endswith(end)), "") for name in names}
    if not all(ends.values()):
        return {None: {name: name for name in names}}
    found: dict[str | None, dict[str, str]] = {}
    for name, end in ends.items():
        found.setdefault(ENDINGS[end], {})[name.removesuffix(end)] = name
    return found
