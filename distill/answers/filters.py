"""All filters of a step: which of them a row fails, and how many rows each has dropped.

A row is kept if at least one filter applies to it, and all that apply pass.
"""

import time
from collections import Counter
from collections.abc import Sequence
from math import inf

import numpy as np
import numpy.typing as npt

from distill.answers.graders import Given, check_of
from distill.answers.patience import TooLong, within
from distill.data.draw import meets
from distill.data.rows import Rows
from distill.report.asked import Dropped, Filter, Kept
from spec.grader import RowGrader
from spec.problem import Problem, Refused

SECONDS = 0.5
"""Of computing, that one filter may take for one row, unless the run's context has `filter_seconds`. A row is not dropped for it, or the clock would decide what is learned."""
SHOWN, MOST_SHOWN = 4, 20
"""Rows left out that are shown: of each reason, and together."""
Applies = npt.NDArray[np.bool_] | None
"""(N,) by the number of a row in its file; None: to all."""


class Filters:
    """`applies`: to which rows each grader does; `seconds`: of one filter and row; `allowed`: seconds of all on all rows."""

    def __init__(
        self, graders: Sequence[RowGrader], applies: Sequence[Applies], seconds: float = SECONDS, allowed: float = inf
    ) -> None:
        self.graders, self._applies, self._seconds, self._allowed = graders, applies, seconds, allowed
        self._computed = [0.0] * len(graders)
        self._checks = [check_of(grader) for grader in graders]
        self._applied, self._failed = [0] * len(graders), [0] * len(graders)
        self._reasons: Counter[int | None] = Counter()
        self._shown: list[Dropped] = []
        self.rows = self.unmatched = self.dropped = 0

    def take(self, row: int, given: Given) -> tuple[int, ...] | None:
        """Places of the filters that the row fails, () where it is kept; None where none applies, and it is dropped, too.

        Refused (`filter_too_slow`).
        """
        applying = [i for i, applies in enumerate(self._applies) if applies is None or applies[row]]
        failing = tuple(i for i in applying if not self._passes(i, row, given))
        self.rows += 1
        self._hold()
        for i in applying:
            self._applied[i] += 1
        for i in failing:
            self._failed[i] += 1
        if applying and not failing:
            return ()
        self.dropped += 1
        self.unmatched += not applying
        self._show(row, given, failing)
        return failing if applying else None

    def _passes(self, place: int, row: int, given: Given) -> bool:
        began = time.thread_time()
        try:
            with within(self._seconds):
                return self._checks[place](given)
        except TooLong:
            message = f"On the answer to training row {row} the filter has computed for {self._seconds:g} seconds without an end."
            raise self._slow(place, message) from None
        finally:
            self._computed[place] += time.thread_time() - began

    def _hold(self) -> None:
        """The end, if all filters together have computed for longer than they may. Refused, by the slowest of them."""
        total = sum(self._computed)
        if total > self._allowed:
            slowest = max(range(len(self.graders)), key=self._computed.__getitem__)
            message = (
                f"The filters have computed for {total:.1f} seconds on {self.rows:,} rows, {self._computed[slowest]:.1f} of them this one: "
                f"on all rows they may take {self._allowed:.1f}."
            )
            raise self._slow(slowest, message)

    def _slow(self, place: int, message: str) -> Refused:
        field = {"json_schema": ".schema", "regex": ".pattern"}.get(self.graders[place].type, "")
        hint = "A repetition within a repetition, such as (a+)+, tries all ways to divide a text: write it without."
        return Refused(
            Problem(code="filter_too_slow", message=message, param=f"data.responses.keep[{place}]{field}", hint=hint)
        )

    def _show(self, row: int, given: Given, failing: tuple[int, ...]) -> None:
        reason = failing[0] if failing else None
        self._reasons[reason] += 1
        if self._reasons[reason] <= SHOWN:
            self._shown.append(Dropped(row=row, by=failing, said=" | ".join(given.texts)[:200]))

    def kept(self) -> Kept:
        """What became of all rows so far."""
        counted = zip(self.graders, self._applied, self._failed, strict=True)
        return Kept(
            answered=self.rows,
            kept=self.rows - self.dropped,
            unmatched=self.unmatched,
            filters=tuple(Filter(what=words(grader), applied=a, dropped=d) for grader, a, d in counted),
            dropped=tuple(self._shown[:MOST_SHOWN]),
        )


def applying(rows: Rows | None, graders: Sequence[RowGrader]) -> list[Applies]:
    """To which rows of the training file each grader does."""
    return [meets(rows, grader.where) if rows and grader.where else None for grader in graders]


def words(grader: RowGrader) -> str:
    """A filter in a line: its type, and what it was told."""
    told = grader.model_dump(mode="json", exclude_defaults=True)
    where = told.pop("where", None)
    told.pop("type")
    said = ", ".join(f"{name} {value}" for name, value in told.items())
    there = f", where {where['column']} {'is' if where.get('among') else 'is not'} {_few(where)}" if where else ""
    return f"{grader.type}: {said}"[:200] + there


def _few(where: dict[str, list[str]]) -> str:
    values = where.get("among") or where["not_among"]
    return ", ".join(values[:5]) + (f" and {len(values) - 5} others" if len(values) > 5 else "")
