"""Anthropic's messages wire. It tells no log probabilities, and takes neither `n` nor a JSON schema."""

from typing import Literal

from pydantic import BaseModel, ValidationError

from gateway.failure import Retryable
from gateway.reply import Ask, Choice, Reply, Usage

PATH = "/messages"
VERSION = "2023-06-01"
UNBOUNDED = 4096
"""The wire asks for a bound."""


def headers(key: str | None) -> dict[str, str]:
    return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})


def request(ask: Ask) -> dict[str, object]:
    """The body of `POST …/messages`: the system message apart, fields that nobody set absent."""
    system = [message.content for message in ask.messages if message.role == "system"]
    body: dict[str, object] = {
        "model": ask.model,
        "max_tokens": ask.sampling.max_tokens or UNBOUNDED,
        "messages": [vars(message) for message in ask.messages if message.role != "system"],
    }
    if system:
        body["system"] = "\n\n".join(system)
    given = {"temperature": ask.sampling.temperature, "top_p": ask.sampling.top_p}
    return body | {name: value for name, value in given.items() if value is not None}


def reply(body: bytes) -> Reply:
    """Raises `Retryable` (malformed) when `body` is no message."""
    try:
        message = _Message.model_validate_json(body)
        usage = None if message.usage is None else message.usage.counted()
    except (ValidationError, ValueError) as error:
        raise Retryable("malformed", "the reply is not a message", sent=True, status=200) from error
    text = "".join(block.text or "" for block in message.content if block.type == "text")
    refused = message.stop_reason == "refusal"
    return Reply(message.model, (Choice(text, message.stop_reason, refused=refused),), usage)


class _Block(BaseModel):
    type: str
    text: str | None = None


class _Usage(BaseModel):
    input_tokens: int
    output_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def counted(self) -> Usage:
        """Here `input_tokens` are those that no cache had; written ones are billed as other input, or a little higher."""
        cached = self.cache_read_input_tokens or 0
        return Usage(self.input_tokens + (self.cache_creation_input_tokens or 0) + cached, self.output_tokens, cached)


class _Message(BaseModel):
    type: Literal["message"]
    model: str
    content: list[_Block]
    stop_reason: str | None = None
    usage: _Usage | None = None
