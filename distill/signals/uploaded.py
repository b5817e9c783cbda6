"""Signals that a user uploaded: logits or probabilities by row id, for teachers whose weights cannot be."""

from pathlib import Path

import numpy as np

from distill.data.rows import Ints, Rows
from distill.signals.scores import Floats
from distill.signals.scratch import scratch
from distill.students.teacher import log_of


class Uploaded:
    """The signals in a rows file, in the class order of the job. `work`: where gathered arrays may lie."""

    def __init__(self, path: Path, classes: tuple[str, ...], work: Path) -> None:
        self._signals, self._work = Rows.open(path), work
        own = self._signals.heading.classes or classes
        self._order = [own.index(name) for name in classes]

    def places(self, rows: Rows) -> Ints:
        """(N,): where each row's signals are, -1 where there are none."""
        return rows.places_in(self._signals)

    def gather(self, places: Ints) -> Floats:
        """(len(places), 1, V) logits. Every place must be one that exists."""
        found = scratch(self._work, (len(places), 1, len(self._order)))
        for first in range(0, len(places), 65536):
            part = self._signals.scores[places[first : first + 65536]][:, self._order].astype(np.float32)
            found[first : first + len(part), 0] = (
                log_of(part) if self._signals.heading.signal == "probabilities" else part
            )
        return found
