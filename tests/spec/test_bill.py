"""What answers cost, by hand."""

import pytest

from spec.bill import bill, bound
from spec.facts import ColumnFacts, Facts, Price, Roles
from spec.prompt import system_text, template_of
from spec.responses import TeacherResponses
from spec.template import fields, render
from tests.spec.builders import dataset, endpoint, facts, job, names, split
from tests.spec.leaves import ASKED

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
