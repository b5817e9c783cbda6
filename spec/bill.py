"""What a teacher's answers, and the texts that it writes, cost: bounds that no call can break, and what is expected. All money is in micro-dollars.

A token is one byte of UTF-8 at least, so the bytes of a prompt bound its tokens, whatever the endpoint's tokenizer is, but for what the endpoint
itself puts around a prompt: that is what the probe has counted. An answer is bounded by `max_tokens`. What is expected comes from what the endpoint has
counted of such questions, else from the probe, which counted the tokens of known prose.
"""

import json
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

from spec import rows
from spec.distillation import Distillation
from spec.facts import Capabilities, Facts, Price
from spec.prompt import common_system, examples_of, own_system, system_text, template_of
from spec.responses import TeacherResponses, schema
from spec.rows import RowSet
from spec.sampling import Sampling
from spec.signature import classes, output_kind
from spec.synthesis import fewest, instruction, most
from spec.teacher import asked
from spec.template import fields
from spec.tokens import HIGH, LOW, Rate

MESSAGE = 16
"""Tokens that a message may have beside its text, and a call beside its messages, unless the probe has counted more."""
UNBOUNDED = 4096
"""Tokens set aside for an answer that nobody has bounded."""
STRUCTURED = 16
"""Bytes of the JSON around a structured answer."""
FLOOR = 32
"""Training rows that a capped job still has answered."""
QUOTED = 4
"""Bytes of the JSON around a text of a list."""
DOUBLES = 1.25
"""Calls for new texts that are expected, to those that there would be if no text were a near-duplicate."""


class Call(NamedTuple):
    """What the calls for one row cost."""

    expected: float
    dear: float
    """With as many tokens in as may be expected at most, and answers that end at `max_tokens`: a chatty teacher's."""
    bound: float


NOTHING = Call(0.0, 0.0, 0.0)


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


def cost(price: Price | None, tokens_in: float, tokens_out: float) -> float:
    return 0.0 if price is None else tokens_in * price.input + tokens_out * price.output


def around(messages: int, per_call: float) -> float:
    """Tokens that a call has at most beside its texts. `per_call`: as the probe has counted them; some endpoints put a system text of their own before each prompt."""
    return MESSAGE * messages + max(MESSAGE, per_call)


def bound(
    price: Price | None, sizes: list[int], max_tokens: int | None, samples: int, per_call: float = MESSAGE
) -> int:
    """Of one call whose messages (and schema) have these bytes: it cannot be billed higher."""
    if price is None:
        return 0
    tokens = sum(sizes) + around(len(sizes), per_call)
    return ceil(tokens * max(price.input, price.cached or 0.0) + samples * (max_tokens or UNBOUNDED) * price.output)


def able(spec: Distillation, facts: Facts) -> Capabilities | None:
    """What is known of the model that is asked; what was not probed is taken to be able to do nothing. None: no endpoint."""
    named = asked(spec.teacher)
    known = facts.endpoints.get(named[0]) if named else None
    return known.probed.get(named[1], Capabilities()) if named and known else None


