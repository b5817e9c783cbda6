"""From the values that a reader gives to what is stored, with the reason for each row that cannot be."""

import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill.data.batch import Values, objects
from spec.part import LONGEST_LABEL

Array = npt.NDArray[Any]
Reasons = dict[int, str]
WHOLE = re.compile(r"(-?\d+)\.0+")
NUMBERS = "iuf"
LONGEST_TEXT = 32768
"""Bytes of a text that a student reads at most."""
KEPT = (np.uint8, np.int8, np.int16, np.uint16, np.int32)
INT32 = np.iinfo(np.int32)


def stack(values: Values, shape: tuple[int, ...], name: str, text: bool = False) -> tuple[Array, Reasons]:
    """(n, *shape), zeros where a row has a reason: missing, ragged, not a number, not finite."""
    values = values if isinstance(values, np.ndarray) else objects(values)
    found = _at_once(values, shape)
    if found is not None:
        return found, _not_finite(found, name)
    array, reasons = np.zeros((len(values), *shape)), {}
    for i, value in enumerate(values):
        row = absent(text) if value is None else _row(value)
        if isinstance(row, str):
            reasons[i] = f"column {name!r} {row}"
        elif row.shape != shape:
            reasons[i] = f"column {name!r} has shape {list(row.shape)}, other rows {list(shape)}"
        else:
            array[i] = row
    return array, reasons | _not_finite(array, name)


def _at_once(values: Values, shape: tuple[int, ...]) -> Array | None:
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype.kind in NUMBERS and array.shape[1:] == shape else None


def _row(value: Any) -> Array | str:
    try:
        row = np.asarray(value)
    except (ValueError, OverflowError):
        return "is ragged: its lists differ in length"
    if row.dtype.kind not in NUMBERS:
        return f"is not a number: {str(value)[:40]!r}"
    return row


def _not_finite(array: Array, name: str) -> Reasons:
    """Rows that are NaN or infinite once they are float32, as models see them."""
    if array.dtype.kind != "f":
        return {}
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(np.float32, copy=False)).reshape(len(array), -1).all(axis=1)
    return {int(i): f"column {name!r} has a value that is no finite 32-bit number" for i in np.flatnonzero(~finite)}


def side_by_side(members: dict[str, Values | None], rows: int, text: bool) -> tuple[Array, Reasons]:
    """(n, members): scalar columns that form an array."""
    typed = [values for values in members.values() if isinstance(values, np.ndarray)]
    if len(typed) == len(members):
        array = np.stack([values.reshape(rows) for values in typed], axis=1)
        return array, _not_finite(array, "input")
    array = np.zeros((rows, len(members)))
    reasons: Reasons = {}
    for j, (name, values) in enumerate(members.items()):
        column, bad = numbers([None] * rows if values is None else values, name, text)
        array[:, j] = column
        reasons = bad | reasons
    return array, reasons | _not_finite(array, "input")


