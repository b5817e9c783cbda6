"""Labels: cross-entropy, the mean over those rows of the batch whose labels are seen; balanced, each times the weight of its class.

Of several classes a row it is binary, the mean over classes. A decision is a row and a class.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from distill.data.rows import Ints, Labels, seen

UNSEEN = -1
"""The label of a row whose label is not seen; of several classes a row, in every class."""
Floats = npt.NDArray[np.float32]


def labels(logits_BV: torch.Tensor, labels_B: torch.Tensor, weights_V: torch.Tensor | None = None) -> torch.Tensor:
    """The sum over labelled rows of the negative log-likelihood, in nats; 0, with a gradient of 0, where there is none."""
    return functional.cross_entropy(logits_BV, labels_B, weights_V, ignore_index=UNSEEN, reduction="sum")


def several_labels(
    logits_BV: torch.Tensor, labels_BV: torch.Tensor, weights_2V: torch.Tensor | None = None
) -> torch.Tensor:
    """The sum over labelled rows of the mean over classes of the binary cross-entropy, in nats. `weights_2V`: of a no, of a yes."""
    yes_BV = labels_BV == 1
    losses_BV = functional.binary_cross_entropy_with_logits(logits_BV, yes_BV.to(logits_BV.dtype), reduction="none")
    if weights_2V is not None:
        losses_BV = losses_BV * torch.where(yes_BV, weights_2V[1], weights_2V[0])
    return torch.where(labels_BV == UNSEEN, 0.0, losses_BV).sum() / logits_BV.shape[1]


def weights_of(labels: Labels, classes: int) -> Floats:
    """How much a label counts so that all classes count alike: (V,), or (2, V) of several classes a row."""
    return decision_weights(labels) if labels.ndim == 2 else inverse_frequencies(labels.astype(np.int64), classes)


def inverse_frequencies(labels: Ints, classes: int) -> Floats:
    """(V,): labelled rows / (classes with labels * rows of the class), whose mean over the labelled rows is one; 0 for a class without labels."""
    return _inverse(np.bincount(labels[labels != UNSEEN], minlength=classes))


def decision_weights(labels_NV: npt.NDArray[np.signedinteger[Any]]) -> Floats:
    """(2, V), of a no and of a yes: the same for each class by itself, labelled rows / (2 * rows with that answer). Their ratio is what is
    known as a class's positive weight, rows without it / rows with it."""
    known = labels_NV[seen(labels_NV)]
    yes = known.sum(axis=0, dtype=np.int64)
    return np.stack([_inverse(counts) for counts in np.stack([len(known) - yes, yes], axis=1)], axis=1)


def _inverse(counts_K: Ints) -> Floats:
    there = counts_K > 0
    found = np.zeros(len(counts_K), dtype=np.float32)
    found[there] = counts_K.sum() / (there.sum() * counts_K[there])
    return found
