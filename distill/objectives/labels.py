"""Labels: cross-entropy, the mean over those rows of the batch whose labels are seen; balanced, each times the weight of its class.

Of several classes a row it is binary, the mean over classes. A decision is a row and a class.
"""

import torch
from torch.nn import functional

UNSEEN = -1
"""The label of a row whose label is not seen; of several classes a row, in every class."""


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
