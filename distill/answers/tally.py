"""What came of the questions: counts by kind, and how the answers compare with gold labels."""

import math

import numpy as np

from distill.answers.noise import noise, of_arrays
from distill.data.rows import Labels, seen
from distill.graders.accuracy import hits
from distill.graders.decisions import sigmoid
from distill.graders.nll import NllMetric
from distill.graders.wilson import wilson
from distill.report.asked import Agreement
from distill.signals.scores import Floats

FLOOR = 1e-6
"""Least probability of a choice: what no vote fell on is not impossible."""


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
    right = int((logs.argmax(axis=1) == gold).sum())
    share = right / n
    low, high = wilson(right, n)
    nll = float(-logs[np.arange(n), gold].mean(dtype=np.float64))
    return Agreement(rows=n, accuracy=share, low=low, high=high, nll=nll, nll_hard=hard_nll(share, logs.shape[1]))


def _of_lists(odds: Floats, gold: Labels) -> Agreement:
    """Right is a list that is the gold one; likelihoods are a mean over decisions."""
    shares = sigmoid(odds)
    right, rows = int(hits(shares, gold).sum()), len(gold)
    low, high = wilson(right, rows)
    nll = float(NllMetric().statistics(shares, gold).mean())
    decided = float(((odds > 0) == (gold == 1)).mean())
    return Agreement(rows=rows, accuracy=right / rows, low=low, high=high, nll=nll, nll_hard=hard_nll(decided, 2))


def hard_nll(accuracy: float, classes: int) -> float:
    """Of labels that are right with this probability, and wrong in all other ways alike."""
    right = min(max(accuracy, FLOOR), 1 - FLOOR)
    return -(accuracy * math.log(right) + (1 - accuracy) * math.log((1 - right) / max(classes - 1, 1)))


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
