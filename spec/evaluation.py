"""How the student is judged, and against whom."""

from typing import Annotated, Literal

from pydantic import Field

from spec.grader import Metric
from spec.part import Auto, List, Part

Baseline = Literal["no_teacher", "all_labels", "untrained"]


class Contract(Part):
    """What the verdict asks for (`k` and `w` of the report's rules)."""

    retention: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of the teacher's headline metric that the student must keep."""
    lift: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Smallest gain over the baseline that is worth having."""


class Evaluation(Part):
    """The first grader is the headline."""

    graders: Auto | Annotated[List[Metric], Field(min_length=1, max_length=16)] = "auto"
    """`auto`: accuracy, negative log-likelihood, calibration; of several classes a row, micro F1 and macro F1 before them."""
    baselines: Auto | List[Baseline] = "auto"
    """`no_teacher`: same student, bytes, batches and steps without the teacher; `all_labels`: the same with every label; `untrained`: the initial weights. `auto`: no_teacher where there is a teacher."""
    contract: Contract = Contract()
