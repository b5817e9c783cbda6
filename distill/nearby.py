"""Rows in an accelerator's own memory, from which batches are gathered there: what travels at a step is row numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.data.rows import Ints

SHARE = 0.25
"""Of an accelerator's free memory, for rows."""
LOT = 64 * 2**20
"""Bytes that are copied at once."""


@dataclass(frozen=True, kw_only=True)
class Nearby:
    """All transfer rows on the device. Legend: `N` rows, `M` teachers, `V` classes."""

    raw: torch.Tensor
    """(N, *shape), of the type that the file has."""
    labels_N: torch.Tensor
    teachers_NMV: torch.Tensor | None


def nearby(
    inputs: npt.NDArray[Any], rows: Ints, labels: Ints, teachers: npt.NDArray[np.float32] | None, device: torch.device
) -> Nearby | None:
    """Copies them there. None: this is no accelerator, or they take more than a share of its free memory, or are texts, whose length differs."""
    if device.type != "cuda" or not isinstance(inputs, np.ndarray):
        return None
    size = len(rows) * inputs[:1].nbytes + labels.nbytes + (0 if teachers is None else teachers.nbytes)
    if size > torch.cuda.mem_get_info(device)[0] * SHARE:
        return None
    every = np.arange(len(rows))
    return Nearby(
        raw=_copied(inputs, rows, device),
        labels_N=_copied(labels, every, device),
        teachers_NMV=None if teachers is None else _copied(teachers, every, device),
    )


def _copied(values: npt.NDArray[Any], which: Ints, device: torch.device) -> torch.Tensor:
    kind = torch.from_numpy(np.empty(0, dtype=values.dtype)).dtype
    found = torch.empty((len(which), *values.shape[1:]), dtype=kind, device=device)
    lot = max(1, LOT // max(values[:1].nbytes, 1))
    for first in range(0, len(which), lot):
        found[first : first + lot] = torch.from_numpy(values[which[first : first + lot]])
    return found
