"""What a child and its worker say over the socket `gateway`: one JSON object a line, questions one way and replies the other.

The child says whom it asks about what; model, sampling and price are its step's, which the worker knows. A reply may come in any order.
After a `stop` no reply follows: the child ends. It has no other way out, and holds no key. Where questions are gathered for a batch, the child says
by `whole` when it has put the last one.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

LONGEST = 4 << 20
"""Bytes of a question, as a line."""


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Line):
    role: Literal["system", "user", "assistant"]
    content: str


class Asked(Line):
    """A question. `id` is the child's own number for it."""

    id: int
    messages: tuple[Message, ...]
    whole: bool = False
    """No question, but the word that all have been put: what was gathered for a batch is sent."""


class Answer(Line):
    """One sample. `top_logprobs[t]` maps likely tokens at place t to natural log-probabilities."""

    text: str
    finish_reason: str | None = None
    refused: bool = False
    """The endpoint says itself that it will not answer."""
    top_logprobs: tuple[dict[str, float], ...] = ()


class Batches(Line):
    """What is with the endpoint and not answered."""

    open: int
    """Batches."""
    rows: int
    """Calls in them."""
    done: int
    """Those that the endpoint says it has made."""


class Told(Line):
    """The reply to a question: answers, or why there are none; or what is waited for; or that nothing more will be answered."""

    id: int = 0
    answers: tuple[Answer, ...] = ()
    failed: str | None = None
    """A word of gateway/failure.py."""
    passing: bool = False
    """The same question may be answered another time."""
    message: str = ""
    paid: float = 0.0
    """Micro-dollars that calls about it, made one by one, have cost this step; 0 where it was answered before, or has no price."""
    batches: Batches | None = None
    """No reply, but how far batches are."""
    stop: str | None = None
    """A code of docs/errors.md: `over_budget`, or why the endpoint is given up."""
