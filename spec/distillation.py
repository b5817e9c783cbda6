"""The job: distil `teacher` on `data` into `student` by minimising `objective`, under `training`, judged by `evaluation`, within `budget`."""

from typing import Annotated

from pydantic import Field, StringConstraints

from spec.budget import Budget
from spec.data import Data
from spec.evaluation import Evaluation
from spec.objective import Term
from spec.part import List, Name, Part
from spec.student import Student
from spec.teacher import Teacher
from spec.training import Training

MetadataKey = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)]


class Distillation(Part):
    """A complete job. `auto` values are replaced by a pure function of spec and facts; the result can be posted again."""

    name: Name
    """For people; in no key."""
    teacher: Teacher | None = None
    """null: train on labels alone."""
    data: Data
    student: Student
    objective: Annotated[List[Term], Field(min_length=1, max_length=8)]
    """Terms whose weighted sum is minimised."""
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    budget: Budget = Budget()
    metadata: Metadata = {}
    """Up to 16 texts of your own, echoed."""
