"""What answers cost, by hand."""

import pytest

from spec.bill import bill
from spec.bills import WHY
from spec.call import bound
from spec.counted import Counted
from spec.facts import Price, Roles
from spec.plan import plan
from spec.price import estimate, uncovered
from spec.prompt import system_text, template_of
from spec.resolve import resolve
from spec.responses import TeacherResponses
from spec.rules.endpoint import cap_covers_answers
from spec.template import fields, render
from tests.spec.billed import COLUMNS, SYSTEM, known, tokens
from tests.spec.builders import dataset, endpoint, facts, job, split
from tests.spec.leaves import ASKED, WORDS


def test_expected_and_minimum() -> None:
    """A quarter of a token for each letter and symbol, and 8 a call; $0.40 and $1.60 a million: micro-dollars a token."""
    found = bill(job(ASKED | {"data.responses.prompt.system": SYSTEM}), known())
    assert found is not None

    def whole(times: float) -> float:
        answer = times * 0.25 * 1 + 1  # a digit is a byte, and an answer ends
        train, held = ((times * (tokens(SYSTEM) + 0.25 * own) + 8) * 0.4 + answer * 1.6 for own in (60, 80))
        return 1000 * train + 100 * held

    assert found.expected == pytest.approx(whole(1), abs=1)
    assert found.low == pytest.approx(whole(0.7), abs=1) and found.high == pytest.approx(whole(1.4), abs=2)
    last = (len(SYSTEM) + 200 + 16 * 3) * 0.4 + 8 * 1.6  # the longest row, in bytes, and max_tokens 8
    dear = (1.4 * (tokens(SYSTEM) + 0.25 * 60) + 8) * 0.4 + 8 * 1.6
    bounded = (len(SYSTEM) + 80 + 16 * 3) * 0.4 + 8 * 1.6
    assert found.minimum == pytest.approx(32 * dear + 100 * bounded + last, abs=1)
    assert found.rows == 1100


def test_what_the_endpoint_has_counted_is_expected() -> None:
    """Texts with four times as many tokens as prose has, and an answer of a model that thinks: the probe expects neither."""
    asked = ASKED | {"data.responses.prompt.system": SYSTEM, "data.responses.sampling.max_tokens": 100}
    seen = Counted(calls=100, input=8 + 4 * (tokens(SYSTEM) + 0.25 * 60), output=50)
    told = known().model_copy(update={"counted": seen})
    by_probe, found = bill(job(asked), known()), bill(job(asked), told)
    assert found is not None and by_probe is not None and found.expected > by_probe.high

    def whole(times: float) -> float:
        train, held = ((8 + times * 4 * (tokens(SYSTEM) + 0.25 * own)) * 0.4 + times * 50 * 1.6 for own in (60, 80))
        return 1000 * train + 100 * held

    assert found.expected == pytest.approx(whole(1), abs=1)
    assert found.low == pytest.approx(whole(0.8), abs=1) and found.high == pytest.approx(whole(1.2), abs=1)
    assert found.minimum >= by_probe.minimum, "the floor of training rows is reckoned by it, too"


def test_an_estimate_says_by_what_tokens_are_reckoned() -> None:
    told = known().model_copy(update={"counted": Counted(calls=100, input=40, output=2)})
    unprobed = known(probed={"large": endpoint().probed["large"].model_copy(update={"passages": {}})})
    rows = known().datasets["ds_texts"]
    splits = {name: split.model_copy(update={"makeup": {}}) for name, split in rows.splits.items()}
    older = known().model_copy(update={"datasets": {"ds_texts": rows.model_copy(update={"splits": splits})}})
    for seen, words in (
        (known(), "what a sample of the rows is made of"),
        (older, "Tokens by the length of the rows and the rate of English prose"),
        (unprobed, "Tokens by usual rates"),
        (told, "in 100 calls that put this question"),
    ):
        spec = resolve(job(ASKED), seen)
        assert words in estimate(plan(spec, seen), seen, resolved=spec).basis


def test_few_calls_tell_little_and_many_never_all() -> None:
    margins = [Counted(calls=calls, input=1, output=1).margin for calls in (10, 100, 10_000, 10**9)]
    assert margins == [0.5, pytest.approx(0.2), pytest.approx(0.065), pytest.approx(0.05, abs=1e-3)]


def test_a_preview_leaves_what_the_heldout_rows_may_cost() -> None:
    spec = resolve(job(ASKED | {"data.responses.prompt.system": SYSTEM, "budget": {"preview": 20}}), known())
    aside = {step.name: step.context.get("aside") for step in plan(spec, known())}
    bounded = (len(SYSTEM) + 80 + 16 * 3) * 0.4 + 8 * 1.6
    assert aside["preview"] == pytest.approx(100 * bounded, abs=1) and not aside["answer"]


