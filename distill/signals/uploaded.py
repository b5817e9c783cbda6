"""Signals that a user uploaded: logits or probabilities by row id, for teachers whose weights cannot be."""

from pathlib import Path

import numpy as np

from distill.data.rows import Ints, Rows
from distill.signals.scores import Floats
from distill.signals.scratch import scratch
from distill.students.teacher import log_of, odds_of
from spec.facts import OutputSignature


class Uploaded:
    """The signals in a rows file, in the class order of the job's output. `work`: where gathered arrays may lie.

    Probabilities sum to one in every row; of several classes a row, scores that all lie between 0 and 1 are probabilities.
    """

    def __init__(self, path: Path, output: OutputSignature, work: Path) -> None:
        self._signals, self._work = Rows.open(path), work
        heading = self._signals.heading
        own = heading.classes or output.classes
        self._order = [own.index(name) for name in output.classes]
        column = heading.columns[heading.roles.signal or ""]
        bounded = column.low is not None and column.low >= 0 and column.high is not None and column.high <= 1
        alone = odds_of if bounded else None
        self._logits_of = (
            alone if output.kind == "multilabel" else log_of if heading.signal == "probabilities" else None
        )

    def places(self, rows: Rows) -> Ints:
        """(N,): where each row's signals are, -1 where there are none."""
        return rows.places_in(self._signals)

    def gather(self, places: Ints) -> Floats:
        """(len(places), 1, V) logits. Every place must be one that exists."""
        found = scratch(self._work, (len(places), 1, len(self._order)))
        for first in range(0, len(places), 65536):
            part = self._signals.scores[places[first : first + 65536]][:, self._order].astype(np.float32)
            found[first : first + len(part), 0] = part if self._logits_of is None else self._logits_of(part)
        return found
