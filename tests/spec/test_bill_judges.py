"""What judges cost, by hand, and what is left for them."""

from typing import Any

import pytest

from spec.asked import judging
from spec.bill import bill
from spec.bills import bills, of_judge
from spec.facts import ColumnFacts, Roles
from spec.plan import plan
from spec.resolve import resolve
from tests.spec.billed import COLUMNS, PROSE, known, tokens
from tests.spec.builders import dataset, endpoint, facts, job, split
from tests.spec.leaves import VOTES, kept

WRITES = {"rows": 1000, "sampling": {"max_tokens": 200}}


def test_new_texts_are_not_in_the_minimum_where_there_is_a_judge() -> None:
    """They can be cut to none, and so can the answers and the verdicts about them."""
    plain, found = bills(job(kept("judge")), known()), bills(job(kept("judge") | {"data.synthesise": WRITES}), known())
    assert plain and found and found.minimum == plain.minimum and found.floor == plain.floor
    assert found.expected > plain.expected and found.new > plain.new == 0


def test_at_the_expected_price_new_texts_may_cost_what_they_are_expected_to() -> None:
    found = bills(job(kept("judge") | {"data.synthesise": WRITES}), known())
    assert found is not None and found.expected > found.minimum, "such a cap is accepted"
    left = found.expected - found.aside(found.expected / 1e6)
    assert left == pytest.approx(found.texts, rel=0.01)


def judged(places: int) -> dict[str, Any]:
    """A job with as many judges, each with a longer question than the one before."""
    made = kept("judge")
    judge = made["data.responses.keep"][0]
    questions = [f"{'Please: ' * place}Is {{text}} {{answer}}?" for place in range(places)]
    return made | {"data.responses.keep": [judge | {"question": question} for question in questions]}


@pytest.mark.parametrize("more", [{}, {"data.synthesise": WRITES}])
def test_whoever_is_asked_leaves_money_for_the_judges_after_it(more: dict[str, Any]) -> None:
    """On the old rows, at the high end; what the accepted minimum leaves beside it covers the teacher's own."""
    spec, known_ = job(judged(2) | more), known()
    answers = bill(job(VOTES), known_)
    first, second = (of_judge(job(judged(2)), known_, place, one) for place, one in judging(spec))
    assert answers and first and second and first.high < second.high
    aside: dict[str, Any] = {step.name: step.context.get("aside") for step in plan(resolve(spec, known_), known_)}
    assert (aside["answer"], aside["judge.0"], aside["judge.1"]) == (first.high + second.high, second.high, 0)
    found = bills(spec, known_)
    assert found and found.minimum - aside["answer"] == answers.high > answers.minimum


def test_a_judge_that_is_shown_several_names_is_asked_with_as_many_as_a_row_has() -> None:
    """Every row of 100 has three names of a byte."""
    each = split("train", 100).model_copy(
        update={"labels": dict.fromkeys("0123456789", 30), "labelled": 100, "text_bytes": {"text": 6000}} | PROSE
    )
    columns = COLUMNS | {"label": ColumnFacts(kind="classes", dtype="str", values=dict.fromkeys("0123456789", 60))}
    rows = dataset(
        {"train": each, "test": each.model_copy(update={"digest": "d"})}, columns, Roles(input="text", label="label")
    )
    known_ = facts(datasets={"ds_texts": rows}, endpoints={"ep_open": endpoint()})
    spec = job(kept("judge"))
    (place, asked), *_ = judging(spec)
    found = of_judge(spec, known_, place, asked)
    shown = tokens("Is_?") + 0.25 * (60 + 3)
    assert found and found.expected == pytest.approx(100 * ((shown + 8) * 0.4 + (0.25 * 3 + 1) * 1.6), abs=1)


def test_a_judge_is_asked_of_every_training_row_and_has_to_be_covered_whole() -> None:
    plain, found = bills(job(VOTES), known()), bills(job(kept("judge")), known())
    assert plain and found
    each = (tokens("Is_?") + 0.25 * (60 + 1) + 8) * 0.4 + (0.25 * 3 + 1) * 1.6
    assert found.expected - plain.expected == pytest.approx(1000 * each, abs=2)
    assert found.minimum == found.high > plain.minimum
    assert bills(job(kept("judge")), known(), {"answer", "judge.0"}) is None
    left = bills(job(kept("judge")), known(), {"answer"})
    assert left and left.expected == found.expected - plain.expected
