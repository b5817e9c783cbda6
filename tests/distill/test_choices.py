"""From what a teacher says to distributions over the choices."""

import json
import math

import numpy as np
import pytest

from distill.answers.choices import Choices
from distill.answers.tally import agreement, log_shares, mixed_nll
from distill.report.answers import worth_words
from spec.gateway import Answer
from spec.outcomes import Kind

CITIES = Choices(names=("New York", "New York City", "York", "Newark", "Paris"))


def said(text: str, finish: str | None = "stop", **more: object) -> Answer:
    return Answer(text=text, finish_reason=finish, **more)


def spoken(*places: dict[str, float]) -> Answer:
    """An answer of the likeliest token at each place, with probabilities."""
    text = "".join(max(place, key=lambda token: place[token]) for place in places)
    tops = tuple({token: math.log(p) for token, p in place.items()} for place in places)
    return Answer(text=text, finish_reason="stop", top_logprobs=tops)


@pytest.mark.parametrize(
    ("text", "finish", "kind", "name"),
    [("Paris", "stop", "answered", "Paris"), (' "paris".\n', "stop", "answered", "Paris"), ("**New York**", "stop", "answered", "New York"),
     ("It is New York City, I think", "stop", "answered", "New York City"), ("Paris or Newark", "stop", "unparseable", None),
     ("Parisian", "stop", "unparseable", None), ("", "stop", "empty", None), ("  \n", "length", "truncated", None),
     ("New York", "length", "truncated", None), ("New York City", "length", "answered", "New York City"),
     ("I would say that", "length", "truncated", None), ("no", "content_filter", "refused", None),
     ("It is not Paris", "stop", "unparseable", None)],
)  # fmt: skip
def test_a_text_names_a_choice_or_none(text: str, finish: str, kind: Kind, name: str | None) -> None:
    found = CITIES.named(said(text, finish), structured=False)
    assert found == (kind, None if name is None else CITIES.names.index(name))


def test_names_of_marks_alone_can_be_answered() -> None:
    odd = Choices(names=("U.S.", "__init__", "?"))
    found = [odd.named(said(name), structured=False) for name in odd.names]
    assert found == [("answered", 0), ("answered", 1), ("answered", 2)]


@pytest.mark.parametrize(
    ("text", "name"),
    [('"U.S."', "U.S."), ("**U.S.**", "U.S."), ("The answer is U.S.", "U.S."), ('The answer is "U.S.".', "U.S."), ("U.S.\n", "U.S."), ("U.S", "U.S."), ('"Yahoo!"', "Yahoo!"),
     ("It is Yahoo!", "Yahoo!"), ("yahoo", "Yahoo"), ('".NET"', ".NET"), ("I would say .NET.", ".NET"), ("Other (misc)", "Other (misc)"), ("(Other (misc))", "Other (misc)"),
     ("_It is Yahoo_", "Yahoo"), ("It is *Other (misc)*", "Other (misc)"), ("U.S.A.", None), ("U", None)],
)  # fmt: skip
def test_marks_that_are_of_a_name_are_read(text: str, name: str | None) -> None:
    odd = Choices(names=("U.S.", "Yahoo!", "Yahoo", ".NET", "Other (misc)"))
    expected = ("unparseable", None) if name is None else ("answered", odd.names.index(name))
    assert odd.named(said(text), structured=False) == expected
    if name is not None:
        assert odd.named(said(json.dumps({"answer": text})), structured=True) == expected


@pytest.mark.parametrize("text", ["Yahoo", "Yahoo!", "U", ""])
def test_a_cut_answer_is_the_name_that_no_other_goes_on_from(text: str) -> None:
    odd = Choices(names=("Yahoo!", "Yahoo Mail", "U.S."))
    assert odd.named(said(text, "length"), structured=False) == ("truncated", None)
    assert odd.named(said("U.S.", "length"), structured=False) == ("answered", 2)


def test_what_is_mostly_about_something_else_names_nothing() -> None:
    assert CITIES.by_logprobs(spoken({"I": 0.9, "Paris": 0.05})).kind == "unparseable"


