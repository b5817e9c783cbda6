"""torch, made reproducible: importing this imports torch."""

import os

import torch

WORKSPACE = ":4096:8"
"""Of cuBLAS, by which its products are the same in every run (its manual, "Results reproducibility")."""


def prepare(threads: int, device: str) -> None:
    """Pins the thread count, which is part of what makes a result reproducible, and asks for deterministic kernels.

    On an accelerator what has none is refused: attention, for one, takes its own only then. `torch.use_deterministic_algorithms` says
    the same, but imports torch's compiler first, which takes longer than many a step.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACE)
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn" if device == "cpu" else "error")
