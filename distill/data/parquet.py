"""Parquet, some thousand rows at a time; columns of numbers, texts, truth values, lists of numbers (nested ones too), and lists of texts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from distill.data.batch import ROWS, Batch, Values
from distill.data.refusal import damaged, refuse

STRINGS, CONTAINERS = 10 * 2**20, 2**20
"""Limits on what the footer may hold."""
MEMORY = 8 * 2**20
"""Bytes of a batch, by the footer's word."""


@dataclass(frozen=True)
class Parquet:
    """A source of rows."""

    path: Path
    name: str
    split: str

    def batches(self) -> Iterator[Batch]:
        try:
            yield from self._batches()
        except UnicodeDecodeError as error:
            raise refuse(
                "not_utf8", self.name, "a text in it is not UTF-8.", "Write it with texts as UTF-8."
            ) from error
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise damaged(self.name, str(error)[:200]) from error

    def _batches(self) -> Iterator[Batch]:
        limits = {"thrift_string_size_limit": STRINGS, "thrift_container_size_limit": CONTAINERS}
        with pq.ParquetFile(self.path, buffer_size=2**20, pre_buffer=False, **limits) as file:
            for field in file.schema_arrow:
                check(field, self.name)
            sizes = [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
            row = max(1, sum(sizes) // max(file.metadata.num_rows, 1))
            start = 0
            for part in file.iter_batches(max(1, min(ROWS, MEMORY // row)), use_threads=False):
                columns = {field.name: values(part.column(i)) for i, field in enumerate(part.schema)}
                yield Batch(lines=range(start + 1, start + part.num_rows + 1), columns=columns, typed=True)
                start += part.num_rows


def check(field: pa.Field, name: str) -> None:
    """Refused (`column_unusable`): a type that is neither numbers, text, lists of numbers nor lists of text."""
    inner, depth = field.type, 0
    while is_list(inner):
        inner, depth = inner.value_type, depth + 1
    if pa.types.is_dictionary(inner):
        inner = inner.value_type
    fits = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_null(inner)
    texts = pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_boolean(inner)
    if not fits and (depth > 1 or not texts):
        hint = "Drop it, or store it as numbers, text, or lists of either; decode images to arrays first."
        raise refuse("column_unusable", name, f"column {field.name!r} has type {field.type}.", hint)


def is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def values(column: pa.Array) -> Values:
    """Numbers without nulls as an array (n, *shape), everything else as Python objects."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    numeric = not column.null_count and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
    if numeric:
        found: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
        return found
    even = evenly(column) if is_list(column.type) else None
    objects: list[Any] = column.to_pylist() if even is None else []
    return objects if even is None else even


def evenly(column: pa.Array) -> np.ndarray[Any, Any] | None:
    """(n, *shape) of lists that have one length at each depth and no nulls; None for others."""
    shape = [len(column)]
    while is_list(column.type):
        lengths = pc.min_max(pc.list_value_length(column)).as_py()
        if column.null_count or lengths["min"] is None or lengths["min"] != lengths["max"]:
            return None
        shape.append(lengths["max"])
        column = column.flatten()
    if column.null_count or not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    flat: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
    return flat.reshape(shape)
