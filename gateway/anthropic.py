"""Anthropic's messages wire. It tells no log probabilities, and takes neither `n` nor a JSON schema."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from gateway import stream
from gateway.failure import Retryable
from gateway.reply import Ask, Choice, Reply, Usage
from gateway.usage import Counts

PATH = "/messages"
STREAM: Mapping[str, object] = {"stream": True}
"""What a request says beside the rest, so that its reply comes in pieces."""
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
        return _Message.model_validate_json(body).read()
    except (ValidationError, ValueError) as error:
        raise Retryable(
            "malformed", "the reply is not a message", sent=True, status=200, usage=_Usage.within(body)
        ) from error


def gathered(events: Iterable[str]) -> Reply:
    """The same reply from the events of a stream. Raises `Retryable` (malformed; reset where the end is missing) and `stream.Told`."""
    growing = _Growing()
    try:
        for text in events:
            event = _Event.model_validate(stream.read(text, begun=growing.start is not None))
            if event.type == "message_stop":
                return growing.whole().read()
            growing.add(event)
    except ValueError as error:  # pydantic's is one
        raise Retryable("malformed", "an event is no part of a message", sent=True, status=200) from error
    raise stream.cut()


class _Block(BaseModel):
    type: str
    text: str | None = None


class _Usage(Counts):
    input_tokens: int
    output_tokens: int
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
    usage: Any = None

    def read(self) -> Reply:
        text = "".join(block.text or "" for block in self.content if block.type == "text")
        choice = Choice(text, self.stop_reason, refused=self.stop_reason == "refusal")
        return Reply(self.model, (choice,), _Usage.of(self.usage))


class _Start(BaseModel):
    model: str
    usage: Any = None


class _Delta(BaseModel):
    text: str | None = None
    stop_reason: str | None = None


class _Event(BaseModel):
    """Of any type; those that are not known say nothing that is read."""

    type: str
    message: _Start | None = None
    index: int = 0
    content_block: _Block | None = None
    delta: _Delta = _Delta()
    usage: Any = None
    """Of a message's end; its counts are of the whole message, and of those that it leaves out the start's hold."""


@dataclass
class _Growing:
    """A message whose events are still coming."""

    start: _Start | None = None
    kinds: dict[int, str] = field(default_factory=dict)
    said: dict[int, list[str]] = field(default_factory=dict)
    stop_reason: str | None = None
    counts: dict[str, Any] = field(default_factory=dict)

    def add(self, event: _Event) -> None:
        self.start = event.message or self.start
        if event.content_block is not None:
            self.kinds[event.index], self.said[event.index] = event.content_block.type, [event.content_block.text or ""]
        if event.type == "content_block_delta":
            self.said.setdefault(event.index, []).append(event.delta.text or "")
        if event.type == "message_delta":
            self.stop_reason = event.delta.stop_reason or self.stop_reason
            self.counts |= {name: count for name, count in _counts(event.usage).items() if count is not None}

    def whole(self) -> _Message:
        """Raises ValueError where the start is missing. Tokens of the output are known at the end alone."""
        if self.start is None:
            raise ValueError("a message begins with its start")
        content = [_Block(type=self.kinds[index], text="".join(self.said[index])) for index in sorted(self.kinds)]
        usage = _counts(self.start.usage) | self.counts if "output_tokens" in self.counts else None
        return _Message(
            type="message", model=self.start.model, content=content, stop_reason=self.stop_reason, usage=usage
        )


def _counts(usage: object) -> dict[str, Any]:
    """Of an event; what is no object counts nothing."""
    return usage if isinstance(usage, dict) else {}
