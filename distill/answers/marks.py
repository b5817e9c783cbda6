"""What stands around a name in an answer without being of it: white space, quotes, brackets, marks of Markdown and of a sentence.

Whatever reads answers, their text or their tokens, drops the same.
"""

import re
from collections.abc import Container

MARKS = r"\s\"'`*_.,:;()\[\]{}"
MARK, BEHIND = re.compile(f"[{MARKS}]"), re.compile(f"[{MARKS}!]+$")


def opened(text: str, first: Container[str] = ()) -> str:
    """From where a name may begin: without the marks before it, but for one of `first`, with which names begin."""
    return text[next((i for i, sign in enumerate(text) if sign in first or not MARK.match(sign)), len(text)) :]


def closed(text: str) -> str:
    """Without the marks behind a name."""
    return BEHIND.sub("", text)
