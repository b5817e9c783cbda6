"""Held-out rows side by side, disagreements first."""

import numpy as np
import numpy.typing as npt

from distill.data.rows import Ints
from distill.graders.accuracy import hits
from distill.graders.decisions import named_classes
from distill.grading.answers import Answers, Probabilities
from distill.grading.heldout import Heldout
from distill.grading.pictures import excerpts, pictures
from distill.report.figures import HeldoutRow

MOST = 60
PLACES = 6
"""Decimal places of a probability."""


def disagreements(answers: Answers) -> Ints:
    """(N,) 1 where student and teacher (without one: baseline) answer differently."""
    other = answers.teacher or ("no_teacher" if "no_teacher" in answers.by_role else "student")
    return differ(answers, "student", other).astype(np.int64)


def differ(answers: Answers, first: str, second: str) -> npt.NDArray[np.bool_]:
    """(N,): where two roles answer differently; of several classes a row, in any of them."""
    one, other = answers.by_role[first], answers.by_role[second]
    if answers.several:
        return np.asarray((named_classes(one) != named_classes(other)).any(axis=1))
    return np.asarray(one.argmax(axis=1) != other.argmax(axis=1))


def side_by_side(answers: Answers, held: Heldout, classes: tuple[str, ...]) -> tuple[HeldoutRow, ...]:
    """At most 60. An ensemble's single teachers are left out."""
    alone = answers.teacher == "ensemble"
    shown = {role: p for role, p in answers.by_role.items() if not (alone and role.startswith("teacher."))}
    order = _order(answers, held)[:MOST]
    numbers, drawn = held.which[order], pictures(held.rows, held.which[order])
    written = excerpts(held.rows, numbers)
    ids = held.rows.ids if held.rows.roles.id else None
    return tuple(
        HeldoutRow(
            row=int(number),
            id=ids[number] if ids else None,
            truth=_truth(held, place, classes),
            probabilities={role: tuple(np.round(p[place], PLACES).tolist()) for role, p in shown.items()},
            picture=drawn[i],
            text=written[i],
        )
        for i, (place, number) in enumerate(zip(order.tolist(), numbers.tolist(), strict=True))
    )


def _order(answers: Answers, held: Heldout) -> Ints:
    """Student against teacher, student against baseline, anybody wrong, and then the least sure; of equals the least likely truth first."""
    baseline = "no_teacher" if "no_teacher" in answers.by_role else "student"
    right = np.all([hits(p, held.truth) for p in answers.by_role.values()], axis=0)
    keys = (
        _likely(answers.by_role["student"], held),
        right,
        ~differ(answers, "student", baseline),
        disagreements(answers) == 0,
    )
    return np.lexsort(keys).astype(np.int64)


def _likely(probabilities_NV: Probabilities, held: Heldout) -> Probabilities:
    """(N,) the probability of the truth; of several classes a row, of the decision that is furthest from it."""
    if held.truth.ndim == 2:
        return np.asarray(np.where(held.truth == 1, probabilities_NV, 1 - probabilities_NV).min(axis=1))
    return np.asarray(probabilities_NV[np.arange(len(held.truth)), held.truth])


def _truth(held: Heldout, place: int, classes: tuple[str, ...]) -> str | tuple[str, ...]:
    if held.truth.ndim == 2:
        return tuple(classes[i] for i in np.flatnonzero(held.truth[place]))
    return classes[int(held.truth[place])]
