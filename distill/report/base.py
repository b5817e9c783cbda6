"""What all figures of a report are."""

from pydantic import BaseModel, ConfigDict


class Figures(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