def test_a_refusal_is_one_whatever_it_says() -> None:
    assert CITIES.by_text([said("Paris", refused=True)], structured=False).kind == "refused"
    assert CITIES.by_logprobs(said("Paris", refused=True)).kind == "refused"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"answer": "Paris"}', "answered"),
        ('{"answer": "Rome"}', "unparseable"),
        ("Paris", "unparseable"),
        ("[1]", "unparseable"),
        (" ", "empty"),
    ],
)
def test_a_structured_answer_is_unwrapped(text: str, kind: Kind) -> None:
    assert CITIES.by_text([said(text)], structured=True).kind == kind


def test_votes_are_shares_of_those_that_name_a_choice() -> None:
    found = CITIES.by_votes([said("Paris"), said("Newark"), said("Paris"), said("Rome")], structured=False)
    assert found.shares is not None and found.shares.tolist() == pytest.approx([0, 0, 0, 1 / 3, 2 / 3])
    assert found.outside == 0.25
    assert CITIES.by_votes([said(""), said("Rome"), said("Oslo")], structured=False).kind == "unparseable"


def test_single_tokens_keep_their_probabilities() -> None:
    choices = Choices(names=("cat", "dog", "horse"))
    found = choices.by_logprobs(spoken({" cat": 0.6, " dog": 0.3, " Cats": 0.02, " bird": 0.08}))
    assert found.shares is not None
    # " Cats" is no beginning of a name; the horse, which nobody listed, gets no more than the least that was.
    assert found.shares[:2] / found.shares[:2].sum() == pytest.approx([2 / 3, 1 / 3])
    assert found.outside == pytest.approx(0.1, abs=0.02) and found.shares[2] < 0.021


def test_a_chain_of_tokens_divides_as_it_goes() -> None:
    """P(York) = 0.1; New: 0.8, of which ark 0.25, York 0.75; after New York the end 0.6 and City 0.4."""
    first = {"New": 0.8, "York": 0.1, "Paris": 0.1}
    second = {" York": 0.75, "ark": 0.25}
    third = {" City": 0.6, "<end>": 0.4}
    found = CITIES.by_logprobs(spoken(first, second, third))
    assert found.shares is not None
    city, york, newark, paris = (
        found.shares[CITIES.names.index(name)] for name in ("New York City", "York", "Newark", "Paris")
    )
    assert newark == pytest.approx(0.2, rel=0.4) and paris == york == pytest.approx(0.1, rel=0.4)
    assert city > 0.3 and found.shares.sum() == pytest.approx(1.0)


def test_no_list_of_tokens_says_nothing() -> None:
    assert CITIES.by_logprobs(said("Paris")).kind == "unparseable" and CITIES.by_logprobs(said("")).kind == "empty"
    assert CITIES.by_logprobs(spoken({"Rome": 0.9, "Oslo": 0.1})).kind == "unparseable"


def paris(*before: str, after: tuple[str, ...] = ()) -> Answer:
    """Tokens of an answer that is Paris, 0.9 to 0.1 New at its place, with marks before and behind, of 0.95 each."""
    marks = [{mark: 0.95, "New": 0.05} for mark in before]
    return spoken(*marks, {"Paris": 0.9, "New": 0.1}, *({mark: 0.95, " City": 0.05} for mark in after))


@pytest.mark.parametrize(
    "answer",
    [paris("\n"), paris('"', after=('"',)), paris("**", after=("**",)), paris(" ", "\n", "`", after=("`.",)), paris(),
     spoken({'"Paris': 0.9, '"New': 0.1}, {'".': 1.0}), spoken({"Paris.": 0.9, "New": 0.1}),
     paris("\n").model_copy(update={"text": "Paris"})],
)  # fmt: skip
def test_marks_around_a_name_are_read_by_tokens_as_by_text(answer: Answer) -> None:
    """The last text has lost its first line, as some endpoints cut it off."""
    found = CITIES.by_tokens(answer)
    assert found.kind == "answered" and found.shares is not None and not found.hard
    assert CITIES.names[int(found.shares.argmax())] == "Paris" and 0.75 < found.shares.max() < 0.95


@pytest.mark.parametrize(("marks", "name"), [("**", "New York"), ('"', "New York City")])
def test_marks_behind_a_name_end_it(marks: str, name: str) -> None:
    """New York City goes on where New York ends."""
    places = [
        {marks: 1.0},
        {"New": 1.0},
        {" York": 1.0},
        *([{" City": 1.0}] if name.endswith("City") else []),
        {marks: 1.0},
    ]
    found = CITIES.by_tokens(spoken(*places))
    assert found.shares is not None and not found.hard and CITIES.names[int(found.shares.argmax())] == name


