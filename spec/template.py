"""Templates of prompts: `{name}` stands for a row's value where `name` is a column that the rows have, `{{` and `}}` for braces; other braces stand for themselves.

What looks like a name (letters, digits, `_`, `.`, `-`) is taken for one, whether there is such a column or not: rules refuse it where there is none. No
place is of a column whose own name has braces.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints

LONGEST_PROMPT = 20_000
PromptText = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=LONGEST_PROMPT)]
ANSWER = "answer"
"""What a judge's question shows beside columns: `{answer}`, the choice that a row's answers name."""
IDENTIFIER = "[A-Za-z0-9_][A-Za-z0-9_.-]*"


def fields(template: str, columns: Collection[str]) -> tuple[str, ...]:
    """What a template shows of rows with these columns, in order, each once: such columns, and what looks like one."""
    return tuple(dict.fromkeys(found[1] for found in _places(frozenset(columns)).finditer(template) if found[1]))


def render(template: str, values: Mapping[str, str]) -> str:
    """The template with a row's values, those of its `fields`, which are not looked into again. KeyError: one is missing."""
    return _places(frozenset(values)).sub(lambda found: values[found[1]] if found[1] else found[0][0], template)


@lru_cache(maxsize=256)
def _places(columns: frozenset[str]) -> re.Pattern[str]:
    names = [re.escape(name) for name in sorted(columns) if name and not set(name) & set("{}")]
    return re.compile("|".join((r"\{\{", r"\}\}", rf"\{{({'|'.join((IDENTIFIER, *names))})\}}")))
