"""What every reader gives: some thousand rows at a time, by column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ROWS = 4096
BYTES = 2 * 2**20
"""A batch ends at whichever is reached first."""

Values: TypeAlias = npt.NDArray[Any] | pa.StringArray | Sequence[Any]
"""Of one column: numbers as an array (n, *shape), texts of a CSV, or n Python objects (None: missing)."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """n rows in file order."""

    lines: Sequence[int]
    """1-based line or row of each in its file."""
    columns: Mapping[str, Values]
    bad: dict[int, str] = field(default_factory=dict)
    """Row of this batch -> why it could not be parsed at all (its values are None)."""
    split: str | None = None
    """Where the file itself says it (`x_test` in an NPZ)."""
    typed: bool = False
    """Whether the format says what a number is (NPZ, IDX, Parquet); where it does not, whole floats are integers."""
    text: bool = False
    """Numbers are written as text (CSV): "7" may be a number."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> column, where the format itself says it (conversations)."""


class Source(Protocol):
    """One upload, or several that are columns of one another."""

    @property
    def name(self) -> str:
        """File name for messages."""

    @property
    def split(self) -> str:
        """Split of its rows, unless a batch says otherwise."""

    def batches(self) -> Iterator[Batch]:
        """All rows, from the start. Refused: the file as a whole cannot be read."""


def objects(values: Values) -> Sequence[Any]:
    """n Python objects; arrays of one value a row give that value."""
    if isinstance(values, np.ndarray):
        found: list[Any] = values.reshape(len(values)).tolist()
        return found
    return values.to_pylist() if isinstance(values, pa.Array) else values
