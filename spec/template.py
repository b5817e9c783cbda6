"""Templates of prompts: `{column}` stands for a row's value, `{{` and `}}` for braces; other braces stand for themselves."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import StringConstraints

LONGEST_PROMPT = 20_000
PromptText = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=LONGEST_PROMPT)]
ANSWER = "answer"
"""What a judge's question shows beside columns: `{answer}`, the choice that a row's answers name."""
PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_][A-Za-z0-9_.-]*)\}")


def fields(template: str) -> tuple[str, ...]:
    """Names of the columns that a template shows, in order, each once."""
    return tuple(dict.fromkeys(found[1] for found in PLACE.finditer(template) if found[1]))


def render(template: str, values: Mapping[str, str]) -> str:
    """The template with a row's values, which are not looked into again. KeyError: a column is missing."""
    return PLACE.sub(lambda found: values[found[1]] if found[1] else found[0][0], template)
