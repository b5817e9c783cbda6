"""From what a teacher says, where a row has any number of choices, to a probability of each."""

import json

import numpy as np
import pytest

from distill.answers.lists import Lists
from distill.answers.prompts import picked, said
from distill.answers.tally import agreement, log_odds
from distill.data.canonical import text_digests
from distill.graders.decisions import sigmoid
from spec.gateway import Answer
from spec.outcomes import Kind
from spec.responses import schema

SEA = Lists(names=("sea", "salt water", "C++", "Land"))


def answer(text: str, finish: str | None = "stop", **more: object) -> Answer:
    return Answer(text=text, finish_reason=finish, **more)


@pytest.mark.parametrize(
    ("text", "kind", "places"),
    [("sea", "answered", {0}), ("Sea, salt water.", "answered", {0, 1}), ("- sea\n- LAND\n", "answered", {0, 3}), ("1. sea; 2. c++", "answered", {0, 2}),
     ("1) sea\n2) land", "answered", {0, 3}), ('"sea", "sea"', "answered", {0}), ("none", "answered", set()), ("None.", "answered", set()),
     ('["sea", "land"]', "answered", {0, 3}), ("[]", "answered", set()), ("sea, none", "unparseable", None), ("sea, sky", "unparseable", None),
     ("It is about the sea", "unparseable", None), ('["sea"', "unparseable", None), ("[1]", "unparseable", None), (" \n", "empty", None)],
)  # fmt: skip
def test_a_text_is_a_list_of_choices_or_none(text: str, kind: Kind, places: set[int] | None) -> None:
    assert SEA.named(answer(text), structured=False) == (kind, places)


ODD = Lists(names=("Yahoo!", "U.S.", ".NET", "Other (misc)", "1. FC Köln", "?", "sea"))


@pytest.mark.parametrize(
    ("text", "places"),
    [("Yahoo!, U.S., .NET", {0, 1, 2}), ("yahoo!; other (misc).", {0, 3}), ("- Yahoo!\n- 1. FC Köln\n- sea.", {0, 4, 6}), ("1. U.S.\n2. .NET\n3. 1. FC Köln", {1, 2, 4}),
     ('"U.S.", "Other (misc)"', {1, 3}), ("1. FC Köln, ?", {4, 5}), ("1. Sea\n2. ?", {5, 6}), ("**.NET**, sea,", {2, 6}), ("Yahoo, U.S, net", {0, 1, 2}), ('["U.S.", ".NET"]', {1, 2}),
     ("2. FC Köln", None), ("Yahoo! Mail", None), ("U.S.A.", None)],
)  # fmt: skip
def test_marks_that_are_of_a_name_are_read(text: str, places: set[int] | None) -> None:
    """And may be missing, where no other name is the same without them."""
    assert ODD.named(answer(text), structured=False) == ("unparseable" if places is None else "answered", places)


def test_every_name_is_read_as_examples_say_it() -> None:
    assert ODD.named(answer(", ".join(ODD.names)), structured=False)[1] == set(range(len(ODD.names)))
    for place, name in enumerate(ODD.names):
        for text in (name, f"- {name}", f'"{name}".', f"{name},"):
            assert ODD.named(answer(text), structured=False) == ("answered", {place}), text


def test_a_cut_list_and_a_refused_one_are_no_answers() -> None:
    assert SEA.by_text([answer("sea", "length")], structured=False).kind == "truncated"
    assert SEA.by_text([answer("sea", refused=True)], structured=False).kind == "refused"


@pytest.mark.parametrize(
    ("text", "kind", "places"),
    [('{"answer": ["sea", "C++"]}', "answered", {0, 2}), ('{"answer": []}', "answered", set()), ("sea", "unparseable", None),
     ('{"answer": "sea"}', "unparseable", None), ('["sea"]', "unparseable", None), ('{"answer": ["sky"]}', "unparseable", None)],
)  # fmt: skip
def test_a_structured_list_is_unwrapped(text: str, kind: Kind, places: set[int] | None) -> None:
    assert SEA.named(answer(text), structured=True) == (kind, places)
    assert schema(SEA.names, several=True)["properties"] == {
        "answer": {"type": "array", "items": {"type": "string", "enum": list(SEA.names)}}
    }


def test_votes_are_of_each_choice_by_itself() -> None:
    votes = [answer("sea, land"), answer("sea"), answer("the sky"), answer("none"), answer("land, sea")]
    found = SEA.by_votes(votes, structured=False)
    assert found.shares is not None
    assert found.shares.tolist() == pytest.approx([0.75, 0, 0, 0.5])
    assert found.outside == pytest.approx(0.2)
    assert SEA.by_votes([answer(""), answer(""), answer("sky")], structured=False).kind == "empty"


def test_scores_are_log_odds_in_bounds() -> None:
    odds = log_odds(np.array([0.0, 0.25, 0.5, 1.0]))
    np.testing.assert_allclose(sigmoid(odds), [1e-6, 0.25, 0.5, 1 - 1e-6], rtol=1e-5)


def test_answers_are_compared_with_gold_lists() -> None:
    odds = np.stack([log_odds(np.array(each)) for each in ([1.0, 0.0], [1.0, 1.0], [0.0, 0.75], [0.0, 0.0])])
    gold = np.array([[1, 0], [1, 0], [0, 1], [-1, -1]], dtype=np.int8)
    found = agreement(odds, gold)
    assert found is not None
    assert found.rows == 3
    assert found.accuracy == pytest.approx(2 / 3)
    p = np.array([1, 1, 1, 0, 1, 0.75])
    least = min(-np.log((1 - w) * p + w / 2).mean() for w in np.linspace(0, 1, 10_001)[1:])
    assert found.nll == pytest.approx(least, abs=1e-4)
    assert found.nll_hard == pytest.approx(-(5 / 6 * np.log(5 / 6) + 1 / 6 * np.log(1 / 6)))
    assert agreement(odds[3:], gold[3:]) is None


def test_examples_take_turns_by_their_rarest_class() -> None:
    truth = np.array([[1, 1], [1, 0], [1, 0], [1, 0], [0, 0], [-1, -1]], dtype=np.int8)

    class Held:
        """As much of Rows as is looked at."""

        digests = text_digests(f"text {i}" for i in range(6)).view(np.uint64).reshape(-1, 2)

        def targets(self, classes: tuple[str, ...]) -> np.ndarray:
            return truth

    rows: object = Held()
    found = picked(rows, np.arange(6), ("sea", "salt"), 3, 1)  # type: ignore[arg-type]  # a stand-in
    assert {0, 4} < set(found.tolist()) and len({1, 2, 3} & set(found.tolist())) == 1
    names = ("sea", "salt")
    assert [said(truth, row, names, structured=False) for row in (0, 1, 4)] == ["sea, salt", "sea", "none"]
    structured = [json.loads(said(truth, row, names, structured=True)) for row in (0, 4)]
    assert structured == [{"answer": ["sea", "salt"]}, {"answer": []}]
