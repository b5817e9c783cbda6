"""What there is to score: parts of rows, cut into shards. A shard is the grain at which teachers are paid, and never asked twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.data.draw import divide
from distill.data.jitter import jitter
from distill.data.rows import Ints, Rows
from distill.run import RunFolder
from distill.signals.scores import SHARD, shard_path
from spec.facts import Roles
from spec.params import ScoreParams


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows of one kind: `train`, `heldout`, or `copy.<k>`."""

    name: str
    count: int
    raw: Callable[[slice], npt.NDArray[Any]]
    """Places in the part -> (B, *shape), raw values."""
    index: Ints | None = None
    """Number in the file of each row; None: all rows in file order."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Up to 4,096 rows of one part by one teacher."""

    path: str
    teacher: int
    part: Part
    first: int
    rows: int


def parts(folder: RunFolder, params: ScoreParams) -> list[Part]:
    """All rows of the files, or those of a selection: its training and held-out rows, and the training rows' fixed copies."""
    roles = params.take.roles if params.take else Roles(input=params.input)
    rows = Rows.open(folder.input("train/rows.arrow"), roles)
    apart = folder.input("heldout/rows.arrow")
    found = [_whole("heldout", Rows.open(apart, roles))] if apart.exists() else []
    if params.take is None:
        return [_whole("train", rows), *found]
    division = divide(rows, params.take)
    chosen = np.union1d(division.train, division.heldout)
    return [_some("train", rows, chosen), *found, *_copies(rows, division.train, params)]


def shards(params: ScoreParams, found: list[Part]) -> list[Shard]:
    """All of them, one teacher after the other."""
    return [
        Shard(
            path=shard_path(m, part.name, first // SHARD),
            teacher=m,
            part=part,
            first=first,
            rows=min(SHARD, part.count - first),
        )
        for m in range(len(params.teachers))
        for part in found
        for first in range(0, part.count, SHARD)
    ]


def _whole(name: str, rows: Rows) -> Part:
    return Part(name=name, count=rows.count, raw=lambda places: rows.inputs[places].copy())


def _some(name: str, rows: Rows, index: Ints) -> Part:
    return Part(name=name, count=len(index), raw=lambda places: rows.inputs[index[places]], index=index)


def _copies(rows: Rows, index: Ints, params: ScoreParams) -> list[Part]:
    assert params.take is not None
    augment, seed = params.take.augment, params.take.seed
    if augment is None or augment.copies is None:
        return []

    def copy(k: int) -> Callable[[slice], npt.NDArray[Any]]:
        return lambda places: jitter(rows.inputs[index[places]], rows.digests[index[places]], k, seed, augment).numpy()

    return [Part(name=f"copy.{k}", count=len(index), raw=copy(k), index=index) for k in range(1, augment.copies + 1)]