def numbers(values: Values, name: str, text: bool) -> tuple[Array, Reasons]:
    """(n,) float64 of one scalar column."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64).reshape(len(values)), {}
    if isinstance(values, pa.Array) and not values.null_count:
        try:
            return values.cast(pa.float64()).to_numpy(zero_copy_only=True), {}
        except pa.ArrowInvalid:  # one of them is no number: look at each
            pass
    column, reasons = np.zeros(len(values)), {}
    for i, value in enumerate(objects(values)):
        if value is None:
            reasons[i] = f"column {name!r} {absent(text)}"
            continue
        try:
            column[i] = (
                value if isinstance(value, int | float) and not isinstance(value, bool) else _parsed(value, text)
            )
        except (ValueError, TypeError, OverflowError):
            reasons[i] = f"column {name!r} is not a number: {str(value)[:40]!r}"
    return column, reasons


def _parsed(value: Any, text: bool) -> float:
    if not text:
        raise TypeError
    return float(value)


def absent(text: bool) -> str:
    """What is said of a value that is not there. `text`: of a CSV, whose columns all rows have."""
    return "is blank" if text else "is missing"


def texts(values: Values, name: str, role: str | None, text: bool = False) -> tuple[list[str | None], Reasons]:
    """Scalars as text: 7 and 7.0 are "7", true is "true"; None where missing. A label must be text or a whole number."""
    found: list[str | None] = []
    reasons: Reasons = {}
    for i, value in enumerate(objects(values)):
        said = value or None if role == "input" and isinstance(value, str) else as_text(value)
        found.append(said)
        if said is None and role == "input":
            reasons[i] = f"column {name!r} {absent(text or value is not None)}"
        elif role == "input" and not isinstance(value, str):
            reasons[i] = f"column {name!r} is not a text: {str(value)[:40]!r}"
        elif role == "input" and not value.strip():
            reasons[i] = f"column {name!r} is blank"
        elif role == "input" and len(value.encode()) > LONGEST_TEXT:
            reasons[i] = f"column {name!r} is longer than {LONGEST_TEXT:,} bytes"
        elif said is not None and "\0" in said:
            reasons[i] = f"column {name!r} has a NUL in its text"
        elif role == "label" and isinstance(value, list | dict) and len(value) != 1:
            reasons[i] = f"the label is no single name: {str(value)[:40]}"
        elif role == "label" and said is not None and len(said) > LONGEST_LABEL:
            reasons[i] = f"the label is longer than {LONGEST_LABEL} characters"
        elif role == "label" and isinstance(value, float) and said is not None and not said.lstrip("-").isdigit():
            reasons[i] = f"label {said} is neither text nor a whole number"
    return found, reasons


def lists_of_names(values: Values, name: str, role: str | None) -> tuple[list[list[str] | None], Reasons]:
    """Lists of names, each once in its list; None where missing, and empty where a row has none."""
    found: list[list[str] | None] = []
    reasons: Reasons = {}
    for i, value in enumerate(objects(values)):
        found.append(None)
        if value is None:
            continue
        names = (
            [as_text(one) if isinstance(one, str | int) else None for one in value]
            if isinstance(value, list)
            else [None]
        )
        if any(one is None or "\0" in one for one in names):
            reasons[i] = f"column {name!r} is no list of names: {str(value)[:40]!r}"
        elif role == "label" and any(len(one or "") > LONGEST_LABEL for one in names):
            reasons[i] = f"a label is longer than {LONGEST_LABEL} characters"
        else:
            found[i] = list(dict.fromkeys(one for one in names if one is not None))
    return found, reasons


def as_text(value: Any) -> str | None:
    """One scalar as text; lists and objects as JSON."""
    match value:
        case None | "":
            return None
        case str():
            whole = WHOLE.fullmatch(value)
            return whole[1] if whole else value
        case bool():
            return "true" if value else "false"
        case float():
            if value != value:
                return None
            return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
        case int():
            return str(value)
        case [one]:
            return as_text(one)
        case _:
            return json.dumps(value, sort_keys=True)


def narrowed(array: Array, typed: bool) -> Array:
    """The type that values are kept in: small integers as they came, wide ones as uint8 or int32 where they fit, else float32.

    Floats of a format without types are integers if all are whole: JSON and CSV do not say what a number is.
    """
    if array.dtype.type in KEPT:
        return array
    if array.dtype.kind == "f" and (typed or not (array == np.rint(array)).all()):
        return array.astype(np.float32, copy=False)
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    if low >= 0 and high <= 255:
        return array.astype(np.uint8)
    if low >= INT32.min and high <= INT32.max:
        return array.astype(np.int32)
    return array.astype(np.float32)


def common(dtypes: set[np.dtype[Any]]) -> np.dtype[Any]:
    """The type that holds chunks of all these types."""
    found = np.result_type(*dtypes)
    return found if found.type in KEPT else np.dtype(np.float32)
