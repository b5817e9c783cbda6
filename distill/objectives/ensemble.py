"""One distribution from several teachers at temperature T (Hinton et al. 2015, section 3: arithmetic or geometric mean).

arithmetic: sum_m w_m softmax(z_m / T). geometric: the renormalised exp(sum_m w_m log softmax(z_m / T)), which is softmax(sum_m w_m z_m / T),
since what each softmax divides by is the same for all classes. Weights are divided by their sum.
Of several classes a row each class has a distribution of its own, yes or no: arithmetic is the mean of its probabilities sigmoid(z_m / T),
geometric the mean of its log-odds z_m / T.
"""

from functools import cache
from typing import Literal

import torch
from torch.nn import functional

Combine = Literal["arithmetic", "geometric"]


def teacher_log_probabilities(
    logits_BMV: torch.Tensor, temperature: float, combine: Combine | None, weights: tuple[float, ...] | None
) -> torch.Tensor:
    """(B, M, V) -> (B, V): log-probabilities at T. `combine` None: there is one teacher, or equal weights and geometric."""
    if logits_BMV.shape[1] == 1:
        return torch.log_softmax(logits_BMV[:, 0] / temperature, dim=-1)
    shares_M1 = _shares(logits_BMV, weights)
    if combine == "arithmetic":
        return torch.logsumexp(torch.log_softmax(logits_BMV / temperature, dim=-1) + shares_M1.log(), dim=1)
    return torch.log_softmax((logits_BMV * shares_M1).sum(dim=1) / temperature, dim=-1)


def teacher_log_odds(
    logits_BMV: torch.Tensor, temperature: float, combine: Combine | None, weights: tuple[float, ...] | None
) -> torch.Tensor:
    """The same of several classes a row: (B, M, V) -> (B, V), log-odds of each class at T."""
    z_BMV = logits_BMV / temperature
    if z_BMV.shape[1] == 1:
        return z_BMV[:, 0]
    shares_M1 = _shares(z_BMV, weights)
    if combine == "arithmetic":
        yes, no = (torch.logsumexp(functional.logsigmoid(z) + shares_M1.log(), dim=1) for z in (z_BMV, -z_BMV))
        return yes - no
    return (z_BMV * shares_M1).sum(dim=1)


def _shares(logits_BMV: torch.Tensor, weights: tuple[float, ...] | None) -> torch.Tensor:
    """(M, 1): weights divided by their sum."""
    return shares(weights or (1.0,) * logits_BMV.shape[1], logits_BMV.dtype, logits_BMV.device)[:, None]


@cache
def shares(weights: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """(M,): weights by their sum. Kept: they are on the device from the first batch on."""
    found_M = torch.tensor(weights, dtype=dtype, device=device)
    return found_M / found_M.sum()
