"""What the teachers say: of held-out rows at T=1, of transfer rows at the job's temperature."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.data.rows import Ints, Rows
from distill.grading.heldout import Heldout
from distill.objectives.ensemble import teacher_log_odds, teacher_log_probabilities
from distill.run import RunFolder
from distill.signals.scores import Floats, Scores
from distill.signals.uploaded import Uploaded
from spec.params import GradeParams

UNKNOWN = 1e-3
"""How far the true class lies below the others, in nats, where a teacher did not answer; of several classes a row, each on the wrong side."""
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Teachers:
    """Teachers by their scores, or by uploaded signals, which count as one teacher."""

    folder: RunFolder
    params: GradeParams

    def heldout(self, held: Heldout) -> tuple[Floats | None, int]:
        """(N, M, V) logits, and the number of rows that signals do not know; None where there is any, or no teacher."""
        if self.params.answers:
            return self._answered(held), 0
        if self.params.teachers:
            return self._scores().gather((held.part,), held.which), 0
        if not self.params.signals:
            return None, 0
        uploaded = self._uploaded()
        places = uploaded.places(held.rows)[held.which]
        unscored = int((places < 0).sum())
        return (None if unscored else uploaded.gather(places)), unscored

    def _answered(self, held: Heldout) -> Floats:
        """A row that the teacher was asked about and did not answer is an error of its: nothing is known, and the true class least."""
        scores = self._scores()
        known = scores.known(held.part, held.which)
        logits = np.zeros((len(held.which), 1, len(self.params.signature.output.classes)), dtype=np.float32)
        logits[known] = scores.gather((held.part,), held.which[known])
        unknown = np.flatnonzero(~known)
        if held.truth.ndim == 2:
            logits[unknown, 0] = UNKNOWN * (1 - 2 * held.truth[unknown])
        else:
            logits[unknown, 0, held.truth[unknown]] = -UNKNOWN
        return logits

    def transfer(self, train: Rows, which: Ints) -> Floats | None:
        """(n, M, V) logits of transfer rows."""
        if self.params.teachers:
            return self._scores().gather(("train",), which)
        if not self.params.signals:
            return None
        uploaded = self._uploaded()
        return uploaded.gather(uploaded.places(train)[which])

    def combined(self, logits_NMV: npt.NDArray[Any], temperature: float = 1.0) -> Probabilities:
        """(N, V) probabilities of all teachers together."""
        z = torch.from_numpy(np.ascontiguousarray(logits_NMV)).double()
        combine, weights = self.params.combine, self.params.weights
        if self.params.signature.output.kind == "multilabel":
            both = torch.sigmoid(teacher_log_odds(z, temperature, combine, weights))
        else:
            both = teacher_log_probabilities(z, temperature, combine, weights).exp()
        found: Probabilities = both.numpy()
        return found

    def _scores(self) -> Scores:
        return Scores(self.folder.input("scores"), self.params.teachers, self.folder.path)

    def _uploaded(self) -> Uploaded:
        path = self.folder.input("signals/rows.arrow")
        return Uploaded(path, self.params.signature.output, self.folder.path)
