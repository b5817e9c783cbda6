"""What the reply to a question says, as its step is told to read it."""

from distill.answers.choices import Choices, Reading
from distill.answers.lists import Lists
from spec.gateway import Told
from spec.params import AnswerParams


def read(params: AnswerParams, choices: Choices | Lists, told: Told) -> Reading:
    if not told.answers:
        return Reading(kind="failed", outside=1.0)
    if params.read == "logprobs":
        assert isinstance(choices, Choices)  # lists are never read so
        return choices.by_tokens(told.answers[0])
    if params.read == "votes":
        return choices.by_votes(told.answers, structured=params.question.structured)
    return choices.by_text(told.answers, structured=params.question.structured)
