"""The header of a safetensors file, read by ourselves: every claim is checked before a byte of a tensor is touched.

Layout: 8 bytes of length (little-endian), that many bytes of JSON {name: {dtype, shape, data_offsets}}, then the tensors.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from distill.data.refusal import damaged, refuse

LONGEST = 10 * 2**20
"""Bytes of a header. The format's own limit is ten times this, and takes a gigabyte of memory to read."""
MOST_BRACKETS, MOST_COMMAS = 3 * 10_000, 200_000
"""In a header: so that even a legal one cannot become a hundred megabytes of Python objects."""
METADATA = "__metadata__"
ITEM = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1,
    "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "C64": 8,
}  # fmt: skip
"""Bytes of one value."""
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Where a tensor lies."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    """Byte in the file."""
    bytes: int


class _Twice(ValueError):
    """One name stands twice in an object."""


def read(path: Path, name: str) -> dict[str, Stored]:
    """Every tensor by name. Refused: `header_too_long`, `header_invalid`, `damaged_file`, `dtype_unknown`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            if size >= 8 and length <= LONGEST:
                raise damaged(name, f"its header should have {length:,} bytes, the file has {size:,}")
            raise refuse("header_invalid", name, f"its first 8 bytes tell of a header of {length:,} bytes.", RENEW)
        if length > LONGEST:
            raise refuse("header_too_long", name, f"its header has {length:,} bytes; {LONGEST:,} are allowed.")
        header = parse(file.read(length), name)
    return placed(header, 8 + length, size, name)


RENEW = "Write it with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."


def parse(text: bytes, name: str) -> Json:
    """The header's object."""
    if text.count(b"{") + text.count(b"[") > MOST_BRACKETS or text.count(b",") > MOST_COMMAS:
        raise refuse("header_too_long", name, "its header tells of too many tensors.")
    try:
        header = json.loads(text, object_pairs_hook=_once)
    except _Twice as error:
        raise refuse("header_invalid", name, f"its header names {str(error)!r} twice.", RENEW) from error
    except (ValueError, RecursionError) as error:
        raise refuse("header_invalid", name, f"its header is not JSON ({type(error).__name__}).", RENEW) from error
    if not isinstance(header, dict):
        raise refuse("header_invalid", name, "its header is not an object.", RENEW)
    header.pop(METADATA, None)
    return header


def placed(header: Json, start: int, size: int, name: str) -> dict[str, Stored]:
    """Tensors side by side from `start` to `size`, without holes or overlaps."""
    found = {tensor: stored(tensor, entry, start, name) for tensor, entry in header.items()}
    at = start
    for tensor, one in sorted(found.items(), key=lambda item: (item[1].start, item[1].bytes)):
        if one.start != at:
            what = "overlaps another" if one.start < at else "leaves a hole before it"
            raise refuse("header_invalid", name, f"tensor {tensor!r} {what}.", RENEW)
        at += one.bytes
    if at > size:
        raise damaged(name, f"its tensors need {at:,} bytes, the file has {size:,}")
    if at < size:
        raise refuse("header_invalid", name, f"{size - at:,} bytes belong to no tensor.", RENEW)
    return found


def stored(tensor: str, entry: Any, start: int, name: str) -> Stored:
    """One entry of the header."""
    if len(tensor) > 256:
        raise refuse("header_invalid", name, f"a tensor's name has {len(tensor):,} characters.", RENEW)
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise refuse("header_invalid", name, f"tensor {tensor!r} needs dtype, shape and data_offsets.", RENEW)
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM:
        raise refuse(
            "dtype_unknown", name, f"tensor {tensor!r} has type {str(dtype)[:40]!r}, which does not exist.", RENEW
        )
    if not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2 or len(shape) > 8:
        raise refuse(
            "header_invalid", name, f"tensor {tensor!r} has a shape or offsets that are no whole numbers.", RENEW
        )
    length = prod(shape) * ITEM[dtype]
    if offsets[1] - offsets[0] != length:
        message = f"tensor {tensor!r} of {dtype} {shape} needs {length:,} bytes, its offsets are {offsets}."
        raise refuse("header_invalid", name, message, RENEW)
    return Stored(dtype=dtype, shape=tuple(shape), start=start + offsets[0], bytes=length)


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found: Json = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key[:80])
        found[key] = value
    return found
