"""What came of the questions: counts by kind, and how the answers compare with gold labels."""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict

from distill.data.rows import Ints
from distill.graders.wilson import wilson
from distill.signals.scores import Floats

FLOOR = 1e-6
"""Least probability of a choice: what no vote fell on is not impossible."""


class Figure(BaseModel):
    model_config = ConfigDict(frozen=True)


class Agreement(Figure):
    """Answers against gold labels. The noise of the teacher's labels is one minus `accuracy`."""

    rows: int
    """Answered rows with a gold label that may be seen."""
    accuracy: float
    low: float
    high: float
    """95% Wilson interval."""
    nll: float
    """Mean negative log-likelihood of gold, in nats, of the distributions that were read."""
    nll_hard: float
    """The same of its hard labels at their best: the chosen name at their own accuracy, the rest shared by the others."""


class Part(Figure):
    """Rows of one side."""

    asked: int
    kinds: dict[str, int]
    """Rows by kind: answered, refused, empty, truncated, unparseable, failed."""
    outside: float
    """Mean probability (or share of votes) that fell on no choice, over answered rows."""
    gold: Agreement | None


class Tally(Figure):
    """answers.json."""

    model: str
    read: str
    samples: int
    classes: tuple[str, ...]
    parts: dict[str, Part]
    """`heldout` and `train`."""
    cut: bool = False
    """A cap ended it before all training rows were asked."""


def agreement(log_shares: Floats, truth: Ints) -> Agreement | None:
    """`log_shares` (n, V), `truth` (n,) places, -1 without a label."""
    labelled = truth >= 0
    n = int(labelled.sum())
    if not n:
        return None
    logs, gold = log_shares[labelled], truth[labelled]
    right = int((logs.argmax(axis=1) == gold).sum())
    share = right / n
    low, high = wilson(right, n)
    nll = float(-logs[np.arange(n), gold].mean(dtype=np.float64))
    return Agreement(rows=n, accuracy=share, low=low, high=high, nll=nll, nll_hard=hard_nll(share, logs.shape[1]))


def hard_nll(accuracy: float, classes: int) -> float:
    """Of labels that are right with this probability, and wrong in all other ways alike."""
    right = min(max(accuracy, FLOOR), 1 - FLOOR)
    return -(accuracy * math.log(right) + (1 - accuracy) * math.log((1 - right) / max(classes - 1, 1)))


def log_shares(shares: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Floats:
    """(V,) natural logarithms, bounded below, and normalised again."""
    bounded = np.maximum(shares, FLOOR)
    found: Floats = np.log(bounded / bounded.sum()).astype(np.float32)
    return found
