"""What a teacher's answers, and the texts that it writes, cost. All money is in micro-dollars.

What is expected comes from what the endpoint has counted of the same question, else from what a sample of the rows is made of and from what the probe has
counted of each kind of writing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from spec import rows
from spec.call import NOTHING, UNBOUNDED, Call, around, cost, of_question
from spec.distillation import Distillation
from spec.facts import Capabilities, Facts, Price
from spec.makeup import Makeup
from spec.prompt import examples_of, own_system, system_of, template_of
from spec.responses import TeacherResponses, schema
from spec.rows import RowSet
from spec.signature import classes, output_kind
from spec.synthesis import fewest, instruction, most
from spec.teacher import asked
from spec.template import fields, render
from spec.tokens import END, Extent

STRUCTURED = '{"answer": ""}'
"""The JSON around a structured answer."""
FLOOR = 32
"""Training rows that a capped job still has answered."""
QUOTED = 4
"""Bytes of the JSON around a text of a list."""
LONG = 1.5
"""Bytes of the rows that a call for new texts shows, to those of rows on average, at most."""
NUMBERS = {"digits": 1.0}
"""What a column of numbers is made of."""
DOUBLES = 1.25
"""Calls for new texts that are expected, to those that there would be if no text were a near-duplicate."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Of all that a job asks for: new texts, and answers."""

    rows: int
    low: int
    expected: int
    high: int
    minimum: int
    """Held-out answers and the last call at their bounds, and a floor of training answers, dear ones: so held-out rows are answered, and training rows
    after them, whatever the tokens of these texts are. New texts can all be cut. It is never above the bound of all answers; of few rows it may be above
    `high`."""
    floor: int
    """Without it no student comes of the old rows: the minimum, less what may be cut of the teacher's answers where judges have to be paid too."""
    heldout: int
    """At most, of held-out rows alone: a preview leaves it to the answers after it."""
    new: int
    """Expected, of answers to new texts."""
    texts: int = 0
    """Expected, of calls for new texts."""
    call: int = 0
    """At most, of one of these calls."""

    @property
    def due(self) -> int:
        """What nobody else may have of a cap that has to cover the whole."""
        return max(self.high, self.minimum)

    def aside(self, usd: float) -> int:
        """What answers keep of a cap while new texts are asked for: those of the old rows come first, and what is left is for new texts
        and their answers in the proportion in which these are expected to cost."""
        old = max(self.floor, self.expected - self.new - self.texts)
        left = max(0.0, usd * 1e6 - old)
        return old + ceil(min(self.new, left * self.new / max(self.new + self.texts, 1)))


def able(spec: Distillation, facts: Facts) -> Capabilities | None:
    """What is known of the model that is asked; what was not probed is taken to be able to do nothing. None: no endpoint."""
    named = asked(spec.teacher)
    known = facts.endpoints.get(named[0]) if named else None
    return known.probed.get(named[1], Capabilities()) if named and known else None


def bill(spec: Distillation, facts: Facts, *, written: bool = False) -> Bill | None:
    """Of the teacher's answers and new texts. None where nothing is paid for them, or not enough is known. `written`: the new texts are there already."""
    answers, texts = _answers(spec, facts), _texts(spec, facts)
    if answers is None or texts is None or written:
        return answers
    low, expected, high, call = texts
    return replace(
        answers,
        low=answers.low + low,
        expected=answers.expected + expected,
        high=answers.high + high,
        texts=expected,
        call=call,
    )


def _texts(spec: Distillation, facts: Facts) -> tuple[int, int, int, int] | None:
    """(low, expected, high, bound of one) of calls for new texts; a call is as long as the training rows that it shows and asks for."""
    wanted, named, probe = spec.data.synthesise, asked(spec.teacher), able(spec, facts)
    train, roles = rows.train(spec, facts), rows.roles(spec, facts)
    price = facts.endpoints[named[0]].price if named and probe is not None else None
    if wanted is None or train is None or roles is None or probe is None or price is None:
        return None
    own = mean(train, roles.inputs, probe) + Extent.of(probe, QUOTED, None)
    shown, written = Extent.written(probe, instruction(wanted)) + own * wanted.examples, own * wanted.per_call
    end = wanted.sampling.max_tokens or UNBOUNDED
    bounded = cost(price, LONG * shown.bytes + around(1, probe.tokens_per_call), end)
    low, expected, high = (
        cost(price, said_in + probe.tokens_per_call, min(end, said_out))
        for said_in, said_out in ((shown.low, written.low), (shown.tokens, written.tokens), (shown.high, written.high))
    )
    number = fewest(wanted)
    return (
        int(number * low),
        ceil(min(DOUBLES * number, most(wanted)) * expected),
        ceil(most(wanted) * min(high, bounded)),
        ceil(bounded),
    )