def of_question(
    price: Price,
    probe: Capabilities,
    sampling: Sampling,
    size: float,
    messages: int,
    answer: float,
    rate: Rate | None = None,
) -> Call:
    """Of a question of `size` bytes in so many messages, answered by `answer` bytes in each of its samples. `rate` None: the probe's."""
    calls, most = 1 if probe.several else sampling.n, sampling.max_tokens or UNBOUNDED
    rate = rate or Rate.of(probe, None, sampling, size)
    tokens = rate.slope * size + rate.apart
    said = min(most, rate.slope * answer + 1 if rate.said is None else rate.said)
    bounded = size + around(messages, probe.tokens_per_call)
    answers = sampling.n * cost(price, 0, most)
    return Call(
        expected=calls * cost(price, tokens, 0) + sampling.n * cost(price, 0, said),
        dear=calls * cost(price, min(rate.high * tokens, bounded), 0) + answers,
        bound=calls * cost(price, bounded, 0) + answers,
    )


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
    own = mean(train, roles.inputs) + QUOTED
    shown = len(instruction(wanted).encode()) + wanted.examples * own
    end = wanted.sampling.max_tokens or UNBOUNDED
    said = min(end, probe.tokens_per_byte * wanted.per_call * own)
    once = cost(price, probe.tokens_per_byte * shown + probe.tokens_per_call, said)
    bounded = cost(price, HIGH * shown + around(1, probe.tokens_per_call), end)
    number = fewest(wanted)
    return (
        int(LOW * number * once),
        ceil(min(DOUBLES * number, most(wanted)) * once),
        ceil(most(wanted) * min(HIGH * once, bounded)),
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
    price, sampling = known.price.in_batches() if batched else known.price, responses.sampling
    shown = fields(_template(spec, facts))
    fixed, answer, messages = _fixed(spec, facts, train)
    usual = mean(train, shown)
    rate = Rate.of(probe, facts.counted, sampling, fixed + usual)

    def of_call(own: float) -> Call:
        """Of a row whose own part has so many bytes."""
        return of_question(price, probe, sampling, fixed + own, messages, answer, rate)

    training, judged = of_call(usual), of_call(mean(apart or train, shown))
    last = of_call(max(longest(one, shown) for one in (train, apart or train)))
    early = _preview(spec, known.price, max(training, judged)) if batched else NOTHING
    expected = count.train * training.expected + count.heldout * judged.expected + early.expected
    most_of_all = count.train * training.bound + count.heldout * judged.bound + early.bound
    each = training.bound if batched else training.dear  # all of a batch is set aside before it is sent
    floor = min(FLOOR, old) * each + count.heldout * judged.bound + last.bound + early.bound
    minimum = ceil(min(floor, old * training.bound + count.heldout * judged.bound + early.bound))
    return Bill(
        rows=count.train + count.heldout,
        low=int(rate.low * expected),
        expected=ceil(expected),
        high=ceil(min(rate.high * expected, most_of_all)),
        minimum=minimum,
        floor=minimum,
        heldout=ceil(count.heldout * judged.bound),
        new=int(count.written * training.expected),
    )


def _fixed(spec: Distillation, facts: Facts, train: RowSet) -> tuple[float, float, int]:
    """What is the same in every call: bytes of the prompt beside the row's own part, and of the answer; and messages."""
    responses, names = spec.data.responses, classes(spec, facts)
    assert isinstance(responses, TeacherResponses)
    template, examples = _template(spec, facts), examples_of(spec, facts)
    shown, several = fields(template), output_kind(spec, facts) == "multilabel"
    literal, answer = _literal(template, shown), answer_bytes(spec, facts)
    system = system_text(responses, names, common_system(spec, facts), several=several)
    fixed = len((system or "").encode()) + literal + examples * (mean(train, shown) + literal + answer)
    if responses.structured:
        fixed += len(json.dumps(schema(names, several=several)).encode())
        answer += STRUCTURED
    return fixed, answer, 2 + 2 * examples


def _preview(spec: Distillation, price: Price, row: Call) -> Call:
    """What calls of a preview, which are made one by one, cost beyond those of a batch. `row`: of one in a batch."""
    share = 1.0 if price.batch is None else price.batch
    beyond = (spec.budget.preview or 0) * (1 / share - 1)
    return Call(*(beyond * one for one in row))


def answer_bytes(spec: Distillation, facts: Facts) -> float:
    """Of the name that an answer consists of, or of the names that a row has on average."""
    names = (len(name.encode()) for name in classes(spec, facts))
    return max(names, default=1) * (_several(spec, facts) if output_kind(spec, facts) == "multilabel" else 1)


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


def _literal(template: str, shown: tuple[str, ...]) -> int:
    """Bytes of the template that are the same for every row, or a little more."""
    return len(template.encode()) - sum(len(f"{{{name}}}".encode()) for name in shown)


def mean(one: RowSet, shown: tuple[str, ...]) -> float:
    """Bytes of a row's own part, on average; the bytes of the whole file where nobody has counted those of its columns."""
    total = sum(one.facts.text_bytes.get(name, one.facts.bytes) for name in shown)
    return total / max(one.facts.rows, 1)


def longest(one: RowSet, shown: tuple[str, ...]) -> float:
    return sum(one.facts.longest.get(name, mean(one, (name,))) for name in shown)
