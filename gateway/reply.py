"""What is asked of a model and what it answers, whatever wire lies between."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spec.facts import BoundName


@dataclass(frozen=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True)
class Sampling:
    """None is not sent, so the endpoint's own default holds."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    n: int | None = None
    stop: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Ask:
    """One request. `top_logprobs` None asks for none; `schema` is a JSON schema that the answer has to follow."""

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    top_logprobs: int | None = None
    schema: Mapping[str, object] | None = None
    bounded_by: BoundName = "max_tokens"
    """What `sampling.max_tokens` is called, where the wire has two names for it."""


MOST = 10**9
"""Tokens of one call: a count beyond it is none."""


@dataclass(frozen=True)
class Usage:
    """Tokens as the endpoint bills them. `cached` are those of `input` that came from its cache."""

    input: int
    output: int
    cached: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.cached <= self.input < MOST and 0 <= self.output < MOST):
            raise ValueError("usage counts are 0 or more, in bounds, and cached tokens a part of the input")


@dataclass(frozen=True)
class Choice:
    """`top_logprobs[t]` maps the likeliest tokens at position t to their natural log probabilities."""

    text: str
    finish_reason: str | None
    top_logprobs: tuple[Mapping[str, float], ...] | None = None
    refused: bool = False
    """The endpoint says itself that it will not answer."""


@dataclass(frozen=True)
class Reply:
    """`usage` is None where the endpoint reports none: such a call is charged at its reservation."""

    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None
