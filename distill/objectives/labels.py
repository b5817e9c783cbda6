"""Labels: cross-entropy, the mean over those rows of the batch whose labels are seen; balanced, each times the weight of its class."""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from distill.data.rows import Ints

UNSEEN = -1
"""The label of a row whose label is not seen."""


def labels(logits_BV: torch.Tensor, labels_B: torch.Tensor, weights_V: torch.Tensor | None = None) -> torch.Tensor:
    """The sum over labelled rows of the negative log-likelihood, in nats; 0, with a gradient of 0, where there is none."""
    return functional.cross_entropy(logits_BV, labels_B, weights_V, ignore_index=UNSEEN, reduction="sum")


def inverse_frequencies(labels: Ints, classes: int) -> npt.NDArray[np.float32]:
    """(V,): labelled rows / (classes with labels * rows of the class), whose mean over the labelled rows is one; 0 for a class without labels."""
    counts = np.bincount(labels[labels != UNSEEN], minlength=classes)
    there = counts > 0
    found = np.zeros(classes, dtype=np.float32)
    found[there] = counts.sum() / (there.sum() * counts[there])
    return found
