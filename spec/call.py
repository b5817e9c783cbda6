"""What one call to an endpoint costs, in micro-dollars: a bound that it cannot break, and what is expected.

A token is one byte of UTF-8 at least, so the bytes of a prompt bound its tokens, whatever the endpoint's tokenizer is, but for what the endpoint
itself puts around a prompt: that is what the probe has counted. An answer is bounded by `max_tokens`.
"""

from math import ceil
from typing import NamedTuple

from spec.facts import Capabilities, Price
from spec.sampling import Sampling
from spec.tokens import Extent

MESSAGE = 16
"""Tokens that a message may have beside its text, and a call beside its messages, unless the probe has counted more."""
UNBOUNDED = 4096
"""Tokens set aside for an answer that nobody has bounded."""


class Call(NamedTuple):
    """What the calls for one row cost."""

    low: float
    expected: float
    high: float
    dear: float
    """`high` with answers that end at `max_tokens`: a chatty teacher's."""
    bound: float

    def times(self, number: float) -> "Call":
        return Call(*(number * one for one in self))

    def plus(self, other: "Call") -> "Call":
        return Call(*(one + another for one, another in zip(self, other, strict=True)))


NOTHING = Call(0.0, 0.0, 0.0, 0.0, 0.0)


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


def of_question(
    price: Price, probe: Capabilities, sampling: Sampling, question: Extent, messages: int, answer: Extent
) -> Call:
    """Of a question in so many messages, answered so in each of its samples."""
    calls, most = 1 if probe.several else sampling.n, sampling.max_tokens or UNBOUNDED
    apart, bounded = probe.tokens_per_call, question.bytes + around(messages, probe.tokens_per_call)

    def of(asked: float, said: float) -> float:
        return calls * cost(price, min(asked, bounded), 0) + sampling.n * cost(price, 0, min(most, said))

    return Call(
        low=of(question.low + apart, answer.low),
        expected=of(question.tokens + apart, answer.tokens),
        high=of(question.high + apart, answer.high),
        dear=of(question.high + apart, most),
        bound=of(bounded, most),
    )
