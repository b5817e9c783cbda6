"""What `train` writes beside the weights: config.json, which rebuilds the network, and train.json, which says how it came about."""

from pydantic import BaseModel, ConfigDict

from distill.report.figures import ClassWeights, CurvePoint
from spec.facts import Signature
from spec.student import Student


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Config(Record):
    """config.json."""

    student: Student
    signature: Signature
    parameters: int


class TrainRecord(Record):
    """train.json: a function of the step's inputs alone, so it holds no times."""

    steps: int
    """Optimizer steps done."""
    planned_steps: int
    rows: int
    """Transfer rows."""
    items: int
    """Transfer rows and their fixed copies."""
    labels_seen: int
    """Transfer rows whose labels the loss used."""
    class_weights: ClassWeights = ()
    """Of balanced labels."""
    soft_weights: ClassWeights = ()
    """Of balanced soft targets."""
    validation_labels: int
    """Labelled validation rows, where something was chosen by them; else 0."""
    best_step: int | None
    """Step of the weights that were kept; None: the last."""
    bias_correction: float | None
    """Offset added to `output.bias` of `bias_classes`; None: not asked for."""
    bias_classes: tuple[str, ...]
    initial_digest: str
    """sha256 of the initial weights as safetensors: the baseline's is the same."""
    curve: tuple[CurvePoint, ...]
    versions: dict[str, str]
