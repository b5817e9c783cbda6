"""Metrics of every role, their differences, retention and lift, all with intervals from one set of resamples."""

from collections.abc import Callable
from math import ceil

import numpy as np
import numpy.typing as npt

from distill.graders import metric, named
from distill.graders.bootstrap import Bootstrap, interval
from distill.graders.wilson import wilson
from distill.grading.answers import Answers
from distill.grading.heldout import Heldout
from distill.report.figures import Difference, Figure, Headline
from spec.evaluation import Contract
from spec.grader import Accuracy, Metric

Floats = npt.NDArray[np.float64]
AGAINST = ("no_teacher", "all_labels", "untrained")


class Comparison:
    """Legend: `R` resamples. Every metric of every role: its value, and its values on the resamples."""

    def __init__(self, answers: Answers, held: Heldout, graders: tuple[Metric, ...], bootstrap: Bootstrap) -> None:
        self._held, self._graders, self._answers = held, graders, answers
        self._values: dict[tuple[str, str], float] = {}
        self._resampled: dict[tuple[str, str], Floats] = {}
        rows = np.ones((len(held.truth), 1))
        weights = bootstrap.sums({"rows": rows})["rows"][:, 0]
        for role, probabilities in answers.by_role.items():
            statistics = {given: metric(given).statistics(probabilities, held.truth) for given in graders}
            sums = bootstrap.sums(statistics)
            for given in graders:
                key, how = (role, named(given)), metric(given)
                self._values[key] = float(how.value(statistics[given].sum(axis=0), np.asarray(float(len(rows)))))
                self._resampled[key] = how.value(sums[given], weights)

    def metrics(self, role: str) -> dict[str, Figure]:
        """Accuracy's interval is Wilson's where single rows are resampled; the others' are the bootstrap's."""
        return {named(given): self._figure(role, given) for given in self._graders}

    def differences(self) -> tuple[Difference, ...]:
        """Student minus each baseline and minus the teacher, as far as they are there."""
        there = [role for role in AGAINST if role in self._answers.by_role]
        others = [*there, *([self._answers.teacher] if self._answers.teacher else [])]
        return tuple(
            Difference(
                first="student",
                second=other,
                metrics={named(given): self._paired("student", other, given, np.subtract) for given in self._graders},
            )
            for other in others
        )

    def headline(self, contract: Contract) -> Headline:
        """Retention and lift by the first grader."""
        first, teacher = self._graders[0], self._answers.teacher
        better = metric(first).higher_is_better
        lift = self._lift("no_teacher")
        return Headline(
            metric=named(first),
            higher_is_better=better,
            retention=self._retention(teacher, first, better) if teacher else None,
            lift=lift,
            lift_all_labels=self._lift("all_labels"),
            asked_retention=contract.retention,
            asked_lift=contract.lift,
            rows_to_settle=rows_to_settle(lift, contract.lift, len(self._held.truth)),
        )

    def _figure(self, role: str, given: Metric) -> Figure:
        value = self._values[role, named(given)]
        if isinstance(given, Accuracy) and self._held.groups is None:
            rows = len(self._held.truth)
            low, high = wilson(round(value * rows), rows)
            return Figure(value=value, low=low, high=high)
        return figure(value, self._resampled[role, named(given)])

    def _paired(self, first: str, second: str, given: Metric, what: Callable[[Floats, Floats], Floats]) -> Figure:
        a, b = (first, named(given)), (second, named(given))
        value = float(what(np.asarray(self._values[a]), np.asarray(self._values[b])))
        return figure(value, what(self._resampled[a], self._resampled[b]))

    def _lift(self, baseline: str) -> Figure | None:
        if baseline not in self._answers.by_role:
            return None
        first = self._graders[0]
        pair = ("student", baseline) if metric(first).higher_is_better else (baseline, "student")
        return self._paired(*pair, first, np.subtract)

    def _retention(self, teacher: str, first: Metric, better: bool) -> Figure | None:
        above, below = ("student", teacher) if better else (teacher, "student")
        if self._values[below, named(first)] == 0:
            return None
        return self._paired(above, below, first, _ratio)


def figure(value: float, resampled: Floats) -> Figure:
    bounds = interval(resampled)
    return Figure(value=value) if bounds is None else Figure(value=value, low=bounds[0], high=bounds[1])


def rows_to_settle(lift: Figure | None, smallest: float, rows: int) -> int | None:
    """Held-out rows at which a lift like this would be settled: an interval shrinks with the root of the rows.

    Settled is an interval without zero, or one whose upper end is under the smallest lift worth having; None where it is, or has no interval.
    """
    if lift is None or lift.low is None or lift.high is None:
        return None
    if lift.low > 0 or lift.high < smallest:
        return None
    half = (lift.high - lift.low) / 2
    goals = [abs(lift.value)] + ([smallest - lift.value] if lift.value < smallest else [])
    reachable = [rows * (half / goal) ** 2 for goal in goals if goal > 0]
    return ceil(min(reachable)) if reachable else None


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(above / below)
