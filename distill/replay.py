"""The gradient of a batch as one launch: on an accelerator a small student's step is mostly the launching of its kernels.

Forward pass, loss and backward pass are recorded once (a CUDA graph) and replayed for every batch after it, since all have one shape. The
kernels are those of an unrecorded step, and so are the bytes of the result.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from distill.transfer import Batch

WARM = 3
"""The step at which it is recorded: those before find out how much memory there is, and fill what libraries keep."""


class Replay:
    """`gradient`: adds the gradient of a batch to the module's parameters and gives its loss. Whoever replays leaves gradients as they are
    between two steps: each replay writes them anew, where the recording did."""

    def __init__(
        self, gradient: Callable[[Batch], torch.Tensor], module: nn.Module, tell: Callable[[str], None]
    ) -> None:
        self._gradient, self._module, self._tell = gradient, module, tell
        self._before = WARM
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: Batch | None = None
        self._loss: torch.Tensor | None = None

    def __call__(self, batch: Batch) -> torch.Tensor | None:
        """The loss, with the gradients in place; None: nothing is recorded, and nothing was done."""
        if self._graph is None:
            self._before -= 1
            if self._before != 0 or not self._record(batch):
                return None
        assert self._graph is not None and self._batch is not None and self._loss is not None
        for kept, value in zip(_tensors(self._batch), _tensors(batch), strict=True):
            kept.copy_(value)
        self._graph.replay()
        return self._loss.clone()

    def _record(self, batch: Batch) -> bool:
        """Whether it went well: where memory does not suffice for a recording, steps go on as before."""
        targets = batch.targets
        teachers = None if targets.teachers_BMV is None else targets.teachers_BMV.clone()
        copied = replace(targets, labels_B=targets.labels_B.clone(), teachers_BMV=teachers)
        assert isinstance(targets.labelled, torch.Tensor)
        kept = Batch(raw=batch.raw.clone(), targets=replace(copied, labelled=targets.labelled.clone()))
        graph = torch.cuda.CUDAGraph()
        try:
            with _unchanged(self._module):
                apart = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch gives it no types
                apart.wait_stream(torch.cuda.current_stream())
                with torch.cuda.stream(apart):
                    self._gradient(kept)
                torch.cuda.current_stream().wait_stream(apart)
                self._module.zero_grad(set_to_none=True)
                with torch.cuda.graph(graph):
                    self._loss = self._gradient(kept)
        except RuntimeError as error:
            self._module.zero_grad(set_to_none=True)
            self._tell(f"The step could not be recorded, and is launched kernel by kernel: {str(error)[:200]}")
            return False
        self._graph, self._batch = graph, kept
        return True


@contextmanager
def _unchanged(module: nn.Module) -> Iterator[None]:
    """Running statistics and random numbers are afterwards what they were before."""
    before, random = [buffer.clone() for buffer in module.buffers()], torch.cuda.get_rng_state()
    try:
        yield
    finally:
        for buffer, value in zip(module.buffers(), before, strict=True):
            buffer.copy_(value)
        torch.cuda.set_rng_state(random)


def _tensors(batch: Batch) -> list[torch.Tensor]:
    given = batch.targets
    found = (batch.raw, given.labels_B, given.teachers_BMV, given.labelled)
    return [value for value in found if isinstance(value, torch.Tensor)]
