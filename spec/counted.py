"""Tokens that an endpoint has counted itself."""

from math import sqrt

from pydantic import BaseModel, ConfigDict


class Counted(BaseModel):
    """What it has billed for earlier calls that put the same question to the same rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    calls: int
    input: float
    """Tokens of a call."""
    output: float
    """Of all answers to one."""

    @property
    def margin(self) -> float:
        """Of a mean of so many calls, as a share: texts vary by about their own length, and some more is allowed for rows that are not drawn by chance."""
        return min(0.5, 0.05 + 1.5 / sqrt(self.calls))
