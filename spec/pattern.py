"""Regular expressions that users write: whether they can be read, and read in no time, by whoever checks them."""

import re

ESCAPED = r"\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\N\{[^}]*\}|\\[0-7]{1,3}|\\.|[^\\]"
RANGE = re.compile(f"({ESCAPED})-({ESCAPED})", re.DOTALL)
FOLDED = re.compile(r"\(\?[a-zA-Z]*i")
WIDEST = 512
"""Characters of all ranges together where case is ignored: every one of them is looked up when the pattern is compiled."""


def unreadable(pattern: str) -> str | None:
    """Why it cannot be used, as one sentence; None where it can."""
    if FOLDED.search(pattern) and sum(_width(first, last) for first, last in RANGE.findall(pattern)) > WIDEST:
        return f"Where case is ignored, ranges may have {WIDEST} characters together at most."
    try:
        re.compile(pattern)
    except re.error as error:
        place = "" if error.pos is None else f", at character {error.pos + 1:,}"
        return f"The pattern cannot be read{place}: {error.msg}."
    except (RecursionError, OverflowError):
        return "The pattern cannot be read: it is too deep, or repeats too often."
    return None


def _width(first: str, last: str) -> int:
    return max(0, _code(last) - _code(first))


def _code(said: str) -> int:
    """The character that an escape or a character stands for; what is not known is taken to be far away."""
    if len(said) == 1:
        return ord(said)
    if said[1] in "uUx":
        return ord(said.encode().decode("unicode_escape"))
    return int(said[1:], 8) if said[1].isdigit() else ord(said[1]) if said[1] != "N" else 0x10FFFF
