"""What the reply to a question says, as its step is told to read it."""

from distill.answers.choices import Choices, Reading
from spec.gateway import Told
from spec.params import AnswerParams


def read(params: AnswerParams, choices: Choices, told: Told) -> Reading:
    if not told.answers:
        return Reading(kind="failed", outside=1.0)
    if params.read == "logprobs":
        return choices.by_logprobs(told.answers[0])
    if params.read == "votes":
        return choices.by_votes(told.answers, structured=params.question.structured)
    return choices.by_text(told.answers, structured=params.question.structured)
