"""What all answers of a job cost together: the teacher's, and those of judges about them."""

from collections.abc import Collection
from math import ceil

from spec import rows
from spec.asked import Asked, judging
from spec.bill import FLOOR, Bill, answered, bill, longest, mean
from spec.call import of_question
from spec.distillation import Distillation
from spec.facts import Facts
from spec.grader import Judge
from spec.responses import filters
from spec.template import ANSWER, fields, render
from spec.tokens import END, Extent

ADDED = ("rows", "low", "expected", "high", "heldout", "new", "texts", "call")
"""Figures of a bill that add up."""
YES = "yes"
"""A judge's answer."""
WHY = (
    "It may be above the expected cost: held-out rows are set aside at the most that they can cost, so that the job always ends with a student. "
    "What is not used is not spent, and answers that were paid for before, which are counted here too, cost nothing again."
)
"""Beside a cap that is too small: which answers are kept already is known to the gateway alone, when it is asked."""


def judge_step(place: int) -> str:
    """The step of the judge at this place among the filters."""
    return f"judge.{place}"


def bills(spec: Distillation, facts: Facts, cached: Collection[str] = ()) -> Bill | None:
    """The sum over the steps that ask and are not cached; None where nothing is paid, or not enough is known.

    Where there is a judge, the minimum is the whole but for new texts, which can be cut with all that is asked about them.
    """
    of_teacher = None if "answer" in cached else bill(spec, facts, written="synthesise" in cached)
    of_judges = _of_judges(spec, facts, cached)
    if not of_judges:
        return of_teacher
    old = _without_new_rows(spec)
    answers = None if "answer" in cached else bill(old, facts)
    judged = sum(one.due for one in _of_judges(old, facts, cached).values())
    found = [one for one in (of_teacher, *of_judges.values()) if one is not None]
    summed = {name: sum(getattr(one, name) for one in found) for name in ADDED}
    return Bill(
        **summed,
        minimum=judged + (answers.due if answers else 0),
        floor=judged + (answers.floor if answers else 0),
    )


def due_to_judges(spec: Distillation, facts: Facts, after: int = -1) -> int:
    """What the judges that come after this place may cost on the old rows: who is asked before them leaves it of a cap."""
    return sum(one.due for place, one in _of_judges(_without_new_rows(spec), facts).items() if place > after)


def _without_new_rows(spec: Distillation) -> Distillation:
    none = {"synthesise": None, "augment": spec.data.jitter}
    return spec.model_copy(update={"data": spec.data.model_copy(update=none)})


def _of_judges(spec: Distillation, facts: Facts, cached: Collection[str] = ()) -> dict[int, Bill]:
    """By place among the filters; those that are not cached and have a price."""
    found = {
        place: of_judge(spec, facts, place, one) for place, one in judging(spec) if judge_step(place) not in cached
    }
    return {place: one for place, one in found.items() if one is not None}


def of_judge(spec: Distillation, facts: Facts, place: int, asked: Asked) -> Bill | None:
    """Of a judge that is asked about every training row: how many filters before it drop, nobody knows."""
    train, known, probe = rows.train(spec, facts), asked.known(facts), asked.able(facts)
    judge = filters(spec.data.responses)[place]
    if train is None or known is None or known.price is None or probe is None or not isinstance(judge, Judge):
        return None
    shown = tuple(name for name in fields(judge.question, train.dataset.columns) if name != ANSWER)
    literal = render(judge.question, dict.fromkeys((*shown, ANSWER), ""))
    fixed, yes = Extent.written(probe, literal) + answered(spec, facts, probe), Extent.written(probe, YES) + END
    each, last = (
        of_question(known.price, probe, judge.sampling, fixed + own, 1, yes)
        for own in (mean(train, shown, probe), Extent(bytes=longest(train, shown)))
    )
    count = rows.counts(spec, facts)
    number, old = count.train, count.train - count.written
    minimum = ceil(min(min(FLOOR, old) * each.dear + last.bound, old * each.bound))
    return Bill(
        rows=number,
        low=int(number * each.low),
        expected=ceil(number * each.expected),
        high=ceil(number * each.high),
        minimum=minimum,
        floor=minimum,
        heldout=0,
        new=int(count.written * each.expected),
    )
