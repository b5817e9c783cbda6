"""What is minimised: a sum of terms. Weights are used as written."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from spec.part import Part

Weight = Annotated[float, Field(gt=0, le=1e6)]
Balance = Literal["none", "inverse_frequency"]


class SoftTargets(Part):
    """T^2 * KL(teacher_T || student_T), always with the T^2 (Hinton et al. 2015, section 2); its limit for high T is logit matching (2.1).

    Of several classes a row, the mean over classes of this divergence of each class's Bernoulli distribution.
    """

    type: Literal["soft_targets"]
    weight: Weight = 1.0
    temperature: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """T: both distributions are softened by it."""
    balance: Balance = "none"
    """`inverse_frequency`: a row counts the sum over classes of probability * rows / (classes * n), n the sum over training rows of that class's
    probability, all as the teachers together say at temperature 1: one on average, and where they name one class a row what `labels` count. A class
    with n under 1 is that part of a class, and its n is taken for 1. Of several classes a row, the same of each class's yes and no."""


class Labels(Part):
    """Cross-entropy with the labels, over the rows whose labels are seen; of several classes a row, binary and the mean over classes."""

    type: Literal["labels"]
    weight: Weight = 1.0
    balance: Balance = "none"
    """`inverse_frequency`: a row counts rows / (classes * rows of its class), over the rows whose labels are seen: one on average, and every class
    alike. Of several classes a row, each class's yes and no count rows / (2 * rows with that answer)."""


Term = TypeAliasType("Term", Annotated[SoftTargets | Labels, Field(discriminator="type")])
