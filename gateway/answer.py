"""An answer as the child can take it: log-probabilities that are some, of the first places."""

import math

from gateway.reply import Choice
from spec.gateway import Answer

PLACES = 32
"""Places of an answer whose likely tokens are kept: names are short."""


def answered(choice: Choice) -> Answer:
    tops = tuple(
        {token: min(0.0, value) for token, value in place.items() if math.isfinite(value)}
        for place in (choice.top_logprobs or ())[:PLACES]
    )
    return Answer(text=choice.text, finish_reason=choice.finish_reason, refused=choice.refused, top_logprobs=tops)
