"""An endpoint's own words, as they may be kept and shown: without what PostgreSQL refuses, without the key, and with an end."""

from gateway.reply import Choice, Reply

LONGEST = 65_536
"""Characters of an answer that are kept."""
NAME = 200
"""Of a model's name, a token, a reason for the end of an answer, a word for a state."""
SENTENCE = 300
"""Of an error's message."""
REDACTED = "***"


def words(said: object, key: str | None, most: int = SENTENCE) -> str:
    """NUL and lone surrogates are replaced, and so is the key, which some endpoints repeat."""
    text = str(said)
    text = text.replace(key, REDACTED) if key else text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:most]


def plain(reply: Reply, key: str | None) -> Reply:
    return Reply(words(reply.model, key, NAME), tuple(_plain(choice, key) for choice in reply.choices), reply.usage)


def _plain(choice: Choice, key: str | None) -> Choice:
    """Where the text has the key its tokens spell it: they go, too."""
    tops = None if key and key in choice.text else choice.top_logprobs
    return Choice(
        text=words(choice.text, key, LONGEST),
        finish_reason=None if choice.finish_reason is None else words(choice.finish_reason, key, NAME),
        refused=choice.refused,
        top_logprobs=tops and tuple({words(token, key, NAME): value for token, value in one.items()} for one in tops),
    )
