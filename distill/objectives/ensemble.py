"""One distribution from several teachers at temperature T (Hinton et al. 2015, section 3: arithmetic or geometric mean).

arithmetic: sum_m w_m softmax(z_m / T). geometric: the renormalised exp(sum_m w_m log softmax(z_m / T)), which is softmax(sum_m w_m z_m / T),
since what each softmax divides by is the same for all classes. Weights are divided by their sum.
"""

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
    shares_M1 = torch.tensor(weights or (1.0,) * teachers, dtype=logits_BMV.dtype, device=logits_BMV.device)[:, None]
    shares_M1 = shares_M1 / shares_M1.sum()
    if combine == "arithmetic":
        return torch.logsumexp(torch.log_softmax(logits_BMV / temperature, dim=-1) + shares_M1.log(), dim=1)
    return torch.log_softmax((logits_BMV * shares_M1).sum(dim=1) / temperature, dim=-1)
