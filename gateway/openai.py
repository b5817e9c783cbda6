"""The chat-completions wire of OpenAI, as vLLM, SGLang, llama.cpp, Ollama and TGI speak it, too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway import stream
from gateway.failure import Retryable
from gateway.reply import Ask, Choice, Reply, Usage
from gateway.usage import Counts

PATH = "/chat/completions"
STREAM: Mapping[str, object] = {"stream": True, "stream_options": {"include_usage": True}}
"""What a request says beside the rest, so that its reply comes in pieces."""
END = "[DONE]"


def headers(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def request(ask: Ask) -> dict[str, object]:
    """The body of `POST …/chat/completions`: fields that nobody set are absent from it."""
    body: dict[str, object] = {
        "model": ask.model,
        "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
    }
    body |= {name: value for name, value in vars(ask.sampling).items() if value is not None}
    if "max_tokens" in body:
        body[ask.bounded_by] = body.pop("max_tokens")
    if ask.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": ask.top_logprobs}
    if ask.schema is not None:
        schema = {"name": "answer", "strict": True, "schema": dict(ask.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def reply(body: bytes) -> Reply:
    """Raises `Retryable` (malformed) when `body` is no chat completion."""
    try:
        completion = _Completion.model_validate_json(body)
    except (ValidationError, ValueError) as error:
        message = "the reply is not a chat completion"
        raise Retryable("malformed", message, sent=True, status=200, usage=_Usage.within(body)) from error
    return Reply(completion.model, tuple(choice.read() for choice in completion.choices), _Usage.of(completion.usage))


def gathered(events: Iterable[str]) -> Reply:
    """The same reply from the events of a stream. Raises `Retryable` (malformed; reset where the end is missing) and `stream.Told`."""
    try:
        return _gathered(events)
    except ValueError as error:  # pydantic's is one
        raise Retryable("malformed", "an event is no part of a chat completion", sent=True, status=200) from error


def _gathered(events: Iterable[str]) -> Reply:
    choices: dict[int, _Growing] = {}
    model, usage = "", None
    for text in events:
        if text.strip() == END:
            break
        chunk = _Chunk.model_validate(stream.read(text, begun=bool(choices)))
        model = chunk.model or model
        usage = usage if chunk.usage is None else _Usage.of(chunk.usage)
        for part in chunk.choices or ():
            choices.setdefault(part.index, _Growing()).add(part)
    else:
        raise stream.cut()
    if not choices:
        raise Retryable("malformed", "the stream has no answer", sent=True, status=200, usage=usage)
    return Reply(model, tuple(choices[index].whole().read() for index in sorted(choices)), usage)


class _Top(BaseModel):
    token: str
    logprob: float


class _Token(BaseModel):
    top_logprobs: list[_Top] | None = None


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None

    def read(self) -> Choice:
        refused = bool(self.message.refusal) or self.finish_reason == "content_filter"
        return Choice(self.message.content or "", self.finish_reason, self._tops(), refused=refused)

    def _tops(self) -> tuple[Mapping[str, float], ...] | None:
        if self.logprobs is None or self.logprobs.content is None:
            return None
        return tuple({top.token: top.logprob for top in token.top_logprobs or ()} for token in self.logprobs.content)


class _Part(BaseModel):
    """What one chunk adds to a choice."""

    index: int = 0
    delta: _Message | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


@dataclass
class _Growing:
    """A choice whose parts are still coming."""

    said: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tokens: list[_Token] | None = None
    finish_reason: str | None = None

    def add(self, part: _Part) -> None:
        if part.delta is not None:
            self.said.append(part.delta.content or "")
            self.refusal.append(part.delta.refusal or "")
        if part.logprobs is not None and part.logprobs.content is not None:
            self.tokens = self.tokens or []
            self.tokens += part.logprobs.content
        self.finish_reason = part.finish_reason or self.finish_reason

    def whole(self) -> _Choice:
        message = _Message(content="".join(self.said), refusal="".join(self.refusal))
        told = None if self.tokens is None else _Logprobs(content=self.tokens)
        return _Choice(message=message, finish_reason=self.finish_reason, logprobs=told)


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(Counts):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None = None

    def counted(self) -> Usage:
        details = self.prompt_tokens_details
        return Usage(self.prompt_tokens, self.completion_tokens, (details and details.cached_tokens) or 0)


class _Completion(BaseModel):
    model: str = ""
    choices: list[_Choice]
    usage: Any = None


class _Chunk(BaseModel):
    model: str = ""
    choices: list[_Part] | None = None
    usage: Any = None
