"""What a teacher's answers cost: bounds that no call can break, and what is expected. All money is in micro-dollars.

A token is one byte of UTF-8 at least, so the bytes of a prompt bound its tokens, whatever the endpoint's tokenizer is; an answer
is bounded by `max_tokens`. What is expected comes from the probe, which counted the tokens of known prose.
"""

import json
from dataclasses import dataclass
from math import ceil

from spec import rows
from spec.distillation import Distillation
from spec.facts import Capabilities, Facts, Price
from spec.responses import NONE, TeacherResponses, schema
from spec.rows import RowSet
from spec.signature import classes, output_kind
from spec.teacher import asked
from spec.template import fields

MESSAGE = 16
"""Tokens that a message may have beside its text, and a call beside its messages."""
UNBOUNDED = 4096
"""Tokens set aside for an answer that nobody has bounded."""
STRUCTURED = 16
"""Bytes of the JSON around a structured answer."""
FLOOR = 32
"""Training rows that a capped job still has answered."""
LOW, HIGH = 0.7, 1.5
"""Of what is expected: other texts than the probe's prose have other tokens."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Of all answers that a job asks for."""

    rows: int
    low: int
    expected: int
    high: int
    minimum: int
    """Held-out answers and a floor of training answers, as dear as they may be expected to be, and the last call at its bound: what is
    set aside for the others comes back before."""
    heldout: int
    """Expected, of held-out rows alone."""


def cost(price: Price | None, tokens_in: float, tokens_out: float) -> float:
    return 0.0 if price is None else tokens_in * price.input + tokens_out * price.output


def bound(price: Price | None, sizes: list[int], max_tokens: int | None, samples: int) -> int:
    """Of one call whose messages (and schema) have these bytes: it cannot be billed higher."""
    if price is None:
        return 0
    tokens = sum(sizes) + MESSAGE * (len(sizes) + 1)
    return ceil(tokens * max(price.input, price.cached or 0.0) + samples * (max_tokens or UNBOUNDED) * price.output)


def system_text(responses: TeacherResponses, names: tuple[str, ...], *, several: bool = False) -> str | None:
    """The system message: `auto` asks for a name and nothing else, or for those that fit (`several`)."""
    if responses.prompt.system != "auto":
        return responses.prompt.system
    listed = ", ".join(names)
    if several:
        how = (
            f"separated by commas, or {NONE} if none of them fits"
            if not responses.structured
            else "an empty list if none does"
        )
        return f"Classify the text. Any number of these names may fit. Answer with those that fit, {how}, and nothing else: {listed}."
    return f"Classify the text. Answer with exactly one of these names and nothing else: {listed}."


def template_of(responses: TeacherResponses, inputs: tuple[str, ...]) -> str:
    """The user's message; `auto` is the input column alone, or both of a pair, each after its name."""
    if responses.prompt.template != "auto":
        return responses.prompt.template
    named = [f"{name}: " if len(inputs) > 1 else "" for name in inputs]
    return "\n\n".join(f"{before}{{{name}}}" for before, name in zip(named, inputs, strict=True))


def able(spec: Distillation, facts: Facts) -> Capabilities | None:
    """What is known of the model that is asked; what was not probed is taken to be able to do nothing. None: no endpoint."""
    named = asked(spec.teacher)
    known = facts.endpoints.get(named[0]) if named else None
    return known.probed.get(named[1], Capabilities()) if named and known else None


def bill(spec: Distillation, facts: Facts) -> Bill | None:
    """None where nothing is paid for answers, or not enough is known."""
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
    names, count = classes(spec, facts), rows.counts(spec, facts)
    apart = rows.heldout(spec, facts)
    price, sampling = known.price, responses.sampling
    calls = 1 if probe.several else sampling.n
    shown = _shown(spec, facts)
    several = output_kind(spec, facts) == "multilabel"
    answer = max((len(name.encode()) for name in names), default=1) * (_several(spec, facts) if several else 1)
    fixed: float = len((system_text(responses, names, several=several) or "").encode()) + _literal(shown, responses)
    fixed += responses.prompt.examples * (_mean(train, shown) + _literal(shown, responses) + answer)
    if responses.structured:
        fixed += len(json.dumps(schema(names, several=several)).encode())
        answer += STRUCTURED
    messages = 2 + 2 * responses.prompt.examples
    most = sampling.max_tokens or UNBOUNDED

    def of_call(mean: float) -> tuple[float, float]:
        """(expected, bound) of a row whose own part has so many bytes."""
        size = fixed + mean
        tokens = probe.tokens_per_byte * size + probe.tokens_per_call
        said = min(most, probe.tokens_per_byte * answer + 1)
        bounded = size + MESSAGE * (messages + 1)
        return (
            calls * cost(price, tokens, 0) + sampling.n * cost(price, 0, said),
            calls * cost(price, bounded, 0) + sampling.n * cost(price, 0, most),
        )

    training, judged = of_call(_mean(train, shown)), of_call(_mean(apart or train, shown))
    longest = max(_longest(one, shown) for one in (train, apart or train))
    expected = count.train * training[0] + count.heldout * judged[0]
    most_of_all = count.train * training[1] + count.heldout * judged[1]
    floor = HIGH * (min(FLOOR, count.train) * training[0] + count.heldout * judged[0]) + of_call(longest)[1]
    return Bill(
        rows=count.train + count.heldout,
        low=int(LOW * expected),
        expected=ceil(expected),
        high=ceil(min(HIGH * expected, most_of_all)),
        minimum=ceil(floor),
        heldout=ceil(count.heldout * judged[0]),
    )


def _several(spec: Distillation, facts: Facts) -> float:
    """Names that a row has on average, and at least one."""
    sets = [one for one in rows.row_sets(spec, facts) if one.facts.labelled]
    total = sum(sum(rows.labels(spec, facts, one).values()) for one in sets)
    return max(1.0, total / max(sum(one.facts.labelled for one in sets), 1))


def _shown(spec: Distillation, facts: Facts) -> tuple[str, ...]:
    """Columns that a prompt shows."""
    roles, responses = rows.roles(spec, facts), spec.data.responses
    assert isinstance(responses, TeacherResponses)
    return fields(template_of(responses, roles.inputs if roles else ()))


def _literal(shown: tuple[str, ...], responses: TeacherResponses) -> int:
    """Bytes of the template that are the same for every row, or a little more."""
    if responses.prompt.template != "auto":
        return len(responses.prompt.template.encode())
    return len(template_of(responses, shown).encode()) if len(shown) > 1 else 0


def _mean(one: RowSet, shown: tuple[str, ...]) -> float:
    """Bytes of a row's own part, on average; the bytes of the whole file where nobody has counted those of its columns."""
    total = sum(one.facts.text_bytes.get(name, one.facts.bytes) for name in shown)
    return total / max(one.facts.rows, 1)


def _longest(one: RowSet, shown: tuple[str, ...]) -> float:
    return sum(one.facts.longest.get(name, _mean(one, (name,))) for name in shown)
