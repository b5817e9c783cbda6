"""IDX (the format of MNIST, http://yann.lecun.com/exdb/mnist): one array a file, also gzipped."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from distill.data.arrays import Stored, side_by_side
from distill.data.batch import Batch
from distill.data.opened import opened
from distill.data.refusal import damaged

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 4


def is_idx(start: bytes) -> bool:
    """Whether a file may begin so."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in TYPES and 1 <= start[3] <= MOST_DIMENSIONS


@dataclass(frozen=True)
class IdxFile:
    """One array."""

    path: Path
    name: str
    split: str
    column: str


@dataclass(frozen=True)
class IdxFiles:
    """A source of rows: files that are columns of one table."""

    files: Sequence[IdxFile]

    @property
    def name(self) -> str:
        return " and ".join(file.name for file in self.files)

    @property
    def split(self) -> str:
        return self.files[0].split

    def batches(self) -> Iterator[Batch]:
        with ExitStack() as stack:
            streams = {
                file.column: (stack.enter_context(opened(file.path, file.name)), file.name) for file in self.files
            }
            yield from side_by_side({column: stored(stream, name) for column, (stream, name) in streams.items()})


def stored(stream: BinaryIO, name: str) -> Stored:
    """The array that an IDX header declares. Declared sizes are believed only as far as bytes follow."""
    start = stream.read(4)
    lengths = stream.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise damaged(name, "its header is cut")
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    return Stored(stream, np.dtype(TYPES[start[2]]), shape, name)


def column_of(name: str, dimensions: int) -> str:
    """What an IDX file holds, by its name, else by its dimensions: images or labels."""
    if "label" in name.lower():
        return "label"
    return "image" if "image" in name.lower() or dimensions > 1 else "label"
