"""Which row is on which side: draws by hash, so that a row's side hangs on the row itself and hardly on the others.

Duplicates and rows of one group are one unit and go to one side. Each draw takes the units with the lowest hashes of (seed, purpose,
row digest or group), in this order: held-out, validation, `where`, `share`, `labelled`; the last three touch training rows only.
Where a teacher answers, rows that are held out or validate are drawn among those with a label (`golden`).
Rows that a teacher wrote, and copies of texts, are in no draw: they are training rows without a label, and no old row's side hangs on them.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill.data.rows import Ints, Rows
from spec.condition import Condition
from spec.params import Selection
from spec.problem import Problem, Refused

Hashes = npt.NDArray[np.uint64]
EXACT_BELOW = 10_000
"""Units. Fewer: the lowest hashes until the share is met. More: all hashes below the share, so that added rows move no old one."""


@dataclass(frozen=True, kw_only=True)
class Division:
    """Row numbers, ascending, in the file of the training rows."""

    train: Ints
    heldout: Ints
    """Empty where the held-out rows are a file of their own."""
    validation: Ints
    labelled: Ints
    """Training rows whose labels may be seen."""


def divide(rows: Rows, selection: Selection) -> Division:
    """A pure function of the rows' digests, groups, conditions and of which have a label. Refused: a condition names a column that cannot be
    compared; `heldout_labels` where held-out rows are to have a label and none has."""
    units = _Units(rows, selection.seed)
    left, written = np.split(np.arange(rows.count, dtype=np.int64), [rows.old])
    judging = units.draw_golden if selection.golden else units.draw
    heldout, left = judging("heldout", left, selection.heldout or 0.0)
    if selection.golden and selection.heldout and not len(heldout):
        raise Refused(no_gold())
    validation, left = judging("validation", left, selection.validation or 0.0)
    for condition in selection.where:
        left = left[meets(rows, condition)[left]]
    train = units.draw("share", left, selection.share, exact=True)[0]
    labelled = train[rows.labelled[train]]
    labelled = units.draw("labelled", labelled, selection.labelled, exact=True)[0]
    train = np.concatenate([train, written])
    return Division(train=train, heldout=heldout, validation=validation, labelled=labelled)


def no_gold() -> Problem:
    message = "None of the held-out rows has a label, so nothing could be graded."
    hint = "Hold out labelled rows of their own, or label some of the rows."
    return Problem(code="heldout_labels", message=message, param="data.heldout", hint=hint)


def meets(rows: Rows, condition: Condition) -> npt.NDArray[np.bool_]:
    """(N,): whether each row's value, as text, meets the condition. A missing value is among nothing."""
    texts = rows.texts(condition.column)
    values = condition.among if condition.among is not None else condition.not_among or ()
    inside = pc.is_in(texts, value_set=pa.array([str(value) for value in values], pa.large_string()))
    found: npt.NDArray[np.bool_] = inside.to_numpy(zero_copy_only=False)
    return found if condition.among is not None else ~found


class _Units:
    """Rows that must stay together, and their hashes."""

    def __init__(self, rows: Rows, seed: int) -> None:
        self._seed = seed
        self._digests = rows.digests
        self._keys = rows.digests.copy()
        for i, group in enumerate(rows.groups or ()):
            if group is not None:
                self._keys[i] = np.frombuffer(hashlib.sha256(b"group\n" + group.encode()).digest()[:16], np.uint64)
        self._unit = joined(self._digests, self._keys)
        self._labelled = rows.labelled

    def draw(self, purpose: str, among: Ints, share: float, *, exact: bool = False) -> tuple[Ints, Ints]:
        """(rows drawn, rows left), ascending both."""
        if share <= 0 or not len(among):
            return among[:0], among
        if share >= 1:
            return among, among[:0]
        unit, sizes = np.unique(self._unit[among], return_inverse=True, return_counts=True)[1:]
        hashes = np.full(len(sizes), np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(hashes, unit, salted(self._keys[among], self._seed, purpose))
        if exact or len(sizes) < EXACT_BELOW:
            drawn = _until_met(hashes, sizes, round(share * len(among)))
        else:
            drawn = hashes < np.uint64(share * 2**64)
        taken = drawn[unit]
        return among[taken], among[~taken]

    def draw_golden(self, purpose: str, among: Ints, share: float) -> tuple[Ints, Ints]:
        """The same of a share of the rows with a label, one unit at least; rows without one go along with those of their unit."""
        golden = among[self._labelled[among]]
        drawn = self.draw(purpose, golden, share)[0]
        if not len(drawn):  # of 10,000 units or more, each of which decides for itself
            drawn = self.draw(purpose, golden, share, exact=True)[0]
        taken = np.isin(self._unit[among], self._unit[drawn])
        return among[taken], among[~taken]


def _until_met(hashes: Hashes, sizes: Ints, rows: int) -> npt.NDArray[np.bool_]:
    """(units,): the lowest hashes, whole, until there are `rows` rows; always one unit."""
    order = np.argsort(hashes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    drawn = np.zeros(len(hashes), dtype=np.bool_)
    drawn[order[before < max(rows, 1)]] = True
    return drawn


def joined(digests: Hashes, keys: Hashes) -> Ints:
    """(N,): number of each row's unit: rows with an equal digest or an equal key are in one, through others too."""
    unit = np.arange(len(digests), dtype=np.int64)
    whole = [np.ascontiguousarray(pairs).view("S16").reshape(-1) for pairs in (digests, keys)]
    sides = [np.unique(values, return_inverse=True)[1] for values in whole]
    while True:
        before = unit
        for side in sides:
            lowest = np.full(len(unit), len(unit), dtype=np.int64)
            np.minimum.at(lowest, side, unit)
            unit = lowest[side]
        if np.array_equal(unit, before):
            return unit


def salted(keys: Hashes, seed: int, purpose: str) -> Hashes:
    """(N, 2) -> (N,): splitmix64 over (seed, purpose) and the two halves of each key."""
    salt = np.frombuffer(hashlib.sha256(f"{seed}\n{purpose}".encode()).digest()[:8], np.uint64)
    return splitmix64(splitmix64(keys[:, 0] ^ salt) + keys[:, 1])


def splitmix64(state: Hashes) -> Hashes:
    """One output of the generator for each state (Steele, Lea and Flood 2014, figure 16); arithmetic wraps at 2^64."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
