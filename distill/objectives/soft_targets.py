"""Soft targets: T² · KL(teacher_T ‖ student_T), the mean over the rows of the batch (Hinton et al. 2015, section 2).

The gradient with respect to a row's logits is T(q - p) / B. For high T it tends to (d - mean d) / (V·B) with d = student's - teacher's
logits: matching logits (section 2.1).
"""

import torch
from torch.nn import functional

EXACT_ABOVE = 100.0
"""Temperatures above it are computed in float64: p and q then differ by about 1/T, and float32 would lose that difference."""


def soft_targets(logits_BV: torch.Tensor, teacher_BV: torch.Tensor, temperature: float) -> torch.Tensor:
    """The sum over rows of T² · KL, in nats. `logits_BV`: the student's; `teacher_BV`: the teacher's log-probabilities at T."""
    if temperature > EXACT_ABOVE:
        logits_BV, teacher_BV = logits_BV.double(), teacher_BV.double()
    student_BV = torch.log_softmax(logits_BV / temperature, dim=-1)
    divergence = functional.kl_div(student_BV, teacher_BV, reduction="sum", log_target=True)
    return divergence.float() * temperature**2
