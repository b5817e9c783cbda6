"""The chat-completions wire of OpenAI: requests into what is asked, answers into replies."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from examples.teacher_server.answer import Answer, Event
from examples.teacher_server.ask import Ask, Frame, frame
from examples.teacher_server.ledger import Counts
from examples.teacher_server.refused import Json, Refused

NAME = "openai"
TYPES = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error"}


class Part(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    @property
    def said(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    include_usage: bool = False


class ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, object] | None = None

    @property
    def frame(self) -> Frame | None:
        if self.type == "json_schema":
            return frame((self.json_schema or {}).get("schema"), "response_format")
        return Frame("label", ()) if self.type == "json_object" else None


class Request(BaseModel):
    """What this server reads of a request, and what it lets pass because it changes nothing here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None

    def ask(self) -> Ask:
        if self.top_logprobs is not None and not self.logprobs:
            raise Refused(400, "top_logprobs needs logprobs: true.", "top_logprobs")
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return Ask(
            contents=tuple(message.said for message in self.messages),
            n=1 if self.n is None else self.n,
            seed=self.seed,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            limit=self.max_completion_tokens or self.max_tokens,
            old_bound=self.max_tokens is not None,
            stop=tuple(text for text in stop if text),
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            frame=self.response_format.frame if self.response_format else None,
            stream=bool(self.stream),
            stream_usage=bool(self.stream_options and self.stream_options.include_usage),
        )


def read(body: bytes) -> tuple[str, Ask]:
    """(model, what is asked). Raises Refused, naming the first field that is wrong."""
    try:
        asked = Request.model_validate_json(body)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise Refused(400, first["msg"], ".".join(map(str, first["loc"])) or None) from wrong
    return asked.model, asked.ask()


def reply(call: str, model: str, created: int, ask: Ask, answers: Sequence[Answer], counts: Counts | None) -> Json:
    """`counts` None leaves the usage out."""
    body: Json = {
        "id": call,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice(number, answer, ask) for number, answer in enumerate(answers)],
    }
    return body if counts is None else {**body, "usage": usage(counts)}


def usage(counts: Counts) -> Json:
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.completion,
        "total_tokens": counts.prompt + counts.completion,
        "prompt_tokens_details": {"cached_tokens": counts.cached},
    }


def choice(number: int, answer: Answer, ask: Ask) -> Json:
    refused = answer.finish == "refusal"
    message = {
        "role": "assistant",
        "content": None if refused else answer.text,
        "refusal": answer.text if refused else None,
    }
    return {"index": number, "message": message, "finish_reason": reason(answer), "logprobs": logprobs(answer, ask)}


def logprobs(answer: Answer, ask: Ask) -> Json | None:
    if ask.top_logprobs is None:
        return None
    said = [
        {**token(piece, tops), "top_logprobs": [token(other, tops) for other in list(tops)[: ask.top_logprobs]]}
        for piece, tops in zip(answer.pieces, answer.tops, strict=True)
    ]
    return {"refusal": said, "content": None} if answer.finish == "refusal" else {"content": said, "refusal": None}


def token(piece: str, tops: dict[str, float]) -> Json:
    """The last piece before a stop sequence may be shorter than any token: the token that it began is meant."""
    found = tops.get(piece)
    if found is None:
        found = max(value for name, value in tops.items() if name.startswith(piece))
    return {"token": piece, "logprob": found, "bytes": list(piece.encode())}


def events(
    call: str, model: str, created: int, ask: Ask, answers: Sequence[Answer], counts: Counts | None
) -> Iterator[Event]:
    """The choices side by side, token by token; then why each ended, the usage where it was asked for, and the end."""
    head: Json = {"id": call, "object": "chat.completion.chunk", "created": created, "model": model}

    def chunk(number: int, delta: Json, told: Json | None = None, finish: str | None = None) -> str:
        part = {"index": number, "delta": delta, "logprobs": told, "finish_reason": finish}
        return f"data: {json.dumps({**head, 'choices': [part]})}\n\n"

    for number in range(len(answers)):
        yield Event(chunk(number, {"role": "assistant", "content": "", "refusal": None}))
    for place in range(max((len(answer.pieces) for answer in answers), default=0)):
        for number, answer in enumerate(answers):
            if place < len(answer.pieces):
                one = replace(answer, pieces=[answer.pieces[place]], tops=[answer.tops[place]])
                said = "refusal" if answer.finish == "refusal" else "content"
                yield Event(chunk(number, {said: one.text}, logprobs(one, ask)), 1)
    for number, answer in enumerate(answers):
        yield Event(chunk(number, {}, finish=reason(answer)))
    if ask.stream_usage and counts is not None:
        yield Event(f"data: {json.dumps({**head, 'choices': [], 'usage': usage(counts)})}\n\n")
    yield Event("data: [DONE]\n\n")


def reason(answer: Answer) -> str:
    return "stop" if answer.finish == "refusal" else answer.finish


def failing(refused: Refused) -> str:
    """An error within a stream."""
    return f"data: {json.dumps(error(refused))}\n\n"


def error(refused: Refused) -> Json:
    kind = TYPES.get(refused.status, "invalid_request_error")
    return {"error": {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}}