def test_a_mark_that_is_of_a_name_is_none_before_it() -> None:
    nets = Choices(names=(".net", "net", "java"))
    for tokens, name in ((".", "net"), ".net"), (("net",), "net"), (("**", ".", "net", "**"), ".net"):
        answer = spoken(*({token: 1.0} for token in tokens))
        for found in (nets.by_tokens(answer), nets.by_text([answer], structured=False)):
            assert found.shares is not None and nets.names[int(found.shares.argmax())] == name


def test_what_tokens_do_not_say_the_text_may() -> None:
    """Its label is then hard, and counted as such."""
    within = CITIES.by_tokens(spoken({"It": 0.8, "Paris": 0.2}, {" is": 1.0}, {" Newark": 1.0}))
    bare = CITIES.by_tokens(said("Paris"))
    for found, name in (within, "Newark"), (bare, "Paris"):
        assert found.hard and found.kind == "answered" and found.shares is not None
        assert found.shares.tolist() == [float(one == name) for one in CITIES.names]
    assert within.outside == pytest.approx(0.8)
    for none in (spoken({"Rome": 0.9, "Oslo": 0.1}), spoken({"**": 1.0}), said(""), said("New York", "length")):
        assert CITIES.by_tokens(none).shares is None


def test_agreement_is_counted_by_hand() -> None:
    logs = np.stack([log_shares(np.array(row)) for row in ([0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1])])
    found = agreement(logs, np.array([0, 2, -1]))
    assert found is not None and (found.rows, found.accuracy) == (2, 0.5)
    # (0.7 + w (1/3 - 0.7)) (0.1 + w (1/3 - 0.1)) is largest where its derivative is 0
    a, b = 1 / 3 - 0.7, 1 / 3 - 0.1
    weight = -(0.7 * b + 0.1 * a) / (2 * a * b)
    assert 0 < weight < 1
    assert found.nll == pytest.approx(-(math.log(0.7 + weight * a) + math.log(0.1 + weight * b)) / 2, abs=1e-5)
    assert found.nll_hard == pytest.approx(-(0.5 * math.log(0.5) + 0.5 * math.log(0.25)))
    assert agreement(logs, np.array([-1, -1, -1])) is None
    assert mixed_nll([True] * 5, 3) == pytest.approx(0.0, abs=1e-9)
    for worse in ([False] * 5, [0.1, 0.2]):
        assert mixed_nll(worse, 3) == pytest.approx(math.log(3)), "than all choices alike"
    assert mixed_nll([0.7, 0.6, 0.8], 3) == pytest.approx(-np.log([0.7, 0.6, 0.8]).mean()), "none is best"


def test_votes_that_know_more_than_names_are_said_to() -> None:
    """Of 100 rows three votes are one for all, and twice of them wrong; of 50 two for one, and right in 30 of them: no constant decides what they say."""
    sure, unsure = np.array([1.0, 0.0, 0.0]), np.array([2 / 3, 1 / 3, 0.0])
    logs = np.stack([log_shares(row) for row in [*[sure] * 100, *[unsure] * 50]])
    gold = np.array([0] * 98 + [2] * 2 + [0] * 30 + [1] * 20)
    found = agreement(logs, gold)
    assert found is not None and found.accuracy == pytest.approx(128 / 150)
    weights = np.linspace(0, 1, 20_001)[1:]
    p = np.array([1.0] * 98 + [0.0] * 2 + [2 / 3] * 30 + [1 / 3] * 20)
    least = min(-np.log((1 - w) * p + w / 3).mean() for w in weights)
    assert found.nll == pytest.approx(least, abs=1e-5) and found.nll < 0.8 * found.nll_hard


@pytest.mark.parametrize("classes", range(2, 12))
def test_unanimous_votes_say_no_more_than_the_names(classes: int) -> None:
    """Of ten rows, two of them wrong: both mixtures are the same, however their sums are rounded."""
    logs = np.stack([log_shares(row) for row in np.eye(classes)[[0] * 10]])
    found = agreement(logs, np.array([0] * 8 + [1] * 2))
    assert found is not None and found.nll == pytest.approx(found.nll_hard, abs=1e-4)
    assert "say no more than" in worth_words(found)
