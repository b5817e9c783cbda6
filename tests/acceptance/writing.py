"""What the test's teacher replies to a call for new texts."""

import json
import random
import re
from dataclasses import dataclass
from typing import Any

ASKED_FOR = re.compile(r"Write (\d+) new texts.*?(\[\n.*\n\])$", re.DOTALL)
"""The step's own instruction, and the examples below it."""


@dataclass(frozen=True)
class Written:
    """A reply to a call for new texts."""

    shown: tuple[str, ...]
    texts: tuple[str, ...]
    """Some are near to one that was shown: it without its last word."""
    odd: int
    """Items that are no text."""
    reply: str


def written(message: str) -> Written | None:
    """New texts made of the words of those that were shown; None: the message asks for none. The same message gives the same."""
    found = ASKED_FOR.search(message)
    if found is None:
        return None
    shown = json.loads(found[2])
    source = random.Random(message)
    items: list[Any] = []
    for _ in range(int(found[1])):
        kind = source.random()
        if kind < 0.2:
            items.append(source.choice(shown).rpartition(" ")[0])
        elif kind < 0.3:
            items.append(None)
        else:
            words = [word for text in source.sample(shown, 3) for word in text.split()]
            items.append(" ".join(source.sample(words, min(len(words), source.randint(6, 10)))))
    texts = tuple(item for item in items if item is not None)
    listed = [f"{i}. {item}" if item else "and so on" for i, item in enumerate(items, 1)]
    reply = json.dumps(items) if source.random() < 0.5 else "Here are some:\n" + "\n".join(listed)
    return Written(tuple(shown), texts, len(items) - len(texts), reply)
