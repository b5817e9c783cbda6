"""Teachers' scores, kept in shards of 4,096 rows: `teacher.<i>/<part>/<shard:05d>.npy`, float32 (rows, V), the job's class order.

Parts: `train` and `heldout` are rows files in file order; where only some rows of the training file were scored, `train/rows.npy` holds
their numbers, ascending. `copy.<k>` is the k-th jittered copy (from 1) of the transfer rows, whose numbers are `copies/rows.npy`.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from distill.data.rows import Ints
from distill.signals.scratch import scratch

SHARD = 4096
Floats = npt.NDArray[np.float32]


def shard_path(teacher: int, part: str, shard: int) -> str:
    return f"teacher.{teacher}/{part}/{shard:05d}.npy"


def index_path(part: str) -> str:
    """Where the row numbers of a part are, if it has an index."""
    return "copies/rows.npy" if part.startswith("copy.") else f"{part}/rows.npy"


class Scores:
    """The scores in a folder. `work`: where gathered arrays may lie."""

    def __init__(self, folder: Path, teachers: int, work: Path) -> None:
        self._folder, self._teachers, self._work = folder, teachers, work

    def has(self, part: str) -> bool:
        return (self._folder / shard_path(0, part, 0)).exists()

    def known(self, part: str, rows: Ints) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """(len(rows),): whether there are scores of each row; teachers that answer do not answer all."""
        path = self._folder / index_path(part)
        if not path.exists():
            return np.ones(len(rows), dtype=np.bool_)
        return np.isin(rows, np.load(path, allow_pickle=False))

    def gather(self, parts: tuple[str, ...], rows: Ints) -> Floats:
        """(len(parts) * len(rows), M, V): of each part the rows asked for, one part after the other."""
        count = len(rows)
        first = self._shard(0, parts[0], 0)
        found = scratch(self._work, (len(parts) * count, self._teachers, first.shape[1]))
        for p, part in enumerate(parts):
            places = self._places(part, rows)
            order = np.argsort(places // SHARD, kind="stable")
            edges = np.flatnonzero(np.diff(places[order] // SHARD)) + 1
            for among in np.split(order, edges):
                for m in range(self._teachers if len(among) else 0):
                    shard = self._shard(m, part, int(places[among[0]] // SHARD))
                    found[p * count + among, m] = shard[places[among] % SHARD]
        return found

    def _places(self, part: str, rows: Ints) -> Ints:
        path = self._folder / index_path(part)
        if not path.exists():
            return rows
        index: Ints = np.load(path, allow_pickle=False)
        places: Ints = np.searchsorted(index, rows).astype(np.int64)
        assert np.array_equal(index[np.minimum(places, len(index) - 1)], rows), f"rows of {part} were not scored"
        return places

    def _shard(self, teacher: int, part: str, shard: int) -> Floats:
        found: Floats = np.load(self._folder / shard_path(teacher, part, shard), mmap_mode="r", allow_pickle=False)
        return found
