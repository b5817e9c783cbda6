"""Whether the answers to one row pass a filter."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from spec.grader import Agreement, JsonSchema, Judge, Length, Regex, RowGrader
from spec.json_schema import fits


@dataclass(frozen=True, kw_only=True)
class Given:
    """What was answered to one row."""

    texts: tuple[str, ...]
    """Of all samples; of each 65,536 characters at most are kept (gateway/front.py)."""
    votes: int = 1
    """Samples that name the choice that most of them name."""


Check = Callable[[Given], bool]


def check_of(grader: RowGrader) -> Check:
    """Of a grader that the rules have passed. Each sample must pass; agreement is of all together."""
    match grader:
        case Judge():
            return lambda given: True  # it is asked when the others have passed
        case Agreement(least=least):
            return lambda given: given.votes / len(given.texts) >= least
        case Length():
            text = _length(grader)
        case Regex(pattern=pattern, match=match):
            found = re.compile(pattern)
            text = _matches(found.fullmatch if match == "full" else found.search)
        case JsonSchema(document=document):
            text = _parses(fits(document))
    return lambda given: all(map(text, given.texts))


def _length(grader: Length) -> Callable[[str], bool]:
    most = float("inf") if grader.max is None else grader.max
    words = grader.unit == "words"
    return lambda text: grader.min <= len(text.split() if words else text) <= most


def _matches(find: Callable[[str], object]) -> Callable[[str], bool]:
    return lambda text: find(text) is not None


def _parses(fit: Callable[[object], bool]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return fit(json.loads(text, parse_constant=_no_number))
        except (ValueError, RecursionError):
            return False

    return check


def _no_number(name: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)
