"""The messages wire of Anthropic: requests into what is asked, answers into replies. It tells no log-probabilities."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from examples.teacher_server.answer import Answer, Event
from examples.teacher_server.ask import Ask, frame
from examples.teacher_server.ledger import Counts
from examples.teacher_server.refused import Json, Refused

NAME = "anthropic"
REASONS = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}
TYPES = {
    401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
}  # fmt: skip


class Block(BaseModel):
    type: Literal["text"]
    text: str
    cache_control: dict[str, str] | None = None


class Message(BaseModel):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class Format(BaseModel):
    type: Literal["json_schema"]
    schema_: Annotated[dict[str, object], Field(alias="schema")]


class OutputConfig(BaseModel):
    format: Format | None = None


class Request(BaseModel):
    """What this server reads of a request; `metadata` changes nothing here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    max_tokens: Annotated[int, Field(ge=1)]
    messages: Annotated[list[Message], Field(min_length=1)]
    system: str | list[Block] | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop_sequences: list[str] = []
    output_config: OutputConfig | None = None
    metadata: dict[str, str] | None = None
    stream: bool = False

    def ask(self) -> Ask:
        system = [] if self.system is None else [said(self.system)]
        wanted = self.output_config.format if self.output_config else None
        return Ask(
            contents=(*system, *(said(message.content) for message in self.messages)),
            temperature=self.temperature,
            top_p=self.top_p,
            limit=self.max_tokens,
            stop=tuple(text for text in self.stop_sequences if text),
            frame=frame(wanted.schema_, "output_config.format.schema") if wanted else None,
            stream=self.stream,
        )


def said(content: str | list[Block]) -> str:
    return content if isinstance(content, str) else "".join(block.text for block in content)


def read(body: bytes) -> tuple[str, Ask]:
    """(model, what is asked). Raises Refused, naming the first field that is wrong."""
    try:
        asked = Request.model_validate_json(body)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise Refused(400, f"{field}: {first['msg']}" if field else first["msg"], field or None) from wrong
    return asked.model, asked.ask()


def reply(call: str, model: str, created: int, ask: Ask, answers: Sequence[Answer], counts: Counts | None) -> Json:
    """`counts` None leaves the usage out."""
    (answer,) = answers
    body: Json = {
        "id": call,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": answer.text}] if answer.pieces else [],
        **ended(answer),
    }
    return body if counts is None else {**body, "usage": usage(counts)}


def ended(answer: Answer) -> Json:
    reason = "stop_sequence" if answer.stopped is not None else REASONS[answer.finish]
    return {"stop_reason": reason, "stop_sequence": answer.stopped}


def events(
    call: str, model: str, created: int, ask: Ask, answers: Sequence[Answer], counts: Counts | None
) -> Iterator[Event]:
    """A start with the tokens of the prompt, one block token by token, and why it ended, with the tokens of the answer."""
    (answer,) = answers
    told = None if counts is None else usage(counts)
    start: Json = {"id": call, "type": "message", "role": "assistant", "model": model, "content": []}
    start |= {"stop_reason": None, "stop_sequence": None}
    start |= {} if told is None else {"usage": {**told, "output_tokens": 1}}
    yield Event(named("message_start", message=start))
    yield Event(named("ping"))
    if answer.pieces:
        yield Event(named("content_block_start", index=0, content_block={"type": "text", "text": ""}))
        for piece in answer.pieces:
            yield Event(named("content_block_delta", index=0, delta={"type": "text_delta", "text": piece}), 1)
        yield Event(named("content_block_stop", index=0))
    end: Json = {} if told is None else {"usage": {"output_tokens": told["output_tokens"]}}
    yield Event(named("message_delta", delta=ended(answer), **end))
    yield Event(named("message_stop"))


def named(kind: str, **fields: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def failing(refused: Refused) -> str:
    """An error within a stream."""
    return f"event: error\ndata: {json.dumps(error(refused))}\n\n"


def usage(counts: Counts) -> Json:
    """Here the cached tokens are no part of the input."""
    return {
        "input_tokens": counts.prompt - counts.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counts.cached,
        "output_tokens": counts.completion,
    }


def error(refused: Refused) -> Json:
    kind = TYPES.get(refused.status, "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": refused.message}}