@pytest.mark.parametrize(("max_tokens", "answer"), [(8, 8), (500, 500), (None, 4096)])
def test_the_minimum_covers_heldout_rows_whose_answers_do_not_end(max_tokens: int | None, answer: int) -> None:
    found = bill(job(ASKED | {"data.responses.sampling.max_tokens": max_tokens}), known())
    assert found is not None and found.minimum > (100 + 32) * answer * 1.6


def test_batches_cost_their_share_and_a_preview_the_whole() -> None:
    """All of a batch is set aside before it is sent: its minimum is of bounds. A preview's calls are made one by one."""
    price = Price(input=0.4, output=1.6, cached=0.1, batch=0.25)
    assert price.in_batches() == Price(input=0.1, output=0.4, cached=0.025, batch=0.25)
    plain = ASKED | {"data.responses.prompt.system": SYSTEM}
    single, batched = (bill(job(plain | {"teacher.batch": on}), known(price=price)) for on in (False, True))
    assert single is not None and batched is not None
    for name in ("low", "expected", "high", "heldout"):
        assert getattr(batched, name) == pytest.approx(getattr(single, name) / 4, abs=1), name
    bounds = {size: (len(SYSTEM) + size + 16 * 3) * 0.1 + 8 * 0.4 for size in (60, 80, 200)}
    assert batched.minimum == pytest.approx(32 * bounds[60] + 100 * bounds[80] + bounds[200], abs=1)
    seen = bill(job(plain | {"teacher.batch": True, "budget": {"preview": 20}}), known(price=price))
    held = (tokens(SYSTEM) + 0.25 * 80 + 8) * 0.1 + 1.25 * 0.4
    assert seen is not None and seen.expected - batched.expected == pytest.approx(3 * 20 * held, abs=2)


def test_batches_change_no_step_but_where_they_are_asked() -> None:
    able = endpoint().probed["large"].model_copy(update={"batch": True})
    facts = known(probed={"large": able})
    once, together = (
        plan(resolve(job(ASKED | {"teacher.batch": on, "budget": {"preview": 9}}), facts), facts)
        for on in (False, True)
    )
    keyed = [[(one.params, one.inputs) for one in steps if one.verb != "package"] for steps in (once, together)]
    assert keyed[0] == keyed[1], "what was answered is found, either way"
    assert {one.name: one.context.get("batch") for one in together if one.verb == "answer"} == {
        "preview": False, "answer": True,
    }  # fmt: skip


def test_the_minimum_is_never_above_the_bound_of_all() -> None:
    """Of four rows not one more call has to be made than there are rows."""
    few = {"train": split("train", 3), "test": split("test", 1)}
    sizes = {"text_bytes": {"text": 60}, "longest": {"text": 60}}
    rows = dataset(
        {name: one.model_copy(update=sizes) for name, one in few.items()}, COLUMNS, Roles(input="text", label="label")
    )
    found = bill(
        job(ASKED | {"data.responses.prompt.system": SYSTEM}),
        facts(datasets={"ds_texts": rows}, endpoints={"ep_open": endpoint()}),
    )
    assert found is not None
    whole = sum(bound(Price(input=0.4, output=1.6), [len(SYSTEM), size], 8, 1) for size in (20, 20, 20, 60))
    assert found.high < found.minimum <= whole


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


def test_what_an_endpoint_puts_around_a_prompt_is_in_every_bound() -> None:
    """Its probe has counted 90 tokens a call: of caps, of the least one, of new texts, of judges."""
    assert bound(Price(input=2.0, output=8.0), [100, 50], 4, 1, 90.0) == (150 + 16 * 2 + 90) * 2 + 4 * 8
    assert bound(Price(input=2.0, output=8.0), [100], 4, 1, 8.0) == bound(Price(input=2.0, output=8.0), [100], 4, 1)
    hidden = endpoint().probed["large"].model_copy(update={"tokens_per_call": 90.0})
    asked = job(ASKED | {"data.responses.prompt.system": SYSTEM})
    usual, more = (bill(asked, known(**changes)) for changes in ({}, {"probed": {"large": hidden}}))
    assert usual is not None and more is not None
    assert more.heldout - usual.heldout == pytest.approx(100 * (90 - 16) * 0.4, abs=1)
    assert more.minimum - usual.minimum == pytest.approx((32 * (90 - 8) + 101 * (90 - 16)) * 0.4, abs=2)


def test_a_template_shows_columns_and_braces() -> None:
    template = 'Title: {title}\n{{"x": {text}}} {title} {not a column}'
    assert fields(template, ("text", "title", "{not", "a column}")) == ("title", "text")
    shown = 'Title: {text}\n{"x": b} {text} {not a column}'
    assert render(template, {"title": "{text}", "text": "b"}) == shown


