"""Labels: cross-entropy, the mean over those rows of the batch whose labels are seen."""

import torch
from torch.nn import functional

UNSEEN = -1
"""The label of a row whose label is not seen."""


def labels(logits_BV: torch.Tensor, labels_B: torch.Tensor) -> torch.Tensor:
    """The sum over labelled rows of the negative log-likelihood, in nats; 0, with a gradient of 0, where there is none."""
    return functional.cross_entropy(logits_BV, labels_B, ignore_index=UNSEEN, reduction="sum")
