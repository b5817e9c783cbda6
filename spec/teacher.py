"""Who teaches: models we hold, or scores that the user made elsewhere."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from spec.part import Auto, List, Part

ModelId = Annotated[str, StringConstraints(pattern=r"^(mdl_[0-9a-z]+|ep_[a-z0-9][a-z0-9-]{0,39}/[!-~]{1,200})$")]
EndpointModel = Annotated[str, StringConstraints(pattern=r"^ep_[a-z0-9][a-z0-9-]{0,39}/[!-~]{1,200}$")]
DatasetId = Annotated[str, StringConstraints(pattern=r"^(ds_|file-)[0-9a-z]+(/[A-Za-z0-9_.-]+)?$")]

MOST = 64
"""Models of an ensemble."""


class Teacher(Part):
    """One model or an ensemble (Hinton et al. 2015, section 3), or uploaded signals: exactly one of the two."""

    models: Annotated[List[ModelId], Field(max_length=MOST)] = ()
    """Models that score every training row (`mdl_x`), or a model behind an endpoint that answers them (`ep_name/model`)."""
    signals: DatasetId | None = None
    """A dataset of logits or probabilities by row id, made by whoever cannot upload weights."""
    weights: Auto | Annotated[List[Annotated[float, Field(gt=0)]], Field(max_length=MOST)] = "auto"
    """One weight a model, divided by their sum; `auto`: equal."""
    combine: Literal["arithmetic", "geometric"] = "geometric"
    """Mean of the teachers' distributions: of probabilities, or of log-probabilities (renormalised)."""
    accept_terms: bool = False
    """You have read the terms of the teacher's service or licence, and what you make is allowed. Asked for where known terms restrict training on outputs."""

    batch: bool = False
    """Ask through the endpoint's batch API: at its discount (the price's `batch`), and answered within a day instead of at once. For a teacher behind an endpoint that has one; judges, new texts and a preview are asked call by call."""


def divided(model: str) -> tuple[str, str]:
    """`ep_name/large` is ("ep_name", "large")."""
    endpoint, _, name = model.partition("/")
    return endpoint, name


def behind(model: str) -> tuple[str, str] | None:
    """The same; None for a model that we hold."""
    return divided(model) if model.startswith("ep_") else None


def asked(teacher: Teacher | None) -> tuple[str, str] | None:
    """The endpoint and the model there that is to answer; None where no endpoint teaches."""
    return next(filter(None, map(behind, teacher.models)), None) if teacher else None
