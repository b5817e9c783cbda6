"""The training loop: from a batch to a gradient to a step.

    for each step: take the batch of that step; its loss is the sum of the objective's terms; descend along the gradient.

Legend: `B` rows of a batch, `V` classes. What is measured and kept on the way is the journal's; the loop knows nothing of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from distill.failure import out_of_memory
from distill.objectives.objective import Objective, Targets
from distill.optim import Optimizer
from distill.replay import Replay
from distill.schedule import momentum, rate
from distill.students import constrain
from distill.students.scaling import Scaling
from distill.transfer import Batch, Batches
from spec.params import TrainParams
from spec.student import Mlp


@dataclass(kw_only=True)
class Course:
    """All that a step needs; `micro` is the one thing that a step may change."""

    params: TrainParams
    module: nn.Sequential
    scaling: Scaling
    batches: Batches
    objective: Objective
    optimizer: Optimizer
    device: torch.device
    micro: int
    """Rows of one forward pass; a batch is cut into as many parts of equal size as that takes."""
    smallest: int = 1
    """Rows of a forward pass at least (a batch norm needs two)."""
    tell: Callable[[str], None] = print
    replay: Replay | None = None
    """Of steps that are recorded, where the device and the student allow it."""


def run(course: Course, first: int, last: int, go_on: Callable[[int, torch.Tensor], bool]) -> None:
    """Steps `first` to `last` - 1. `go_on` is given the number of steps done and the last loss; False ends the run."""
    course.module.train()
    for step in range(first, last):
        loss = descend(course, course.batches.take(step), step)
        if not go_on(step + 1, loss):
            return


def descend(course: Course, batch: Batch, step: int) -> torch.Tensor:
    """One step of the optimizer; gives the loss of the batch before it. Where memory runs out, the micro-batch is halved and the step goes on."""
    loss = gradient(course, batch)
    while loss is None:
        course.micro = max(course.smallest, (course.micro + 1) // 2)
        course.tell(
            f"Memory ran out: {course.micro} rows in one pass from now on, {batch.targets.rows} in a step as before."
        )
        loss = gradient(course, batch)
    given = course.params
    speed = rate(given.schedule, step, given.steps, given.learning_rate)
    course.optimizer.step(speed, momentum(given.schedule, step, given.steps))
    student = given.student
    if isinstance(student, Mlp) and student.max_norm is not None:
        constrain(course.module, student.max_norm)
    return loss


def gradient(course: Course, batch: Batch) -> torch.Tensor | None:
    """Computes the gradient of the batch's loss, part by part; None where memory ran out and smaller parts are possible."""
    rows = batch.targets.rows
    parts = max(1, min(-(-rows // course.micro), rows // course.smallest))
    if parts == 1 and course.replay is not None and (replayed := course.replay(batch)) is not None:
        return replayed
    course.optimizer.zero_grad()
    try:
        losses = [
            backward(course, batch.raw[a:b], batch.targets.part(a, b))
            for a, b in ((rows * i // parts, rows * (i + 1) // parts) for i in range(parts))
        ]
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error) or course.micro <= course.smallest:
            raise
        return None
    return losses[0] if parts == 1 else torch.stack(losses).sum()


def recorded(course: Course) -> Replay | None:
    """For steps on an accelerator whose batches have one shape; texts have as many bytes as the longest of a batch."""
    if course.device.type != "cuda" or course.params.signature.input.kind == "text":
        return None
    return Replay(lambda batch: backward(course, batch.raw, batch.targets), course.module, course.tell)


def backward(course: Course, raw: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Loss and gradient of one part. Inputs are scaled on the device; bfloat16 is autocast's, weights and losses stay float32."""
    with torch.autocast(course.device.type, torch.bfloat16, enabled=course.params.precision == "bfloat16"):
        logits_BV = course.module(course.scaling(raw))
    loss: torch.Tensor = course.objective(logits_BV, targets)
    torch.autograd.backward(loss)
    return loss.detach()
