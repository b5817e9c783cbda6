"""Who writes what follows an input: the data, or a teacher that is asked."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from spec.grader import Judge, RowGrader
from spec.part import Auto, Label, List, Part
from spec.sampling import Sampling
from spec.template import PromptText

Read = Literal["logprobs", "votes", "text"]
MOST_CHOICES = 1000
NONE = "none"
"""How a teacher says in words that no choice fits, where a row has any number of them."""


class GivenResponses(Part):
    """The data says what follows each input."""

    type: Literal["given"]


class Prompt(Part):
    """How a row is put to the teacher. The student never sees it."""

    system: PromptText | None = "auto"
    """`auto`: asks for one of the choices (or for those that fit, if a row has any number of them) and nothing else, after the system text that all rows have in common (of conversations); null: no system message."""
    template: PromptText = "auto"
    """The user's message; `{name}` is a row's value where `name` is a column that the rows have, and `{{` and `}}` are braces. `auto`: the input column alone, or both of a pair, each after its name; of conversations whose system texts differ, the row's own first."""
    examples: Auto | Annotated[int, Field(ge=0, le=64)] = 0
    """Labelled training rows shown before the question, each as a message and its answer (few-shot). `auto`: 8, or as many as have labels."""


class TeacherResponses(Part):
    """The teacher answers every row, and `labels` are its answers. Gold labels serve examples, measuring and the baseline."""

    type: Literal["teacher"]
    prompt: Prompt = Prompt()
    choices: Auto | Annotated[List[Label], Field(min_length=2, max_length=MOST_CHOICES)] = "auto"
    """The answers that count, which are the student's classes. `auto`: the labels of the rows."""
    read: Auto | Read = "auto"
    """How an answer becomes a distribution over the choices: `logprobs` of their tokens, shares of `n` `votes`, or the `text`
    alone. `auto`: votes where n is over 1, else logprobs where the endpoint gives them, else text. Where a row has any number of choices, an
    answer is names between commas or a JSON array, votes are of each choice by itself, and logprobs are refused."""
    structured: bool = False
    """Ask for JSON by a schema that allows the choices alone (structured outputs)."""
    sampling: Sampling = Sampling()
    keep: Annotated[List[RowGrader], Field(max_length=16)] = ()
    """Filters on the answers to training rows: a row is kept if at least one applies to it, and all that apply pass. (): what was
    answered is kept. Held-out rows measure the teacher and are never filtered. Another list asks nothing again."""


Responses = TypeAliasType("Responses", Annotated[GivenResponses | TeacherResponses, Field(discriminator="type")])


FILTERS = "data.responses.keep"
"""Where filters stand in a job."""


def filters(responses: Responses) -> tuple[RowGrader, ...]:
    """Filters on the answers; () where nobody answers."""
    return responses.keep if isinstance(responses, TeacherResponses) else ()


def judges(responses: Responses) -> list[tuple[int, Judge]]:
    """Those of the filters that ask a model, each with its place among all."""
    return [(place, grader) for place, grader in enumerate(filters(responses)) if isinstance(grader, Judge)]


def schema(choices: Sequence[str], *, several: bool = False) -> dict[str, object]:
    """The JSON schema of a structured answer. `several`: a list of any number of the choices."""
    one: dict[str, object] = {"type": "string", "enum": list(choices)}
    return {
        "type": "object",
        "properties": {"answer": {"type": "array", "items": one} if several else one},
        "required": ["answer"],
        "additionalProperties": False,
    }
