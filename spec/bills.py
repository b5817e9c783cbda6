"""What all answers of a job cost together: the teacher's, and those of judges about them."""

from collections.abc import Collection
from math import ceil

from spec import rows
from spec.asked import Asked, judging
from spec.bill import HIGH, LOW, Bill, bill, mean, of_question
from spec.distillation import Distillation
from spec.facts import Facts
from spec.grader import Judge
from spec.responses import filters
from spec.signature import classes
from spec.template import ANSWER, fields

ADDED = ("rows", "low", "expected", "high", "heldout", "new", "texts", "call")
"""Figures of a bill that add up."""
YES = 3
"""Bytes of a judge's answer."""


def judge_step(place: int) -> str:
    """The step of the judge at this place among the filters."""
    return f"judge.{place}"


def bills(spec: Distillation, facts: Facts, cached: Collection[str] = ()) -> Bill | None:
    """The sum over the steps that ask and are not cached; None where nothing is paid, or not enough is known.

    Where there is a judge, the minimum is the whole but for new texts, which can be cut: what the teacher's answers leave of a cap is all
    that it has.
    """
    written = "synthesise" in cached
    of_teacher = None if "answer" in cached else bill(spec, facts, written=written)
    answers = None if "answer" in cached else bill(spec, facts, written=True)
    of_judges = [
        of_judge(spec, facts, place, asked) for place, asked in judging(spec) if judge_step(place) not in cached
    ]
    found = [one for one in (of_teacher, *of_judges) if one is not None]
    if not found:
        return None
    if not of_judges:
        return of_teacher
    whole = [one for one in (answers, *of_judges) if one is not None]
    summed = {name: sum(getattr(one, name) for one in found) for name in ADDED}
    return Bill(**summed, minimum=sum(one.high for one in whole))


def of_judge(spec: Distillation, facts: Facts, place: int, asked: Asked) -> Bill | None:
    """Of a judge that is asked about every training row: how many filters before it drop, nobody knows."""
    train, known, probe = rows.train(spec, facts), asked.known(facts), asked.able(facts)
    judge = filters(spec.data.responses)[place]
    if train is None or known is None or known.price is None or probe is None or not isinstance(judge, Judge):
        return None
    shown = tuple(name for name in fields(judge.question) if name != ANSWER)
    longest = max((len(name.encode()) for name in classes(spec, facts)), default=1)
    size = len(judge.question.encode()) + mean(train, shown) + longest
    expected, most = of_question(known.price, probe, judge.sampling, size, 1, YES)
    count = rows.counts(spec, facts)
    number = count.train
    return Bill(
        rows=number,
        low=int(LOW * number * expected),
        expected=ceil(number * expected),
        high=ceil(number * min(HIGH * expected, most)),
        minimum=ceil(number * min(HIGH * expected, most)),
        heldout=0,
        new=int(count.written * expected),
    )
