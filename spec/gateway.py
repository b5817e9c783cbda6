"""What a child and its worker say over the socket `gateway`: one JSON object a line, questions one way and replies the other.

The child says whom it asks about what; model, sampling and price are its step's, which the worker knows. A reply may come in any order.
After a `stop` no reply follows: the child ends. It has no other way out, and holds no key.
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


class Answer(Line):
    """One sample. `top_logprobs[t]` maps likely tokens at place t to natural log-probabilities."""

    text: str
    finish_reason: str | None = None
    refused: bool = False
    """The endpoint says itself that it will not answer."""
    top_logprobs: tuple[dict[str, float], ...] = ()


class Told(Line):
    """The reply to a question: answers, or why there are none; or that nothing more will be answered."""

    id: int = 0
    answers: tuple[Answer, ...] = ()
    failed: str | None = None
    """A word of gateway/failure.py."""
    passing: bool = False
    """The same question may be answered another time."""
    message: str = ""
    stop: str | None = None
    """A code of docs/errors.md: `over_budget`, or why the endpoint is given up."""
