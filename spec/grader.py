"""Set metrics: what a report may measure over held-out rows."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from spec.part import Part


class Accuracy(Part):
    """Share of rows whose most probable class is the label; of several classes a row, whose every class is decided rightly (subset accuracy)."""

    type: Literal["accuracy"]


class F1(Part):
    """F1 by class, averaged: equally (`macro`), or over all decisions (`micro`). Of several classes a row, a class is named where its probability is over 0.5."""

    type: Literal["f1"]
    average: Literal["macro", "micro"] = "macro"


class Nll(Part):
    """Mean negative log-likelihood of the label, in nats; of several classes a row, the mean of all decisions (binary cross-entropy)."""

    type: Literal["nll"]


class Calibration(Part):
    """Expected calibration error over equal-width bins of confidence (Guo et al. 2017); of several classes a row, over all decisions."""

    type: Literal["calibration"]
    bins: Annotated[int, Field(ge=2, le=100)] = 10


Metric = TypeAliasType("Metric", Annotated[Accuracy | F1 | Nll | Calibration, Field(discriminator="type")])
