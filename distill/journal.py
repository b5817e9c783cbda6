"""What a training run tells and keeps: progress, the curve, the best so far, checkpoints."""

import math
import time

import torch

from distill.checkpoint import prune, write
from distill.graders import metric, named
from distill.loop import Course
from distill.progress import Progress
from distill.report.figures import CurvePoint
from distill.run import RunFolder
from distill.snapshot import (
    Notes,
    Snapshot,
    random_states,
    restore_random,
)
from distill.students import tensors
from distill.versions import versions
from distill.watch import Watched
from spec.problem import Problem, Refused

LOOKS = 24
"""Times that watched rows are measured in a run; the training loss is told twice as often."""
EVERY = 10.0
"""Seconds between checkpoints."""
SHARE = 0.05
"""Of the time, at most, for checkpoints."""


class Journal:
    """Writes a checkpoint after the first second, so that a kill loses little, and then every `EVERY` seconds or more seldom, by `SHARE`; a
    run's context can ask for one every `checkpoint_seconds`."""

    def __init__(self, folder: RunFolder, course: Course, watched: tuple[Watched, ...]) -> None:
        self._folder, self._course, self._watched = folder, course, watched
        asked = folder.run.context.get("checkpoint_seconds")
        self._every = EVERY if asked is None else float(asked)
        self._share = SHARE if asked is None else 1.0
        self.step = 0
        self.curve: list[CurvePoint] = []
        self.best: dict[str, torch.Tensor] | None = None
        self.best_step: int | None = None
        self.best_value: float | None = None
        self._loss_sum, self._loss_steps = 0.0, 0
        self.last_loss: float | None = None
        self._pending: torch.Tensor | None = None
        self._points = points(course.params.steps)
        self.begin()

    def begin(self) -> None:
        """Starts the clocks: at the first step, or at the one that was resumed."""
        given = self._course.params
        last = min(given.steps, given.stop_step or given.steps)
        self._progress = Progress(self._folder, start=self.step, total=last, unit="steps", rows=given.batch_size)
        self._next_checkpoint = time.monotonic() + min(1.0, self._every)

    def after(self, step: int, loss: torch.Tensor) -> bool:
        """Called after each step. False: a stop was asked for, and the checkpoint for it is written. Refused: the loss is no number."""
        self.settle()
        self.step, self._pending = step, loss
        if step in self._points:
            self._look(step)
        now = time.monotonic()
        if self._progress.due(step):
            self._progress.tell(step, **({} if self.last_loss is None else {"loss": self.last_loss}))
        if self._folder.stop_requested or now >= self._next_checkpoint:
            self.checkpoint()
        return not self._folder.stop_requested

    def settle(self) -> None:
        """Reads the loss of the step before: one step late, so that an accelerator is never waited for."""
        if self._pending is None:
            return
        loss, self._pending = self._pending.item(), None
        if not math.isfinite(loss):
            message = f"The loss of step {self.step} is {loss}."
            hint = "A lower learning rate helps most; float32 instead of bfloat16, and values that are scaled, too."
            raise Refused(Problem(code="loss_not_finite", message=message, param="training.learning_rate", hint=hint))
        self.last_loss = loss
        self._loss_sum += loss
        self._loss_steps += 1

    def checkpoint(self) -> None:
        """Writes one, tells of it, and drops all but the newest few."""
        self.settle()
        began = time.monotonic()
        written = write(self._folder.checkpoints, f"{self.step:06d}", self.snapshot().write)
        self._folder.emit("checkpoint", {"path": written.name, "step": self.step})
        prune(self._folder.checkpoints, self.step)
        now = time.monotonic()
        self._next_checkpoint = now + max(self._every, (now - began) / self._share)

    def snapshot(self) -> Snapshot:
        course = self._course
        notes = Notes(
            step=self.step,
            curve=tuple(self.curve),
            loss_sum=self._loss_sum,
            loss_steps=self._loss_steps,
            best_step=self.best_step,
            best_value=self.best_value,
            micro_batch=course.micro,
            threads=self._folder.run.threads,
            versions=versions(),
        )
        return Snapshot(
            model=tensors(course.module),
            optimizer=course.optimizer.tensors(),
            random=random_states(course.device),
            best=self.best,
            notes=notes,
        )

    def resume(self, kept: Snapshot) -> None:
        """Goes on as if nothing had happened; says what differs from where the snapshot was made."""
        course, notes = self._course, kept.notes
        course.module.load_state_dict(kept.model)
        course.optimizer.restore(kept.optimizer)
        restore_random(kept.random, course.device)
        course.micro = min(course.micro, notes.micro_batch)
        self.step, self.curve, self.best = notes.step, list(notes.curve), kept.best
        self.best_step, self.best_value = notes.best_step, notes.best_value
        self._loss_sum, self._loss_steps = notes.loss_sum, notes.loss_steps
        self._folder.message(f"Resumed at step {notes.step}.")
        here = {"threads": str(self._folder.run.threads), **versions()}
        before = {"threads": str(notes.threads), **notes.versions}
        for name in sorted(here.keys() | before.keys()):
            if here.get(name) != before.get(name):
                text = f"The checkpoint was written with {name} {before.get(name)}, this run has {here.get(name)}"
                self._folder.message(f"{text}: the weights may differ from an unbroken run's.", level="warning")
        self.begin()

    def _look(self, step: int) -> None:
        """One point of the curve; validation rows may make these weights the best so far."""
        self.settle()
        series = {"train_loss": self._loss_sum / max(self._loss_steps, 1)}
        self._loss_sum, self._loss_steps = 0.0, 0
        if self._points[step]:
            for watched in self._watched:
                series |= watched.measure(self._course.module, self._course.scaling)
            self._choose(step, series)
        self.curve.append(CurvePoint(step=step, series=series))
        self._folder.emit("metrics", {"step": step, "series": series})

    def _choose(self, step: int, series: dict[str, float]) -> None:
        """Strictly better only: of equal weights the earlier ones are kept."""
        headline = self._course.params.headline
        value = series.get(f"validation_{named(headline)}")
        if self._course.params.select != "best" or value is None:
            return
        sign = 1 if metric(headline).higher_is_better else -1
        if self.best_value is None or sign * value > sign * self.best_value:
            self.best, self.best_step, self.best_value = tensors(self._course.module), step, value


def points(steps: int) -> dict[int, bool]:
    """Steps at which the loss is told, evenly spaced, the last one among them; True: watched rows are measured too."""
    found = {-(-k * steps // (2 * LOOKS)): False for k in range(1, 2 * LOOKS + 1)}
    return found | {-(-k * steps // LOOKS): True for k in range(1, LOOKS + 1)}
