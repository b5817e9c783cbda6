"""Numbers of a report that say how cheap a student is: sizes, speed, what its steps took, and its ONNX file beside torch."""

from distill.report.base import Figures


class Size(Figures):
    """Of one role; an ensemble's is the sum."""

    parameters: int
    bytes: int
    """Of the tensors."""


class Latency(Figures):
    """Medians over rounds of each round's p50 and p95, models in turn."""

    engine: str
    """`onnxruntime` or `torch`."""
    threads: int
    p50: float
    """Seconds of one row."""
    p95: float
    rows_per_second: float
    batch: int
    """Rows of a batch in `rows_per_second`."""
    rounds: int
    calls: int
    """Of one row, in a round."""


class StepCost(Figures):
    """What a step took."""

    step: str
    verb: str
    seconds: float
    cached: bool = False
    usd: float | None = None
    ended: str = "succeeded"


class Ratios(Figures):
    """Compression and speed-up of the student; None without a teacher whose weights we hold."""

    parameters_of_one: float | None = None
    """Parameters of the first teacher alone / student's."""
    parameters_of_all: float | None = None
    speed_of_one: float | None = None
    """p50 of the first teacher alone / student's."""
    speed_of_all: float | None = None


class Conversion(Figures):
    """The ONNX file beside torch, on the same rows."""

    rows: int
    largest_difference: float
    """Of a logit, absolute."""
    tolerance: float
    """What was allowed."""
