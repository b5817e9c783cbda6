"""What is asked: rows of one side, and what came of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from distill.data.rows import Ints, Labels, Rows
from distill.report.asked import Unanswered
from distill.signals.scores import Floats


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
    unanswered: list[Unanswered] = field(default_factory=list)

    @property
    def asked(self) -> int:
        return sum(self.kinds.values())

    def gold(self, place: int, classes: Sequence[str]) -> str | list[str] | None:
        """The name, or names, of a gold label that may be seen."""
        truth = self.truth[place]
        if truth.ndim:
            return None if truth[0] < 0 else [name for name, there in zip(classes, truth, strict=True) if there]
        return None if truth < 0 else classes[int(truth)]


Sides = tuple[Side, Side]
"""Held-out rows, training rows."""


def beginning(sides: Sides, number: int) -> Sides:
    """The first rows in the order in which all will be asked; of both sides where there is room."""
    heldout, train = sides
    few = max(number // 2, number - len(train.which))
    return (_of(heldout, few), _of(train, number - min(few, len(heldout.which))))


def _of(side: Side, number: int) -> Side:
    return replace(
        side,
        which=side.which[:number],
        truth=side.truth[:number],
        logs=side.logs[:number],
        answered=side.answered[:number],
    )
