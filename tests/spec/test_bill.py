"""What answers cost, by hand."""

import pytest

from spec.bill import bill, bound
from spec.bills import bills
from spec.facts import ColumnFacts, Facts, Price, Roles
from spec.prompt import system_text, template_of
from spec.responses import TeacherResponses
from spec.template import fields, render
from tests.spec.builders import dataset, endpoint, facts, job, names, split
from tests.spec.leaves import ASKED, VOTES, kept

TRAIN = split("train", 1000).model_copy(update={"text_bytes": {"text": 60_000}, "longest": {"text": 200}})
TEST = split("test", 100).model_copy(update={"text_bytes": {"text": 8_000}, "longest": {"text": 150}})
COLUMNS = {"text": ColumnFacts(kind="text", dtype="str"), "label": names()}
SYSTEM = "Which digit?"


def known(**more: object) -> Facts:
    rows = dataset({"train": TRAIN, "test": TEST}, COLUMNS, Roles(input="text", label="label"))
    return facts(datasets={"ds_texts": rows}, endpoints={"ep_open": endpoint(**more)})


def test_expected_and_minimum() -> None:
    """0.25 tokens a byte and 8 a call; $0.40 and $1.60 a million: micro-dollars a token."""
    found = bill(job(ASKED | {"data.responses.prompt.system": SYSTEM}), known())
    assert found is not None
    answer = 0.25 * 1 + 1  # a digit is a byte, and an answer ends
    train = (0.25 * (len(SYSTEM) + 60) + 8) * 0.4 + answer * 1.6
    held = (0.25 * (len(SYSTEM) + 80) + 8) * 0.4 + answer * 1.6
    assert found.expected == pytest.approx(1000 * train + 100 * held, abs=1)
    assert found.low == pytest.approx(0.7 * found.expected, abs=1) and found.high == pytest.approx(
        1.5 * found.expected, abs=2
    )
    last = (len(SYSTEM) + 200 + 16 * 3) * 0.4 + 8 * 1.6  # the longest row, in bytes, and max_tokens 8
    assert found.minimum == pytest.approx(1.5 * (32 * train + 100 * held) + last, abs=1)
    assert found.rows == 1100


def test_several_answers_are_asked_in_one_call_where_the_endpoint_gives_them() -> None:
    votes = ASKED | {"data.responses.read": "votes", "data.responses.sampling.n": 5}
    together = bill(job(votes), known())
    able = endpoint().probed["large"].model_copy(update={"several": False})
    apart = bill(job(votes), known(probed={"large": able}))
    assert together and apart and apart.expected > 2 * together.expected


def test_nothing_is_known_of_an_endpoint_without_a_price() -> None:
    assert bill(job(ASKED), known(price=None)) is None


def test_a_call_cannot_cost_more_than_its_bound() -> None:
    price = Price(input=2.0, output=8.0)
    assert bound(price, [100, 50], 4, 3) == (150 + 16 * 3) * 2 + 3 * 4 * 8
    assert bound(price, [100], None, 1) == (100 + 32) * 2 + 4096 * 8
    assert bound(Price(input=2.0, output=8.0, cached=3.0), [100], 4, 1) == (100 + 32) * 3 + 4 * 8
    assert bound(None, [100], 4, 1) == 0


def test_a_template_shows_columns_and_braces() -> None:
    template = 'Title: {title}\n{{"x": {text}}} {title} {not a column}'
    assert fields(template) == ("title", "text")
    shown = 'Title: {text}\n{"x": b} {text} {not a column}'
    assert render(template, {"title": "{text}", "text": "b"}) == shown


def test_the_system_message_asks_for_a_name() -> None:
    asked = TeacherResponses(type="teacher")
    said = system_text(asked, ("cat", "dog"))
    assert said is not None and said.endswith("cat, dog.")


def test_a_pair_is_asked_about_with_both_texts_after_their_names() -> None:
    responses = TeacherResponses.model_validate({"type": "teacher"})
    assert template_of(responses, ("text",)) == "{text}"
    assert template_of(responses, ("query", "passage")) == "query: {query}\n\npassage: {passage}"


def test_a_judge_is_asked_of_every_training_row_and_has_to_be_covered_whole() -> None:
    plain, judged = bills(job(VOTES), known()), bills(job(kept("judge")), known())
    assert plain and judged
    question = "Is {text} {answer}?"
    each = (0.25 * (len(question) + 60 + 1) + 8) * 0.4 + (0.25 * 3 + 1) * 1.6
    assert judged.expected - plain.expected == pytest.approx(1000 * each, abs=2)
    assert judged.minimum == judged.high > plain.minimum
    assert bills(job(kept("judge")), known(), {"answer", "judge.0"}) is None
    left = bills(job(kept("judge")), known(), {"answer"})
    assert left and left.expected == judged.expected - plain.expected


def test_new_texts_and_their_answers_are_in_the_bill() -> None:
    """50 texts of 8 a call: 7 calls if all are kept, 1.25 times as many expected, four times as many at most."""
    asks = ASKED | {"data.responses.prompt.system": SYSTEM}
    wanted = {"rows": 50, "instruction": "Write {count}.", "sampling": {"max_tokens": 200}}
    plain, found = bill(job(asks), known()), bill(job(asks | {"data.synthesise": wanted}), known())
    assert plain is not None and found is not None
    text = 60 + 4  # bytes of a training row, and of the JSON around it
    call = (0.25 * (len("Write {count}.") + 8 * text) + 8) * 0.4 + 0.25 * 8 * text * 1.6
    answer = (0.25 * (len(SYSTEM) + 60) + 8) * 0.4 + (0.25 + 1) * 1.6
    assert found.texts == pytest.approx(1.25 * 7 * call, abs=1) and found.new == pytest.approx(50 * answer, abs=1)
    assert found.expected == pytest.approx(plain.expected + 50 * answer + found.texts, abs=3)
    assert found.low == pytest.approx(0.7 * (plain.expected + 50 * answer + 7 * call), abs=3)
    assert found.high == pytest.approx(1.5 * (plain.expected + 50 * answer + 28 * call), abs=6)
    assert found.minimum == plain.minimum and found.rows == plain.rows + 50, "new texts can be cut to none"
    assert found.call == pytest.approx((1.5 * (len("Write {count}.") + 8 * text) + 32) * 0.4 + 200 * 1.6, abs=1)
    there = bill(job(asks | {"data.synthesise": wanted}), known(), written=True)
    assert there is not None and there.expected == pytest.approx(plain.expected + 50 * answer, abs=2)


def test_under_a_cap_the_old_rows_come_first_and_new_texts_leave_money_for_their_answers() -> None:
    wanted = {"rows": 400, "sampling": {"max_tokens": 200}}
    found = bill(job(ASKED | {"data.synthesise": wanted}), known())
    assert found is not None
    old = found.expected - found.new - found.texts
    assert found.aside(old / 1e6) == old > found.minimum
    half = old + (found.new + found.texts) / 2
    assert found.aside(half / 1e6) == pytest.approx(old + found.new / 2, abs=1)
    assert found.aside(1.0) == old + found.new
