"""Soft targets: T² · KL(teacher_T ‖ student_T), the mean over the rows of the batch (Hinton et al. 2015, section 2).

The gradient with respect to a row's logits is T(q - p) / B. For high T it tends to (d - mean d) / (V·B) with d = student's - teacher's
logits: matching logits (section 2.1).

Of several classes a row each class is a distribution of its own, yes or no, and the term is the mean over classes of T² · KL of these: the
one-versus-all reduction of Yang et al. 2023 ("Multi-label knowledge distillation", section 3.2), who take the sum; with the mean, which is
usual for labels, the two terms keep their proportion whatever the number of classes. A logit's gradient is T(q - p) / (V·B), for high T d / (4·V·B).

Balanced, each row's divergence, or each decision's, counts by a weight of its own (`balance`).
"""

import torch
from torch.nn import functional

EXACT_ABOVE = 100.0
"""Temperatures above it are computed in float64: p and q then differ by about 1/T, and float32 would lose that difference."""


def soft_targets(
    logits_BV: torch.Tensor, teacher_BV: torch.Tensor, temperature: float, weights_B: torch.Tensor | None = None
) -> torch.Tensor:
    """The sum over rows of T² · KL, in nats. `logits_BV`: the student's; `teacher_BV`: the teacher's log-probabilities at T."""
    if temperature > EXACT_ABOVE:
        logits_BV, teacher_BV = logits_BV.double(), teacher_BV.double()
    student_BV = torch.log_softmax(logits_BV / temperature, dim=-1)
    if weights_B is None:
        divergence = functional.kl_div(student_BV, teacher_BV, reduction="sum", log_target=True)
    else:
        each_BV = functional.kl_div(student_BV, teacher_BV, reduction="none", log_target=True)
        divergence = (each_BV.sum(dim=-1) * weights_B).sum()
    return divergence.float() * temperature**2


def several_soft_targets(
    logits_BV: torch.Tensor, odds_BV: torch.Tensor, temperature: float, weights_BV: torch.Tensor | None = None
) -> torch.Tensor:
    """The sum over rows of T² · the mean over classes of KL, in nats. `odds_BV`: the teacher's log-odds at T."""
    if temperature > EXACT_ABOVE:
        logits_BV, odds_BV = logits_BV.double(), odds_BV.double()
    z_BV = logits_BV / temperature
    divergence_BV = _answer(odds_BV, z_BV) + _answer(-odds_BV, -z_BV)
    if weights_BV is not None:
        divergence_BV = divergence_BV * weights_BV
    return divergence_BV.mean(dim=1).sum().float() * temperature**2


def _answer(odds_BV: torch.Tensor, z_BV: torch.Tensor) -> torch.Tensor:
    """p log (p / q) of one of the two answers, by its log-odds."""
    return torch.sigmoid(odds_BV) * (functional.logsigmoid(odds_BV) - functional.logsigmoid(z_BV))
