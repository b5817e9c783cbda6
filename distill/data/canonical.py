"""The canonical rows file, `<split>.arrow`: one uncompressed Arrow IPC file with one record batch, so that readers map it.

Arrays and images are FixedSizeList columns (C order; the shape stands in the metadata `stillhouse`), class, string and text columns are
strings with null for missing, columns of several classes a row lists of strings, numbers int64 or float64, and `__digest__` names a row by its input.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from spec.facts import ColumnFacts, Roles

DIGEST = "__digest__"
METADATA = b"stillhouse"
WIDTH = 16
"""Bytes of a row digest."""


class Heading(BaseModel):
    """What the file says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, ColumnFacts]
    roles: Roles
    signal: Literal["logits", "probabilities"] | None = None
    classes: tuple[str, ...] | None = None
    written: int = 0
    """So many of the last rows are new: a teacher wrote their input, or they are copies of texts. They have no label."""


def digests(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """(n, *shape) -> (n, 16): the first half of sha256 over a row's shape and its values as float32, -0.0 as 0.0.

    Models see float32, so rows that look equal to every model have one digest, whatever type the file stored them as.
    """
    heading = f"float32{list(values.shape[1:])}\n".encode()
    rows = np.ascontiguousarray(values, dtype="<f4").reshape(len(values), -1) + np.float32(0)
    return _hashed(heading + row.tobytes() for row in rows)


def text_digests(texts: Iterable[str]) -> npt.NDArray[np.uint8]:
    """The same for rows whose input is a text (or which have only an id)."""
    return _hashed(b"text\n" + text.encode() for text in texts)


def pair_digests(pairs: Iterable[tuple[str, str]]) -> npt.NDArray[np.uint8]:
    """The same for pairs of texts, in which no NUL stands."""
    return _hashed(b"pair\n" + first.encode() + b"\0" + second.encode() for first, second in pairs)


def _hashed(parts: Iterable[bytes]) -> npt.NDArray[np.uint8]:
    joined = b"".join(hashlib.sha256(part).digest()[:WIDTH] for part in parts)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, WIDTH)


def list_array(values: npt.NDArray[Any]) -> pa.FixedSizeListArray:
    """(n, *shape) as a column, without a copy where it is contiguous."""
    flat = np.ascontiguousarray(values).reshape(-1)
    size = int(np.prod(values.shape[1:], dtype=np.int64))
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), size)


def digest_array(values: npt.NDArray[np.uint8]) -> pa.FixedSizeBinaryArray:
    """(n, 16) bytes as a column."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(WIDTH), len(values), [None, buffer])


def write(path: Path, columns: Mapping[str, pa.Array], digest: pa.Array, heading: Heading) -> None:
    """Writes the file. Columns may be memory maps: nothing is copied into memory."""
    told = heading.model_dump(
        mode="json", exclude=None if heading.written else {"written"}
    )  # old files keep their bytes
    metadata = {METADATA: json.dumps(told, sort_keys=True).encode()}
    arrays = {**columns, DIGEST: digest}
    schema = pa.schema([pa.field(name, array.type) for name, array in arrays.items()], metadata=metadata)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(list(arrays.values()), schema=schema))
