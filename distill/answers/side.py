"""What is asked: rows of one side, and what came of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from distill.data.rows import Ints, Labels, Rows
from distill.report.asked import Unanswered
from distill.signals.scores import Floats

LOT = 50
"""Rows whose answers show whether the teacher can be read at all, before the others are paid for."""


@dataclass(kw_only=True)
class Side:
    """Rows of one file that are asked about together, and what came of it."""

    name: str
    """`heldout` or `train`."""
    part: str
    """Of the scores: where held-out rows are a share of the training file, both sides are in its part."""
    rows: Rows
    which: Ints
    logs: Floats
    """(n, V) log-probabilities; of lists, log-odds."""
    answered: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
    truth: Labels
    """(n,), of lists (n, V): gold labels that may be seen, -1 elsewhere."""
    kinds: Counter[str] = field(default_factory=Counter)
    passing: int = 0
    """Rows that failed, and may be answered another time."""
    outside: float = 0.0
    hard: int = 0
    """Answered rows that were read from the text, though log-probabilities were asked for."""
    unanswered: list[Unanswered] = field(default_factory=list)

    @property
    def asked(self) -> int:
        return sum(self.kinds.values())

    @property
    def hopeless(self) -> bool:
        """Nothing that was said can be used: of the first lot, or of all. A failure that may pass says nothing of a lot."""
        asked = self.asked
        return not self.kinds["answered"] and (asked - self.passing >= LOT or asked == len(self.which))

    def places(self) -> list[int]:
        """In the order in which they are asked: LOT of them, spread over all rows, and then the others."""
        return early_first(len(self.which))

    def gold(self, place: int, classes: Sequence[str]) -> str | list[str] | None:
        """The name, or names, of a gold label that may be seen."""
        truth = self.truth[place]
        if truth.ndim:
            return None if truth[0] < 0 else [name for name, there in zip(classes, truth, strict=True) if there]
        return None if truth < 0 else classes[int(truth)]


def early_first(number: int) -> list[int]:
    """All places below `number`: LOT of them, spread over all, and then the others."""
    every = np.arange(number)
    early = np.isin(every, spread(number, LOT))
    return [*every[early].tolist(), *every[~early].tolist()]


def spread(number: int, few: int) -> Ints:
    """(min(few, number),) places below `number`, ascending, the first and the last among them."""
    few = min(few, number)
    return np.arange(few, dtype=np.int64) * (number - 1) // max(few - 1, 1)


Sides = tuple[Side, Side]
"""Held-out rows, training rows."""


def sample(sides: Sides, number: int) -> Sides:
    """So many rows, spread over both sides: the first of a file with an order would cost what the others do not."""
    heldout, train = sides
    few = max(number // 2, number - len(train.which))
    return (_of(heldout, few), _of(train, number - min(few, len(heldout.which))))


def _of(side: Side, number: int) -> Side:
    some = spread(len(side.which), number)
    return replace(
        side,
        which=side.which[some],
        truth=side.truth[some],
        logs=side.logs[some],
        answered=side.answered[some],
    )
