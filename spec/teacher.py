"""Who teaches: models we hold, or scores that the user made elsewhere."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from spec.part import Auto, List, Part

ModelId = Annotated[str, StringConstraints(pattern=r"^mdl_[0-9a-z]+$")]
DatasetId = Annotated[str, StringConstraints(pattern=r"^(ds_|file-)[0-9a-z]+(/[A-Za-z0-9_.-]+)?$")]

MOST = 64
"""Models of an ensemble."""


class Teacher(Part):
    """One model or an ensemble (Hinton et al. 2015, section 3), or uploaded signals: exactly one of the two."""

    models: Annotated[List[ModelId], Field(max_length=MOST)] = ()
    """Models that score every training row."""
    signals: DatasetId | None = None
    """A dataset of logits or probabilities by row id, made by whoever cannot upload weights."""
    weights: Auto | Annotated[List[Annotated[float, Field(gt=0)]], Field(max_length=MOST)] = "auto"
    """One weight a model, divided by their sum; `auto`: equal."""
    combine: Literal["arithmetic", "geometric"] = "geometric"
    """Mean of the teachers' distributions: of probabilities, or of log-probabilities (renormalised)."""
