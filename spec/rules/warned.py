"""What is worth saying about a job that goes on."""

from collections.abc import Iterator

from spec import rows, tokenizer
from spec.asked import everybody
from spec.bills import bills
from spec.distillation import Distillation
from spec.facts import Facts
from spec.money import dollars
from spec.problem import Problem
from spec.rules.data import overlapping
from spec.student import TextEncoder
from spec.teacher import asked
from spec.waiting import pair_key, references

FEW = 100
HEAVY = 0.75
"""Share of an encoder's numbers, from which on its embedding of tokens is told."""


def overlap_is_allowed(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Rows on two sides that `allow_overlap` lets pass."""
    if spec.data.allow_overlap:
        for found in overlapping(spec, facts):
            yield found.model_copy(update={"hint": "Figures on these rows are too good."})


def bad_rows_left_out(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Rows that could not be read and were dropped."""
    for id, param in dict(reversed(references(spec))).items():
        held = facts.datasets.get(id)
        if held is not None and held.bad_rows_total:
            first = held.bad_rows[0] if held.bad_rows else None
            yield Problem(
                code="bad_rows",
                message=f"{held.bad_rows_total:,} rows of {id} could not be read and are left out.",
                param=param,
                file=first.file if first else None,
                line=first.line if first else None,
            )


def signals_miss_heldout(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Held-out rows without scores: nothing can be said about retention."""
    signals, heldout = rows.signals(spec, facts), rows.heldout(spec, facts)
    pair = facts.pairs.get(pair_key(heldout, signals)) if signals and heldout else None
    if pair is not None and pair.unmatched:
        yield Problem(
            code="signals_heldout",
            message=f"The signals have no scores for {pair.unmatched:,} held-out rows, so retention cannot be measured.",
            param="teacher.signals",
        )


def few_heldout_rows(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Held-out rows so few that no interval will be narrow."""
    count = rows.counts(spec, facts).heldout
    if 0 < count < FEW:
        message = f"There are only {count} held-out rows: intervals will be wide."
        yield Problem(code="few_heldout", message=message, param="data.heldout")


def teacher_scales_otherwise(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Rows of whole numbers that go unscaled into a teacher made for real numbers."""
    train = rows.train(spec, facts)
    column = rows.input_column(spec, facts, train) if train else None
    if column is None or not column.dtype.startswith(("uint", "int")):
        return
    for index, id in enumerate(spec.teacher.models if spec.teacher else ()):
        held = facts.models.get(id)
        takes = held.signature.input if held else None
        if takes is not None and takes.dtype.startswith("float") and (takes.scale, takes.offset) == (1.0, 0.0):
            yield Problem(
                code="unscaled",
                message=f"{id} takes {takes.dtype} as it is; rows are {column.dtype} up to {column.high:g}."
                if column.high is not None
                else f"{id} takes {takes.dtype} as it is; rows are {column.dtype}.",
                param=f"teacher.models[{index}]",
                hint="If it was trained on scaled values, say scale and offset in the model's signature.",
            )


def teachers_are_equal(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Teachers under different ids that are one and the same model: no ensemble, though it counts as one."""
    first: dict[str, str] = {}
    for index, id in enumerate(spec.teacher.models if spec.teacher else ()):
        held = facts.models.get(id)
        if held is not None and (other := first.setdefault(held.digest, id)) != id:
            message = f"{id} and {other} are the same model, bit by bit: they count as two of the ensemble."
            yield Problem(code="equal_teachers", message=message, param=f"teacher.models[{index}]")


def who_is_asked_was_probed(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A model behind an endpoint that nobody has looked at, or not at all of it: what was not seen it is not asked for."""
    for one in everybody(spec):
        known = one.known(facts)
        left = known.probed[one.model].unseen if known and one.model in known.probed else ()
        if known is not None and (left or one.model not in known.probed):
            why = "was not probed: it is asked for text alone, and its price is a guess"
            if left:
                why = f"was probed in part: {', '.join(left)} are as an earlier probe saw them, else taken not to be there"
            message = f"{one.endpoint}/{one.model} {why}."
            hint = f'Probe it first: POST /v1/endpoints/{one.endpoint}/probe {{"model": "{one.model}"}}.'
            yield Problem(code="model_not_probed", message=message, param=one.param, hint=hint)


def batches_have_a_price(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Batches at an endpoint whose price does not say what they cost: they are booked at the full rates."""
    named = asked(spec.teacher)
    known = facts.endpoints.get(named[0]) if named else None
    if spec.teacher is None or not spec.teacher.batch or known is None or known.price is None:
        return
    if named is not None and known.price.batch is None:
        message = f"The price of {named[0]} does not say what calls in a batch cost: they are booked at its full rates."
        hint = f'PATCH /v1/endpoints/{named[0]} with a price that has "batch", such as 0.5 for half.'
        yield Problem(code="batch_price_unknown", message=message, param="teacher.batch", hint=hint)


def cap_leaves_no_texts(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A cap in dollars that the answers to old rows use up: no new text is asked for."""
    cap = spec.budget.usd
    expected = bills(spec, facts) if rows.train(spec, facts) is not None else None
    if spec.data.synthesise is None or cap is None or expected is None:
        return
    if cap * 1e6 - expected.aside(cap) < expected.call:
        yield Problem(
            code="cap_before_texts",
            message=f"A cap of {dollars(cap)} leaves nothing for new texts: answers to the old rows come first.",
            param="budget.usd",
            hint=f"New texts and their answers are expected to cost {dollars((expected.texts + expected.new) / 1e6)} beside {dollars((expected.expected - expected.texts - expected.new) / 1e6)}.",
        )


def tokens_outweigh_layers(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """An uploaded tokenizer with so many tokens that their embedding is most of the student."""
    known = facts.tokenizers.get(tokenizer.named(spec) or "")
    if known is None or not isinstance(spec.student, TextEncoder):
        return
    tokens = tokenizer.vocabulary(known) * spec.student.width
    rest = spec.student.layers * 12 * spec.student.width**2
    if tokens > HEAVY * (tokens + rest):
        message = f"The tokenizer's {known.vocabulary:,} tokens take {tokens:,} numbers of the student; its layers have {rest:,}."
        hint = "A smaller tokenizer, or one that is trained on the data, makes a smaller student."
        yield Problem(code="large_vocabulary", message=message, param="student.tokenizer", hint=hint)


RULES = (
    overlap_is_allowed,
    bad_rows_left_out,
    signals_miss_heldout,
    few_heldout_rows,
    teacher_scales_otherwise,
    teachers_are_equal,
    who_is_asked_was_probed,
    batches_have_a_price,
    cap_leaves_no_texts,
    tokens_outweigh_layers,
)
