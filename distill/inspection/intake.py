"""Rows as they come: bad ones told and left out, good ones spilled to their splits."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.data.batch import Batch, Values, objects
from distill.data.canonical import digests, pair_digests, text_digests
from distill.inspection.layout import Column, Layout
from distill.inspection.spill import Arrays, Names, Texts
from distill.inspection.values import Reasons, lists_of_names, narrowed, side_by_side, stack, texts
from spec.problem import Problem

TOLD = 20
"""Bad rows that are named; the rest is counted."""
Stored = npt.NDArray[Any] | list[Any]
"""Of a column: an array, texts, or lists of names."""


class Split:
    """The good rows of one split, in scratch files."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._layout = layout
        self.rows = 0
        self.digests: list[npt.NDArray[np.uint8]] = []
        self.arrays = {
            c.name: Arrays(folder / str(i), c.shape) for i, c in enumerate(layout.columns) if c.kind == "array"
        }
        self.texts: dict[str, Texts | Names] = {
            c.name: (Names if c.kind == "names" else Texts)(folder / str(i))
            for i, c in enumerate(layout.columns)
            if c.kind != "array"
        }

    def add(self, columns: dict[str, Stored], typed: bool) -> None:
        """Rows by column, of the same number each."""
        for name, values in columns.items():
            if isinstance(values, np.ndarray):
                signal = name == self._layout.roles.signal
                self.arrays[name].add(values.astype(np.float32) if signal else narrowed(values, typed))
            else:
                self.texts[name].add(values)
        roles = self._layout.roles
        named = [columns[name] for name in roles.inputs or (roles.id or "",)]
        self.digests.append(row_digests(named))
        self.rows += len(named[0])


def row_digests(named: list[Stored]) -> npt.NDArray[np.uint8]:
    """(n, 16), of the column that names a row: an array, texts, or two of texts."""
    if isinstance(named[0], np.ndarray):
        return digests(named[0])
    if len(named) == 1:
        return text_digests(text or "" for text in named[0])
    return pair_digests((first or "", second or "") for first, second in zip(*named, strict=True))


class Intake:
    """Takes batches in file order."""

    def __init__(self, layout: Layout, ranges: dict[str, tuple[int, int]], folder: Path) -> None:
        self._layout, self._ranges, self._folder = layout, ranges, folder
        self._known = layout.known
        self.splits: dict[str, Split] = {}
        self.bad: list[Problem] = []
        self.bad_total = self.seen = 0

    def take(self, batch: Batch, file: str, split: str) -> None:
        """`split` is the file's, used unless the batch or the ranges of the dataset say otherwise."""
        columns, reasons = self._columns(batch)
        self._tell(reasons, batch, file)
        good = np.ones(len(batch.lines), dtype=np.bool_)
        good[list(reasons)] = False
        for name, inside in self._places(len(good), batch.split or split).items():
            rows = np.flatnonzero(good & inside)
            if len(rows):
                chosen = {column: pick(values, rows) for column, values in columns.items()}
                self._split(name).add(chosen, typed=batch.typed)
        self.seen += len(good)

    def _columns(self, batch: Batch) -> tuple[dict[str, Stored], Reasons]:
        found: dict[str, Stored] = {}
        reasons: Reasons = {}
        for column in self._layout.columns:
            found[column.name], bad = self._column(column, batch)
            reasons = bad | reasons
        for name in sorted(batch.columns.keys() - self._known):
            values = batch.columns[name]
            each = values if isinstance(values, np.ndarray) else objects(values)
            having = [i for i, value in enumerate(each) if value is not None]
            reasons |= dict.fromkeys(having, f"column {name!r} is not in the first rows of any file")
        return found, reasons | batch.bad

    def _column(self, column: Column, batch: Batch) -> tuple[Stored, Reasons]:
        if column.wide:
            members: dict[str, Values | None] = {name: batch.columns.get(name) for name in column.members}
            return side_by_side(members, len(batch.lines), batch.text)
        values = batch.columns.get(column.name, [None] * len(batch.lines))
        if column.kind == "array":
            return stack(values, column.shape, column.name, batch.text)
        if column.kind == "names":
            return lists_of_names(values, column.name, column.role)
        return texts(values, column.name, column.role, batch.text)

    def _tell(self, reasons: Reasons, batch: Batch, file: str) -> None:
        self.bad_total += len(reasons)
        for i in sorted(reasons)[: TOLD - len(self.bad)]:
            line = int(batch.lines[i])
            self.bad.append(
                Problem(code="bad_row", message=f"{file}, line {line}: {reasons[i]}.", file=file, line=line)
            )

    def _places(self, rows: int, split: str) -> dict[str, npt.NDArray[np.bool_]]:
        """Split -> which of the next rows are in it."""
        if not self._ranges:
            return {split: np.ones(rows, dtype=np.bool_)}
        number = np.arange(self.seen, self.seen + rows)
        return {name: (number >= start) & (number < end) for name, (start, end) in self._ranges.items()}

    def _split(self, name: str) -> Split:
        if name not in self.splits:
            self.splits[name] = Split(self._layout, self._folder / name)
        return self.splits[name]


def pick(values: Stored, rows: npt.NDArray[np.int64]) -> Stored:
    """Those rows; all of them without a copy."""
    if len(rows) == len(values):
        return values
    return values[rows] if isinstance(values, np.ndarray) else [values[i] for i in rows]
