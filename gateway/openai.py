"""The chat-completions wire of OpenAI, as vLLM, SGLang, llama.cpp, Ollama and TGI speak it, too."""

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from gateway.failure import Retryable
from gateway.reply import Ask, Choice, Reply, Usage

PATH = "/chat/completions"


def headers(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def request(ask: Ask) -> dict[str, object]:
    """The body of `POST …/chat/completions`: fields that nobody set are absent from it."""
    body: dict[str, object] = {
        "model": ask.model,
        "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
    }
    body |= {name: value for name, value in vars(ask.sampling).items() if value is not None}
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
        usage = None if completion.usage is None else completion.usage.counted()
    except (ValidationError, ValueError) as error:
        raise Retryable("malformed", "the reply is not a chat completion", sent=True, status=200) from error
    return Reply(completion.model, tuple(choice.read() for choice in completion.choices), usage)


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


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None

    def counted(self) -> Usage | None:
        """None where it is not whole: the call is then booked at what was set aside."""
        details = self.prompt_tokens_details
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return Usage(self.prompt_tokens, self.completion_tokens, (details and details.cached_tokens) or 0)


class _Completion(BaseModel):
    model: str = ""
    choices: list[_Choice]
    usage: _Usage | None = None
