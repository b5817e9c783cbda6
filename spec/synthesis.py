"""New training texts, written by the teacher from examples of the old ones."""

from math import ceil
from typing import Annotated

from pydantic import Field

from spec.part import Auto, Part, Seed
from spec.sampling import Drawing
from spec.template import PromptText

TIMES = 4
"""Calls at most where a job does not say: so many times as many as there would be if every text were kept."""
INSTRUCTION = (
    "Here are examples of texts, as a JSON array. Write {count} new texts of the same kind, as different as you can from the examples and "
    "from each other in subject, wording and length. Answer with a JSON array of {count} strings, and nothing else."
)
Similarity = Annotated[float, Field(gt=0, le=1)]


class Synthesis(Part):
    """The teacher writes new training texts from examples (Self-Instruct, Wang et al. 2022, section 2), and answers them like the others.

    Each call shows it some training rows and some of its own new texts (a quarter, once there are enough), drawn anew. A new text is kept
    unless it is a near-duplicate of a row or of a new text that was kept before. New rows are for training alone: they have no gold label,
    and are drawn by no share, condition or held-out side.
    """

    rows: Annotated[int, Field(ge=1, le=50_000)]
    """New rows that are wanted. Fewer come where calls or the cap end before."""
    examples: Annotated[int, Field(ge=1, le=64)] = 8
    """Texts shown in a call."""
    per_call: Annotated[int, Field(ge=1, le=100)] = 8
    """New texts asked for in a call."""
    similarity: Similarity = 0.7
    """ROUGE-L (F1 over words) from which on a text is a near-duplicate of another."""
    instruction: PromptText = "auto"
    """What the teacher is told above the examples, which follow as a JSON array; `{count}` is `per_call`, and `{{` and `}}` are braces. `auto`: asks for as many texts of the same kind, as a JSON array."""
    sampling: Drawing = Drawing()
    seed: Seed = 0
    """Draws the examples: another seed shows others, and so asks for fresh texts."""
    most_calls: Auto | Annotated[int, Field(ge=1, le=1_000_000)] = "auto"
    """Calls after which asking ends, however few texts were kept. `auto`: four times as many as there would be if all were."""


def fewest(wanted: Synthesis) -> int:
    """Calls, if every text that is asked for comes and is kept."""
    return ceil(wanted.rows / wanted.per_call)


def most(wanted: Synthesis) -> int:
    """Calls that may be made."""
    return TIMES * fewest(wanted) if wanted.most_calls == "auto" else wanted.most_calls


def instruction(wanted: Synthesis) -> str:
    return INSTRUCTION if wanted.instruction == "auto" else wanted.instruction
