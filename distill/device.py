"""torch, made reproducible: importing this imports torch."""

import torch


def prepare(threads: int) -> None:
    """Pins the thread count, which is part of what makes a result reproducible, and asks for deterministic kernels.

    `torch.use_deterministic_algorithms` says the same, but imports torch's compiler first, which takes longer than many a step.
    """
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")
