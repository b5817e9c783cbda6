"""An answer as the database and the child can take it: without NUL, within bounds, and log-probabilities that are some."""

import math

from gateway.reply import Choice
from spec.gateway import Answer

LONGEST = 65_536
"""Characters of an answer that are kept."""
PLACES = 32
"""Places of an answer whose likely tokens are kept: names are short."""


def answered(choice: Choice) -> Answer:
    tops = tuple(
        {_clean(token): min(0.0, value) for token, value in place.items() if math.isfinite(value)}
        for place in (choice.top_logprobs or ())[:PLACES]
    )
    text = _clean(choice.text)[:LONGEST]
    return Answer(text=text, finish_reason=choice.finish_reason, refused=choice.refused, top_logprobs=tops)


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
