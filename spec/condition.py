"""Rows by the value of a column."""

from typing import Annotated

from pydantic import Field

from spec.part import List, Name, Part

Values = Annotated[List[str | int], Field(max_length=1000)]


class Condition(Part):
    """Training rows by the value of a column (values compared as text: 7 is "7"). Exactly one of the two lists."""

    column: Name
    """Of the training rows; it needs no role."""
    among: Values | None = None
    """Values to keep."""
    not_among: Values | None = None
    """Values to leave out."""


def ordered(condition: Condition) -> Condition:
    """The same condition in one spelling, values as text and in order: `[8, 7]` and `["7", "8"]` are one."""
    among, barred = condition.among, condition.not_among
    return Condition(
        column=condition.column,
        among=None if among is None else tuple(sorted(set(map(str, among)))),
        not_among=None if barred is None else tuple(sorted(set(map(str, barred)))),
    )
