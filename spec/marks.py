"""What stands around a name in an answer without being of it: white space, quotes, brackets, marks of Markdown and of a sentence, bullets of a list.

Whatever reads answers, their text or their tokens, drops the same.
"""

import re
from collections.abc import Container, Iterable

MARKS = r"\s\"'`*_.,:;()\[\]{}"
MARK, BEHIND = re.compile(f"[{MARKS}]"), re.compile(f"[{MARKS}!]+$")
BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")


def opened(text: str, first: Container[str] = ()) -> str:
    """From where a name may begin: without the marks before it, but for one of `first`, with which names begin."""
    return text[next((i for i, sign in enumerate(text) if sign in first or not MARK.match(sign)), len(text)) :]


def closed(text: str) -> str:
    """Without the marks behind a name."""
    return BEHIND.sub("", text)


def bare(text: str) -> str:
    """Without the marks on both sides; of a name that begins or ends with marks, less than the name."""
    return closed(opened(text))


def unmarked(part: str) -> str:
    """A part of a list without its bullet."""
    return BULLET.sub("", part)


def readings(name: str) -> tuple[str, str]:
    """What is left of a name, without case, without the marks around it, and then without what looks like a bullet."""
    folded = name.strip().casefold()
    return bare(folded) or folded, bare(unmarked(folded)) or folded


def alike(names: Iterable[str]) -> dict[str, str]:
    """Names that could be taken for another in a list, each with that one, which comes before it: they are one but for marks, or for a bullet that only one of them has."""
    whole, less, found = dict[str, str](), dict[str, str](), dict[str, str]()
    for name in names:
        mine, bulletless = readings(name)
        other = whole.get(mine) or less.get(mine) or whole.get(bulletless)
        if other is not None:
            found[name] = other
        whole.setdefault(mine, name)
        less.setdefault(bulletless, name)
    return found