def _answers(spec: Distillation, facts: Facts) -> Bill | None:
    responses, named = spec.data.responses, asked(spec.teacher)
    known = facts.endpoints.get(named[0]) if named else None
    train, probe = rows.train(spec, facts), able(spec, facts)
    if (
        not isinstance(responses, TeacherResponses)
        or known is None
        or known.price is None
        or train is None
        or probe is None
    ):
        return None
    count = rows.counts(spec, facts)
    old = count.train - count.written
    apart = rows.heldout(spec, facts)
    batched = spec.teacher is not None and spec.teacher.batch
    price = known.price.in_batches() if batched else known.price
    shown = _shown(spec, facts)
    of_row = _question(spec, facts, train, price, probe)
    training, judged = of_row(mean(train, shown, probe)), of_row(mean(apart or train, shown, probe))
    last = of_row(Extent(bytes=max(longest(one, shown) for one in (train, apart or train))))
    early = _preview(spec, known.price, max(training, judged)) if batched else NOTHING
    whole = training.times(count.train).plus(judged.times(count.heldout)).plus(early)
    each = training.bound if batched else training.dear  # all of a batch is set aside before it is sent
    floor = min(FLOOR, old) * each + count.heldout * judged.bound + last.bound + early.bound
    minimum = ceil(min(floor, old * training.bound + count.heldout * judged.bound + early.bound))
    return Bill(
        rows=count.train + count.heldout,
        low=int(whole.low),
        expected=ceil(whole.expected),
        high=ceil(whole.high),
        minimum=minimum,
        floor=minimum,
        heldout=ceil(count.heldout * judged.bound),
        new=int(count.written * training.expected),
    )


def _question(
    spec: Distillation, facts: Facts, train: RowSet, price: Price, probe: Capabilities
) -> Callable[[Extent], Call]:
    """What the teacher's calls for a row cost, by the row's own part of the prompt: as the endpoint has counted such calls on average, where it has."""
    responses = spec.data.responses
    assert isinstance(responses, TeacherResponses)
    fixed, answer, messages = _fixed(spec, facts, train, probe)
    factor, seen, sampling = 1.0, facts.counted, responses.sampling
    usual = fixed + mean(train, _shown(spec, facts), probe)
    if seen is not None and usual.tokens:
        factor = max(0.0, seen.input - probe.tokens_per_call) / usual.tokens
        answer = answer.counted(seen.output / (sampling.n if probe.several else 1), seen.margin)

    def of_row(own: Extent) -> Call:
        asked = fixed + own
        if seen is not None:
            asked = asked.counted(factor * asked.tokens, seen.margin)
        return of_question(price, probe, sampling, asked, messages, answer)

    return of_row


def _fixed(spec: Distillation, facts: Facts, train: RowSet, probe: Capabilities) -> tuple[Extent, Extent, int]:
    """What is the same in every call: the prompt beside the row's own part, and the answer; and messages."""
    responses, names = spec.data.responses, classes(spec, facts)
    assert isinstance(responses, TeacherResponses)
    template, examples = _template(spec, facts), examples_of(spec, facts)
    shown, several = _shown(spec, facts), output_kind(spec, facts) == "multilabel"
    literal, answer = Extent.written(probe, render(template, dict.fromkeys(shown, ""))), answered(spec, facts, probe)
    fixed = (
        Extent.written(probe, system_of(spec, facts) or "")
        + literal
        + (mean(train, shown, probe) + literal + answer) * examples
    )
    if responses.structured:
        fixed += Extent.written(probe, json.dumps(schema(names, several=several)))
        answer += Extent.written(probe, STRUCTURED)
    return fixed, answer + END, 2 + 2 * examples


def _preview(spec: Distillation, price: Price, row: Call) -> Call:
    """What calls of a preview, which are made one by one, cost beyond those of a batch. `row`: of one in a batch."""
    share = 1.0 if price.batch is None else price.batch
    return row.times((spec.budget.preview or 0) * (1 / share - 1))


def answered(spec: Distillation, facts: Facts, probe: Capabilities) -> Extent:
    """The name that an answer consists of, the longest, or the names that a row has on average."""
    longest_name = max(classes(spec, facts), key=lambda name: len(name.encode()), default="")
    often = _several(spec, facts) if output_kind(spec, facts) == "multilabel" else 1
    return Extent.written(probe, longest_name) * often


def _several(spec: Distillation, facts: Facts) -> float:
    """Names that a row has on average, and at least one."""
    sets = [one for one in rows.row_sets(spec, facts) if one.facts.labelled]
    total = sum(sum(rows.labels(spec, facts, one).values()) for one in sets)
    return max(1.0, total / max(sum(one.facts.labelled for one in sets), 1))


def _template(spec: Distillation, facts: Facts) -> str:
    """The user's message, as it will be resolved."""
    roles, responses = rows.roles(spec, facts), spec.data.responses
    assert isinstance(responses, TeacherResponses)
    return template_of(responses, roles.inputs if roles else (), own_system(spec, facts))


def _shown(spec: Distillation, facts: Facts) -> tuple[str, ...]:
    return fields(_template(spec, facts), rows.columns(spec, facts))


def mean(one: RowSet, shown: tuple[str, ...], probe: Capabilities) -> Extent:
    """A row's own part, on average; the bytes of the whole file where nobody has counted those of its columns."""
    parts = ((one.facts.text_bytes.get(name, one.facts.bytes), _makeup(one, name)) for name in shown)
    return sum((Extent.of(probe, total / max(one.facts.rows, 1), makeup) for total, makeup in parts), Extent())


def _makeup(one: RowSet, name: str) -> Makeup | None:
    column = one.dataset.columns.get(name)
    return NUMBERS if column and column.kind == "number" else one.facts.makeup.get(name)


def longest(one: RowSet, shown: tuple[str, ...]) -> float:
    """Bytes of the longest row's own part, or of one on average where nobody has looked for it."""
    usual = {name: one.facts.text_bytes.get(name, one.facts.bytes) / max(one.facts.rows, 1) for name in shown}
    return sum(one.facts.longest.get(name, usual[name]) for name in shown)
