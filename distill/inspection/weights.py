"""safetensors: the tensors that the declared architecture has, no others, all finite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.data.refusal import refuse
from distill.inspection.header import Stored
from spec.facts import Signature
from spec.problem import Problem, Refused
from spec.student import Student
from spec.tensors import SINGLE_TOKENS, Shapes, tensors
from spec.tokenizer import RESERVED

FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
BFLOAT16_EXPONENT = 0x7F80
"""All ones: infinite or no number."""
WHOLE = {".num_batches_tracked": "I64", ".merges": "I32"}
"""Ends of names of tensors of whole numbers, and their types."""
MERGES = ".merges"
CHUNK = 2**24
"""Bytes read at a time."""
TOLD = 20
NAMES = "docs/teachers.md shows the names and how to rename a state_dict."


def expected(student: Student, signature: Signature) -> Shapes:
    """Refused (`architecture_shape`): this architecture cannot take these rows."""
    try:
        return tensors(student, signature.input.shape, len(signature.output.classes))
    except ValueError as error:
        problem = Problem(
            code="architecture_shape", message=f"{str(error)[:1].upper()}{str(error)[1:]}.", param="architecture"
        )
        raise Refused(problem) from error


def check_names(found: dict[str, Stored], wanted: Shapes, name: str) -> None:
    """Refused: `tensor_shape`, `tensor_missing`, `tensor_unexpected`, each tensor named, with both shapes."""
    problems = list(_differences(found, wanted, name))
    if problems:
        more = f" {len(problems) - 1} more do not fit." if len(problems) > 1 else ""
        first = problems[0].model_copy(update={"message": problems[0].message + more})
        raise Refused(first, *problems[1:TOLD])


def _differences(found: dict[str, Stored], wanted: Shapes, name: str) -> Iterator[Problem]:
    for tensor in wanted.keys() & found.keys():
        if found[tensor].shape != wanted[tensor]:
            message = f"{name}: tensor {tensor!r} has shape {list(found[tensor].shape)}; the architecture needs {list(wanted[tensor])}."
            yield Problem(code="tensor_shape", message=message, file=name, param="architecture")
    for tensor in (one for one in wanted if one not in found):
        message = f"{name}: tensor {tensor!r} of shape {list(wanted[tensor])} is missing."
        yield Problem(code="tensor_missing", message=message, file=name, hint=NAMES)
    for tensor in (one for one in found if one not in wanted):
        message = f"{name}: tensor {tensor!r} of shape {list(found[tensor].shape)} is not in the architecture."
        yield Problem(code="tensor_unexpected", message=message, file=name, hint=NAMES)


def check_values(path: Path, found: dict[str, Stored], name: str) -> None:
    """Refused: `dtype_unusable`, `weights_not_finite`, each with the tensor's name."""
    for tensor, stored in found.items():
        whole = WHOLE.get(tensor[tensor.rfind(".") :])
        if tensor.endswith(MERGES) and stored.dtype == whole:
            check_merges(path, stored, name)
        if stored.dtype == whole:
            continue
        if stored.dtype not in FLOATS or tensor.endswith(MERGES):
            hint = "Weights are F32, F16, BF16 or F64."
            raise refuse("dtype_unusable", name, f"tensor {tensor!r} has type {stored.dtype}.", hint)
        if not all(finite(chunk, stored.dtype) for chunk in chunks(path, stored)):
            hint = "Did training diverge? Upload an earlier checkpoint."
            raise refuse("weights_not_finite", name, f"tensor {tensor!r} has NaN or infinite values.", hint)


def check_merges(path: Path, stored: Stored, name: str) -> None:
    """Refused (`merges_invalid`): a row that joins tokens which are not there before it. Rows of -1 are none, and are the last."""
    with path.open("rb") as file:
        file.seek(stored.start)
        merges = np.frombuffer(file.read(stored.bytes), "<i4").reshape(-1, 2)
    rows = len(merges) - int((merges[::-1] == -1).all(axis=1).argmin()) if len(merges) and (merges != -1).any() else 0
    known = SINGLE_TOKENS + np.arange(rows)[:, None]
    wrong = np.flatnonzero(((merges[:rows] < RESERVED) | (merges[:rows] >= known)).any(axis=1))
    if len(wrong):
        first = int(wrong[0])
        message = f"row {first} of its merges joins tokens {merges[first].tolist()}; it may join {RESERVED} to {SINGLE_TOKENS + first - 1}."
        raise refuse("merges_invalid", name, message, "Upload it as it was delivered.")


def chunks(path: Path, stored: Stored) -> Iterator[npt.NDArray[Any]]:
    """The tensor's values, piece by piece."""
    with path.open("rb") as file:
        file.seek(stored.start)
        left = stored.bytes
        while left:
            data = file.read(min(left, CHUNK))
            left -= len(data)
            yield np.frombuffer(data, FLOATS[stored.dtype])


def finite(values: npt.NDArray[Any], dtype: str) -> bool:
    """Whether all are numbers."""
    if dtype == "BF16":
        return not bool(((values & BFLOAT16_EXPONENT) == BFLOAT16_EXPONENT).any())
    return bool(np.isfinite(values).all())