@pytest.mark.parametrize("name", ["Review Text", "问题", "a|b (c)", "-", "text"])
def test_a_place_is_of_any_column_that_the_rows_have(name: str) -> None:
    template = f"{{{{{name}}}}} {{{name}}}, {{no column}}}}"
    assert fields(template, (name, "other")) == (name,)
    assert render(template, {name: "{text}"}) == f"{{{name}}} {{text}}, {{no column}}"


def test_what_looks_like_a_column_is_taken_for_one() -> None:
    assert fields("{a} {b c} {d-e}", ()) == ("a", "d-e")
    with pytest.raises(KeyError):
        render("{a} {b}", {"a": "1"})


def test_the_system_message_asks_for_a_name() -> None:
    asked = TeacherResponses(type="teacher")
    said = system_text(asked, ("cat", "dog"))
    assert said is not None and said.startswith("Classify the text. ") and said.endswith("cat, dog.")
    for several in (False, True):
        of_pairs = system_text(asked, ("cat", "dog"), pairs=True, several=several)
        assert of_pairs is not None and of_pairs.startswith("Classify the pair of texts. ")


def test_a_pair_is_asked_about_with_both_texts_after_their_names() -> None:
    responses = TeacherResponses.model_validate({"type": "teacher"})
    assert template_of(responses, ("text",)) == "{text}"
    assert template_of(responses, ("query", "passage")) == "query: {query}\n\npassage: {passage}"


def test_a_cap_that_is_too_small_says_that_paid_answers_are_not_taken_off() -> None:
    """Whether a job is looked at or made: which answers are kept is known to nobody who refuses."""
    spec = job(ASKED | {"budget": {"usd": 0.0001}})
    (early,) = cap_covers_answers(spec, known())
    resolved = resolve(spec, known())
    late = uncovered(resolved, estimate(plan(resolved, known()), known(), resolved=resolved))
    assert late and all(WHY in (one.hint or "") for one in (early, late))


def test_new_texts_and_their_answers_are_in_the_bill() -> None:
    """50 texts of 8 a call: 7 calls if all are kept, 1.25 times as many expected, four times as many at most."""
    asks = ASKED | {"data.responses.prompt.system": SYSTEM}
    wanted = {"rows": 50, "instruction": "Write {count}.", "sampling": {"max_tokens": 200}}
    plain, found = bill(job(asks), known()), bill(job(asks | {"data.synthesise": wanted}), known())
    assert plain is not None and found is not None
    text = 60 + 4  # bytes of a training row, and of the JSON around it
    answer = (tokens(SYSTEM) + 0.25 * 60 + 8) * 0.4 + (0.25 + 1) * 1.6

    def call(times: float, around: float) -> float:
        """The blank before the brace counts as a symbol. The JSON, of which the length alone is known, has a wider interval."""
        own = 0.25 * (times * 60 + around * 4)
        return (times * (tokens("Write {count}.") + 0.25) + 8 * own + 8) * 0.4 + 8 * own * 1.6

    assert found.texts == pytest.approx(1.25 * 7 * call(1, 1), abs=1)
    assert found.new == pytest.approx(50 * answer, abs=1)
    assert found.expected == pytest.approx(plain.expected + 50 * answer + found.texts, abs=3)
    written = [bill(job(asks | {"data.synthesise": wanted}), known(), written=on) for on in (False, True)]
    assert written[0] and written[1]
    assert written[0].low - written[1].low == pytest.approx(7 * call(0.7, 0.4), abs=2)
    assert written[0].high - written[1].high == pytest.approx(28 * call(1.4, 2.0), abs=2)
    assert found.minimum == plain.minimum and found.rows == plain.rows + 50, "new texts can be cut to none"
    assert found.call == pytest.approx((1.5 * (len("Write {count}.") + 8 * text) + 32) * 0.4 + 200 * 1.6, abs=1)
    there = bill(job(asks | {"data.synthesise": wanted}), known(), written=True)
    assert there is not None and there.expected == pytest.approx(plain.expected + 50 * answer, abs=2)


def test_copies_are_asked_about_like_rows_and_their_answers_can_be_cut() -> None:
    plain, found = bill(job(ASKED), known()), bill(job(WORDS), known())
    assert plain is not None and found is not None
    assert found.rows == plain.rows + 2 * 1000 and found.minimum == plain.minimum
    assert found.expected - plain.expected == pytest.approx(found.new, abs=2) and found.new > 1.5 * plain.expected / 2


def test_under_a_cap_the_old_rows_come_first_and_new_texts_leave_money_for_their_answers() -> None:
    wanted = {"rows": 400, "sampling": {"max_tokens": 200}}
    found = bill(job(ASKED | {"data.synthesise": wanted}), known())
    assert found is not None
    old = found.expected - found.new - found.texts
    assert found.aside(old / 1e6) == old > found.minimum
    half = old + (found.new + found.texts) / 2
    assert found.aside(half / 1e6) == pytest.approx(old + found.new / 2, abs=1)
    assert found.aside(1.0) == old + found.new
