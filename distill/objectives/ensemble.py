"""One distribution from several teachers at temperature T (Hinton et al. 2015, section 3: arithmetic or geometric mean).

arithmetic: sum_m w_m softmax(z_m / T). geometric: the renormalised exp(sum_m w_m log softmax(z_m / T)), which is softmax(sum_m w_m z_m / T),
since what each softmax divides by is the same for all classes. Weights are divided by their sum.
"""

from functools import cache
from typing import Literal

import torch

Combine = Literal["arithmetic", "geometric"]


def teacher_log_probabilities(
    logits_BMV: torch.Tensor, temperature: float, combine: Combine | None, weights: tuple[float, ...] | None
) -> torch.Tensor:
    """(B, M, V) -> (B, V): log-probabilities at T. `combine` None: there is one teacher, or equal weights and geometric."""
    teachers = logits_BMV.shape[1]
    if teachers == 1:
        return torch.log_softmax(logits_BMV[:, 0] / temperature, dim=-1)
    shares_M1 = shares(weights or (1.0,) * teachers, logits_BMV.dtype, logits_BMV.device)[:, None]
    if combine == "arithmetic":
        return torch.logsumexp(torch.log_softmax(logits_BMV / temperature, dim=-1) + shares_M1.log(), dim=1)
    return torch.log_softmax((logits_BMV * shares_M1).sum(dim=1) / temperature, dim=-1)


@cache
def shares(weights: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """(M,): weights by their sum. Kept: they are on the device from the first batch on."""
    found_M = torch.tensor(weights, dtype=dtype, device=device)
    return found_M / found_M.sum()
