"""Who writes what follows an input: the data, or a teacher that is asked."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from spec.part import Auto, List, Name, Part, Seed

PromptText = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=20_000)]
Read = Literal["logprobs", "votes", "text"]
NONE = "none"
"""How a teacher says in words that no choice fits, where a row has any number of them."""


class GivenResponses(Part):
    """The data says what follows each input."""

    type: Literal["given"]


class Prompt(Part):
    """How a row is put to the teacher. The student never sees it."""

    system: PromptText | None = "auto"
    """`auto`: asks for one of the choices (or for those that fit, if a row has any number of them) and nothing else; null: no system message."""
    template: PromptText = "auto"
    """The user's message; `{column}` is a row's value, and `{{` and `}}` are braces. `auto`: the input column alone, or both of a pair, each after its name."""
    examples: Annotated[int, Field(ge=0, le=64)] = 0
    """Labelled training rows shown before the question, each as a message and its answer (few-shot)."""


class Sampling(Part):
    """How the teacher draws its answer. null is not sent: the endpoint's own default holds."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=131_072)] | None = None
    """Tokens of one answer. A cap in dollars needs it: it bounds what a call can cost."""
    n: Annotated[int, Field(ge=1, le=64)] = 1
    """Answers a row."""
    seed: Seed | None = None
    """Names a set of samples: another seed asks for fresh ones. It is sent, raised by the number of the sample."""


class TeacherResponses(Part):
    """The teacher answers every row, and `labels` are its answers. Gold labels serve examples, measuring and the baseline."""

    type: Literal["teacher"]
    prompt: Prompt = Prompt()
    choices: Auto | Annotated[List[Name], Field(min_length=2, max_length=1000)] = "auto"
    """The answers that count, which are the student's classes. `auto`: the labels of the rows."""
    read: Auto | Read = "auto"
    """How an answer becomes a distribution over the choices: `logprobs` of their tokens, shares of `n` `votes`, or the `text`
    alone. `auto`: votes where n is over 1, else logprobs where the endpoint gives them, else text. Where a row has any number of choices, an
    answer is names between commas or a JSON array, votes are of each choice by itself, and logprobs are refused."""
    structured: bool = False
    """Ask for JSON by a schema that allows the choices alone (structured outputs)."""
    sampling: Sampling = Sampling()


Responses = TypeAliasType("Responses", Annotated[GivenResponses | TeacherResponses, Field(discriminator="type")])


def schema(choices: Sequence[str], *, several: bool = False) -> dict[str, object]:
    """The JSON schema of a structured answer. `several`: a list of any number of the choices."""
    one: dict[str, object] = {"type": "string", "enum": list(choices)}
    return {
        "type": "object",
        "properties": {"answer": {"type": "array", "items": one} if several else one},
        "required": ["answer"],
        "additionalProperties": False,
    }
