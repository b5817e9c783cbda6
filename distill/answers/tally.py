"""What came of the questions: counts by kind, and how the answers compare with gold labels."""

import numpy as np
import numpy.typing as npt

from distill.answers.noise import noise, of_arrays
from distill.data.rows import Labels, seen
from distill.graders.accuracy import hits
from distill.graders.decisions import sigmoid
from distill.graders.wilson import wilson
from distill.report.asked import Agreement
from distill.signals.scores import Floats

FLOOR = 1e-6
"""Least probability of a choice: what no vote fell on is not impossible."""
HALVINGS = 50
"""Of the interval in which a weight lies."""


def agreement(log_shares: Floats, truth: Labels) -> Agreement | None:
    """`log_shares` (n, V), `truth` (n,) places, -1 without a label; of lists (n, V) log-odds, and zeros and ones."""
    labelled = seen(truth)
    n = int(labelled.sum())
    if not n:
        return None
    logs, gold = log_shares[labelled], truth[labelled]
    several = gold.ndim == 2
    byclass = noise(of_arrays(logs, gold), logs.shape[1], several=several)
    found = _of_lists(logs, gold) if several else _of_names(logs, gold)
    return found.model_copy(update={"noise": byclass})


def _of_names(logs: Floats, gold: Labels) -> Agreement:
    n = len(gold)
    hit = logs.argmax(axis=1) == gold
    right, choices = int(hit.sum()), logs.shape[1]
    low, high = wilson(right, n)
    shares = np.exp(logs[np.arange(n), gold], dtype=np.float64)
    return Agreement(
        rows=n, accuracy=right / n, low=low, high=high, nll=mixed_nll(shares, choices), nll_hard=mixed_nll(hit, choices)
    )


def _of_lists(odds: Floats, gold: Labels) -> Agreement:
    """Right is a list that is the gold one; likelihoods are a mean over decisions."""
    shares = sigmoid(odds)
    right, rows = int(hits(shares, gold).sum()), len(gold)
    low, high = wilson(right, rows)
    nll = mixed_nll(np.where(gold == 1, shares, 1 - shares).ravel(), 2)
    nll_hard = mixed_nll(((odds > 0) == (gold == 1)).ravel(), 2)
    return Agreement(rows=rows, accuracy=right / rows, low=low, high=high, nll=nll, nll_hard=nll_hard)


def mixed_nll(gold: npt.ArrayLike, choices: int) -> float:
    """Mean -ln((1 - w) p + w / choices), in nats, of the probabilities p (n,) of what is gold, at the weight w from 0 to 1 that serves these rows best.

    What a share of 0 costs is so said by how often it was wrong, of distributions as of names (0 or 1): of these it is their own
    accuracy, and the rest shared by the others. It is convex in w, so where it falls is halved.
    """
    p = np.asarray(gold, dtype=np.float64)
    away = 1 / choices - p
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        weight = (low + high) / 2
        falls = (away / (p + weight * away)).mean() > 0
        low, high = (weight, high) if falls else (low, weight)
    return float(-np.log(p + (low + high) / 2 * away).mean())


def log_shares(shares: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Floats:
    """(V,) natural logarithms, bounded below, and normalised again."""
    bounded = np.maximum(shares, FLOOR)
    found: Floats = np.log(bounded / bounded.sum()).astype(np.float32)
    return found


def log_odds(shares: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Floats:
    """(V,) of each choice by itself, its probability bounded from both sides."""
    bounded = np.clip(shares, FLOOR, 1 - FLOOR)
    found: Floats = np.log(bounded / (1 - bounded)).astype(np.float32)
    return found
