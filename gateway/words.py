"""An endpoint's own words, as they may be kept and shown: without what PostgreSQL refuses, without the key, and with an end."""

from dataclasses import replace

from gateway.reply import Choice, Reply

LONGEST = 65_536
"""Characters of an answer that are kept."""
NAME = 200
"""Of a model's name, a token, a reason for the end of an answer, a word for a state."""
SENTENCE = 300
"""Of an error's message."""


def words(said: object, most: int = SENTENCE) -> str:
    """NUL and lone surrogates are replaced."""
    return str(said).replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:most]


def plain(reply: Reply) -> Reply:
    return replace(reply, model=words(reply.model, NAME), choices=tuple(map(_plain, reply.choices)))


def _plain(choice: Choice) -> Choice:
    tops = choice.top_logprobs
    return Choice(
        text=words(choice.text, LONGEST),
        finish_reason=None if choice.finish_reason is None else words(choice.finish_reason, NAME),
        refused=choice.refused,
        top_logprobs=tops and tuple({words(token, NAME): value for token, value in place.items()} for place in tops),
    )
