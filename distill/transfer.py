"""The transfer set: which rows are learned from, with what targets, in what order. Batches are numbers of rows; the data set is never copied.

An item is a row, or one of its jittered copies: item i of n rows is row i % n, copy i // n (copy 0 is the row as it is). The order of an
epoch is a permutation by (seed, epoch), so the place in the data is a function of the step alone. Legend: `B` rows of a batch.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.data.draw import Hashes
from distill.data.jitter import jitter
from distill.data.rows import Ints, Labels, seen
from distill.nearby import nearby
from distill.objectives.objective import Targets
from distill.seeds import derived
from spec.data import Jitter


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Rows to learn from."""

    inputs: npt.NDArray[Any]
    """(N, *shape) of the whole file, as stored; of texts, what gives the bytes of the rows asked for."""
    digests: Hashes
    """(N, 2) of the whole file."""
    rows: Ints
    """(n,) numbers of the transfer rows in the file."""
    labels: Labels
    """(n,), of several classes a row (n, V); UNSEEN where a label may not be seen."""
    teachers: npt.NDArray[np.float32] | None
    """(items, M, V)."""
    absent: Ints
    """Classes that no transfer row has, by the labels of the file, seen or not; none where no row has a label."""
    augment: Jitter | None = None
    seed: int = 0
    """Of the jitter: the data's seed, so that teachers and students see the same copies."""

    @property
    def copies(self) -> int:
        """Fixed copies of each row, itself not counted."""
        return (self.augment.copies or 0) if self.augment else 0

    @property
    def items(self) -> int:
        return len(self.rows) * (1 + self.copies)

    def raw(self, items: Ints, epochs: Ints) -> npt.NDArray[Any]:
        """(B, *shape): of the type that the file has, or float32 where images are jittered. `epochs`: of each item."""
        if self.augment is None:
            return self.inputs[self.rows[items]]
        copies = items // len(self.rows) if self.copies else epochs + 1
        return self.jittered(items % len(self.rows), copies)

    def jittered(self, places: Ints, copies: Ints) -> npt.NDArray[np.float32]:
        """(B, *shape): copy `copies[i]` of transfer row `places[i]`."""
        assert self.augment is not None
        rows = self.rows[places]
        found = self.inputs[rows].astype(np.float32)
        for copy in np.unique(copies[copies > 0]):
            among = np.flatnonzero(copies == copy)
            moved = jitter(found[among], self.digests[rows[among]], int(copy), self.seed, self.augment)
            found[among] = moved.numpy()
        return found


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns from."""

    raw: torch.Tensor
    """(B, *shape), values as stored."""
    targets: Targets


class Batches:
    """The batch of any step. A batch may end one epoch and begin the next, so that all have the same size."""

    def __init__(self, transfer: Transfer, size: int, seed: int, device: torch.device) -> None:
        self._transfer, self._size, self._seed, self._device = transfer, size, seed, device
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)
        fixed = transfer.augment is None
        self._near = (
            nearby(transfer.inputs, transfer.rows, transfer.labels, transfer.teachers, device) if fixed else None
        )

    def take(self, step: int) -> Batch:
        """The batch of a step, on the device."""
        transfer, near = self._transfer, self._near
        items, epochs = self.items(step)
        labels = transfer.labels[items % len(transfer.rows) if transfer.copies else items]
        if near is None:
            raw, labels_B = self._there(transfer.raw(items, epochs)), self._there(labels)
            teachers = None if transfer.teachers is None else self._there(np.take(transfer.teachers, items, axis=0))
        else:
            which_B = self._there(items)
            raw, labels_B = near.raw.index_select(0, which_B), near.labels_N.index_select(0, which_B)
            teachers = None if near.teachers_NMV is None else near.teachers_NMV.index_select(0, which_B)
        targets = Targets(
            labels_B=labels_B,
            teachers_BMV=teachers,
            rows=len(items),
            labelled=self._number(max(int(seen(labels).sum()), 1)),
        )
        return Batch(raw=raw, targets=targets)

    def items(self, step: int) -> tuple[Ints, Ints]:
        """(B,) items of a step, and the epoch that each belongs to."""
        parts, epochs = [], []
        first, last, count = step * self._size, (step + 1) * self._size, self._transfer.items
        while first < last:
            epoch, place = divmod(first, count)
            taken = self._permutation(epoch)[place : place + last - first]
            parts.append(taken)
            epochs.append(np.full(len(taken), epoch, dtype=np.int64))
            first += len(taken)
        return (parts[0], epochs[0]) if len(parts) == 1 else (np.concatenate(parts), np.concatenate(epochs))

    def _permutation(self, epoch: int) -> Ints:
        if epoch != self._epoch:
            source = np.random.default_rng([derived(self._seed, "batches"), epoch])
            self._epoch, self._order = epoch, source.permutation(self._transfer.items)
        return self._order

    def _number(self, value: int) -> int | torch.Tensor:
        """On an accelerator a tensor, so that a step can be replayed with another number."""
        return value if self._device.type == "cpu" else self._there(np.array(value, dtype=np.float32))

    def _there(self, values: npt.NDArray[Any]) -> torch.Tensor:
        """A copy on the device. An accelerator fetches it while it still computes: nobody waits."""
        here = torch.from_numpy(values)
        return here if self._device.type == "cpu" else here.pin_memory().to(self._device, non_blocking=True)
