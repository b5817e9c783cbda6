"""The base of every part of the spec: strict, frozen, closed."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints
from typing_extensions import TypeVar


class Part(BaseModel):
    """A piece of what a user posts. Unknown fields, NaN and numbers written as strings are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


T = TypeVar("T")
# JSON has lists only: a tuple must be taken leniently, its items stay strict.
List = Annotated[tuple[T, ...], Strict(False)]
Auto = Literal["auto"]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Share = Annotated[float, Field(gt=0, le=1)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=512)]
Licence = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$", min_length=1, max_length=200)
]
"""An SPDX id, a name that spec/terms.toml knows, or a few words."""
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=64)]
LONGEST_LABEL = 256
"""Characters of a class name: what inspection takes, and what a job may name."""
Label = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=LONGEST_LABEL)]
