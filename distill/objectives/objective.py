"""The sum of a job's terms. A term's mean is over the rows that count for it in the whole batch, however it is cut into micro-batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from distill.objectives.balance import Floats, row_weights
from distill.objectives.ensemble import Combine, teacher_log_odds, teacher_log_probabilities
from distill.objectives.labels import labels, several_labels
from distill.objectives.soft_targets import EXACT_ABOVE, several_soft_targets, soft_targets
from spec.facts import OutputKind
from spec.objective import SoftTargets, Term

LOT = 8192
"""Rows whose probabilities are computed at once."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What a batch, or a part of one, is compared with."""

    labels_B: torch.Tensor
    """int64; of several classes a row (B, V) int8, 1 where the class is there. UNSEEN where a label is not seen."""
    teachers_BMV: torch.Tensor | None
    """Logits of each teacher; None: there is no teacher."""
    rows: int
    """Rows of the whole batch."""
    labelled: int | torch.Tensor
    """Rows of the whole batch whose labels are seen, and 1 where there are none."""

    def part(self, first: int, last: int) -> "Targets":
        teachers = None if self.teachers_BMV is None else self.teachers_BMV[first:last]
        return Targets(
            labels_B=self.labels_B[first:last], teachers_BMV=teachers, rows=self.rows, labelled=self.labelled
        )


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Weights as written; the mean of each term as its module says."""

    terms: tuple[Term, ...]
    combine: Combine | None = None
    weights: tuple[float, ...] | None = None
    class_weights_V: torch.Tensor | None = None
    """Of balanced labels; of several classes a row (2, V): of a no, of a yes."""
    soft_weights_V: torch.Tensor | None = None
    """Of balanced soft targets; of several classes a row (2, V)."""
    output: OutputKind = "classes"

    def __call__(self, logits_BV: torch.Tensor, targets: Targets) -> torch.Tensor:
        """A scalar, in nats. Parts of one batch add up to it. All logits are taken in float32."""
        logits_BV = logits_BV.float()
        losses = [term.weight * self._term(term, logits_BV, targets) for term in self.terms]
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _term(self, term: Term, logits_BV: torch.Tensor, targets: Targets) -> torch.Tensor:
        if not isinstance(term, SoftTargets):
            weights = self.class_weights_V if term.balance != "none" else None
            loss = (several_labels if self.several else labels)(logits_BV, targets.labels_B, weights)
            return loss / targets.labelled
        assert targets.teachers_BMV is not None
        z_BMV = targets.teachers_BMV.double() if term.temperature > EXACT_ABOVE else targets.teachers_BMV
        counted = None
        if term.balance != "none":
            assert self.soft_weights_V is not None
            counted = row_weights(self.probabilities(targets.teachers_BMV), self.soft_weights_V)
        compare = several_soft_targets if self.several else soft_targets
        return compare(logits_BV, self._teacher(z_BMV, term.temperature), term.temperature, counted) / targets.rows

    @property
    def several(self) -> bool:
        return self.output == "multilabel"

    def probabilities(self, teachers_BMV: torch.Tensor) -> torch.Tensor:
        """(B, V): what all teachers together say of each class at T = 1."""
        said_BV = self._teacher(teachers_BMV, 1.0)
        return said_BV.sigmoid() if self.several else said_BV.exp()

    def said(self, teachers_NMV: Floats) -> Iterator[torch.Tensor]:
        """The same of all rows, (n, V) at a time: they may be more than fit into memory."""
        for first in range(0, len(teachers_NMV), LOT):
            yield self.probabilities(torch.from_numpy(teachers_NMV[first : first + LOT]))

    def _teacher(self, z_BMV: torch.Tensor, temperature: float) -> torch.Tensor:
        """(B, V): their log-probabilities at T; of several classes a row, their log-odds."""
        combined = teacher_log_odds if self.several else teacher_log_probabilities
        return combined(z_BMV, temperature, self.combine, self.weights)
