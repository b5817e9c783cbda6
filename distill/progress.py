"""How far a step is, twice a second and at its end: events for a bar with speed and seconds left."""

import time
from typing import Any

from distill.run import RunFolder
from spec.gateway import Batches

EVERY = 0.5
"""Seconds."""


class Progress:
    """`start`: where this attempt began; `rows`: rows of one unit of progress."""

    def __init__(self, folder: RunFolder, *, start: int, total: int, unit: str, rows: float) -> None:
        self._folder, self._total, self._unit, self._rows = folder, total, unit, rows
        self._start, self._began = start, time.monotonic()
        self._next = self._began

    def due(self, done: int) -> bool:
        """Whether it is time to tell, or all is done."""
        return done >= self._total or time.monotonic() >= self._next

    def tell(self, done: int, **more: Any) -> None:
        """A `progress` event: speed is this attempt's so far."""
        now = time.monotonic()
        self._next = now + EVERY
        pace = (done - self._start) / max(now - self._began, 1e-9)
        data = {"step": done, "steps": self._total, "unit": self._unit, "rows_per_second": round(pace * self._rows, 1)}
        if pace > 0:
            data["seconds_left"] = round((self._total - done) / pace, 1)
        self._folder.emit("progress", data | more)


class Onward:
    """Progress inside of one part of the work, `before` which so much was done."""

    def __init__(self, progress: Progress, before: int) -> None:
        self.progress, self.before = progress, before

    def __call__(self, done: int) -> None:
        """Tells it, if it is time."""
        if self.progress.due(self.before + done):
            self.progress.tell(self.before + done)


class InBatches(Onward):
    """Progress of questions that are with an endpoint for hours."""

    def __init__(self, folder: RunFolder, progress: Progress, before: int) -> None:
        super().__init__(progress, before)
        self._folder, self._done, self._told = folder, before, (0, 0)

    def __call__(self, done: int) -> None:
        self._done = self.before + done
        super().__call__(done)

    def far(self, batches: Batches) -> None:
        """How far the endpoint is; a message where there are others than before."""
        self.progress.tell(self._done, batches=batches.open, batch_rows=batches.rows, batch_done=batches.done)
        if (found := (batches.open, batches.rows)) != self._told:
            self._told = found
            word = "batch" if batches.open == 1 else "batches"
            self._folder.message(f"{batches.rows:,} calls are with the endpoint, in {batches.open} {word}.")
