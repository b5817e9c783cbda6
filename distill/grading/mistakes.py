"""How bad wrong answers are: not all of them are equally bad (Hinton et al. 2015, section 1: a BMW may be taken for a garbage truck,
but far more likely so than for a carrot)."""

import numpy as np
import numpy.typing as npt

from distill.graders.bootstrap import Bootstrap
from distill.grading.answers import Answers
from distill.grading.comparison import figure
from distill.grading.heldout import Heldout
from distill.report.figures import Mistakes

Floats = npt.NDArray[np.float64]


def mistakes(answers: Answers, held: Heldout, bootstrap: Bootstrap) -> tuple[Mistakes, ...]:
    """Of each role that is no teacher: the teacher's mean probability of the answer that it wrongly gave. Nothing without a teacher, or where a
    row has any number of classes: a wrong decision is then the other one of two."""
    if answers.teacher is None or answers.several:
        return ()
    teacher, places = answers.by_role[answers.teacher], np.arange(len(held.truth))
    statistics = {}
    for role in answers.students:
        given = answers.by_role[role].argmax(axis=1)
        wrong = given != held.truth
        statistics[role] = np.stack([wrong * teacher[places, given], wrong], axis=1).astype(np.float64)
    sums = bootstrap.sums(statistics)
    return tuple(_mistakes(role, values, sums[role]) for role, values in statistics.items())


def _mistakes(
    role: str,
    values: Floats,
    sums: Floats,
) -> Mistakes:
    total, rows = values.sum(axis=0)
    if not rows:
        return Mistakes(role=role, rows=0, teacher_probability=None)
    with np.errstate(invalid="ignore"):
        means = sums[:, 0] / sums[:, 1]
    return Mistakes(role=role, rows=int(rows), teacher_probability=figure(float(total / rows), means))
