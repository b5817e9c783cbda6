"""From spilled splits to canonical files and facts."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill.data.canonical import Heading, digest_array, write
from distill.data.rows import Rows
from distill.inspection.intake import Split
from distill.inspection.layout import Column, Layout
from distill.inspection.spill import MOST_VALUES
from distill.inspection.values import common
from spec.facts import ColumnFacts
from spec.run import PREVIEW_BYTES

SHOWN, NUMBERS_SHOWN = 100, 200_000
"""Rows, and numbers in them, of a split's preview."""
NAMED = 100
"""Bytes of a split's name and the brackets around its rows, at most."""
LEADING_ZERO = r"^-?0[0-9]"


class Writer:
    """Decides types over all splits, so that a column has one, then writes split by split."""

    def __init__(self, layout: Layout, splits: dict[str, Split]) -> None:
        self._layout, self._splits = layout, splits
        self._scalars: dict[str, dict[str, pa.Array]] = {}
        self.columns = {column.name: self._facts(column) for column in layout.columns}

    def write(self, name: str, path: Path, heading: Heading) -> None:
        """One split's file."""
        split = self._splits[name]
        columns = {}
        for column in self._layout.columns:
            dtype = self.columns[column.name].dtype
            array = column.kind == "array"
            columns[column.name] = (
                split.arrays[column.name].column(np.dtype(dtype)) if array else self._scalars[column.name][name]
            )
        write(path, columns, digest_array(np.concatenate(split.digests)), heading)

    def _facts(self, column: Column) -> ColumnFacts:
        return self._array(column) if column.kind == "array" else self._scalar(column)

    def _array(self, column: Column) -> ColumnFacts:
        spilled = [split.arrays[column.name] for split in self._splits.values()]
        dtype = common(set().union(*(arrays.dtypes for arrays in spilled)))
        low, high = min(a.low for a in spilled), max(a.high for a in spilled)
        return ColumnFacts(kind=array_kind(column.shape), shape=column.shape, dtype=str(dtype), low=low, high=high)

    def _scalar(self, column: Column) -> ColumnFacts:
        spilled = {name: split.texts[column.name] for name, split in self._splits.items()}
        found = {name: texts.column() for name, texts in spilled.items()}
        missing = sum(texts.missing for texts in spilled.values())
        counts = merged(texts.counts for texts in spilled.values())
        if column.kind == "names":
            self._scalars[column.name] = found
            return ColumnFacts(kind="classes", dtype="str", missing=missing, values=counts)
        numbers = as_numbers(found) if column.role is None else None
        self._scalars[column.name] = numbers or found
        if numbers is None:
            kind: Literal["class", "text", "string"] = "class" if column.role == "label" else "string"
            kind = "text" if column.role == "input" else kind
            return ColumnFacts(kind=kind, dtype="str", missing=missing, values=counts)
        bounds = [pc.min_max(part).as_py() for part in numbers.values()]
        low = min((b["min"] for b in bounds if b["min"] is not None), default=None)
        high = max((b["max"] for b in bounds if b["max"] is not None), default=None)
        dtype = "int64" if pa.types.is_integer(next(iter(numbers.values())).type) else "float64"
        return ColumnFacts(kind="number", dtype=dtype, low=low, high=high, missing=missing, values=counts)


def array_kind(shape: tuple[int, ...]) -> Literal["array", "image"]:
    """(H, W), and (C, H, W) of one to four channels, are images, if they are 4 by 4 at least."""
    two = len(shape) == 2 or (len(shape) == 3 and shape[0] <= 4)
    return "image" if two and min(shape[-2:]) >= 4 else "array"


def as_numbers(columns: dict[str, pa.Array]) -> dict[str, pa.Array] | None:
    """A column of texts as int64, else float64, over all splits; None where one is no number, or is a code such as 02134."""
    if any(pc.any(pc.match_substring_regex(part, LEADING_ZERO)).as_py() for part in columns.values()):
        return None
    if all(part.null_count == len(part) for part in columns.values()):
        return None
    for kind in (pa.int64(), pa.float64()):
        try:
            cast = {name: part.cast(kind) for name, part in columns.items()}
        except pa.ArrowInvalid:
            continue
        finite = kind == pa.int64() or all(pc.all(pc.is_finite(part)).as_py() is not False for part in cast.values())
        return cast if finite else None
    return None


def merged(counts: Iterable[Counter[str] | None]) -> dict[str, int] | None:
    """Counts of all splits together, most frequent first; None where they are too many."""
    total: Counter[str] = Counter()
    for one in counts:
        if one is None:
            return None
        total.update(one)
    return dict(total.most_common()) if len(total) <= MOST_VALUES else None


def previews(splits: dict[str, Rows]) -> dict[str, list[dict[str, Any]]]:
    """The first rows of each split; as JSON no larger than `PREVIEW_BYTES`, of which each split has the same share."""
    share = PREVIEW_BYTES // len(splits) - NAMED
    return {name: list(_fitting(preview(rows), share)) for name, rows in splits.items()}


def _fitting(rows: list[dict[str, Any]], most: int) -> Iterator[dict[str, Any]]:
    for row in rows:
        most -= len(json.dumps(row)) + len(", ")
        if most < 0:
            return
        yield row


def preview(rows: Rows) -> list[dict[str, Any]]:
    """The first rows as JSON has them: at most 100, and fewer where rows are large."""
    size = sum(int(np.prod(facts.shape)) for facts in rows.columns.values())
    shown = min(rows.count, SHOWN, max(1, NUMBERS_SHOWN // max(size, 1)))
    columns = {name: _shown(rows, name, shown) for name in rows.columns}
    return [{name: values[i] for name, values in columns.items()} for i in range(shown)]


def _shown(rows: Rows, name: str, shown: int) -> list[Any]:
    if rows.columns[name].kind in ("array", "image"):
        values: npt.NDArray[Any] = rows.array(name)[:shown]
        found: list[Any] = json.loads(json.dumps(values.tolist())) if values.dtype.kind != "f" else _short(values)
        return found
    found = rows.column(name).slice(0, shown).to_pylist()
    return [_begun(value) for value in found]


def _begun(value: Any) -> Any:
    """A text's beginning; of a list of names that of each."""
    if isinstance(value, list):
        return [_begun(name) for name in value]
    return value[:1000] if isinstance(value, str) else value


def _short(values: npt.NDArray[np.float32]) -> list[Any]:
    """Floats to seven digits, as float32 has them."""
    texts = np.vectorize(lambda value: float(f"{value:.7g}"), otypes=[np.float64])(values)
    found: list[Any] = texts.tolist()
    return found
