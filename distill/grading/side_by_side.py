"""Held-out rows side by side, disagreements first."""

import numpy as np

from distill.data.rows import Ints
from distill.grading.answers import Answers
from distill.grading.heldout import Heldout
from distill.grading.pictures import excerpts, pictures
from distill.report.figures import HeldoutRow

MOST = 60
PLACES = 6
"""Decimal places of a probability."""


def disagreements(answers: Answers) -> Ints:
    """(N,) 1 where student and teacher (without one: baseline) answer differently."""
    other = answers.teacher or ("no_teacher" if "no_teacher" in answers.by_role else "student")
    student = answers.by_role["student"].argmax(axis=1)
    found: Ints = (student != answers.by_role[other].argmax(axis=1)).astype(np.int64)
    return found


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
            truth=classes[held.truth[place]],
            probabilities={role: tuple(np.round(p[place], PLACES).tolist()) for role, p in shown.items()},
            picture=drawn[i],
            text=written[i],
        )
        for i, (place, number) in enumerate(zip(order.tolist(), numbers.tolist(), strict=True))
    )


def _order(answers: Answers, held: Heldout) -> Ints:
    """Student against teacher, student against baseline, anybody wrong, and then the least sure; of equals the least likely truth first."""
    student = answers.by_role["student"]
    choices = {role: p.argmax(axis=1) for role, p in answers.by_role.items()}
    baseline = choices.get("no_teacher", choices["student"])
    wrong = np.any([choice != held.truth for choice in choices.values()], axis=0)
    likely = student[np.arange(len(held.truth)), held.truth]
    keys = (likely, ~wrong, baseline == choices["student"], disagreements(answers) == 0)
    return np.lexsort(keys).astype(np.int64)
