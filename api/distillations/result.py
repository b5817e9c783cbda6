"""What came of a job: the report's headline, as the last step summed it up."""

from pydantic import BaseModel


class Interval(BaseModel):
    """A figure with its 95% interval; without one where none can be said."""

    value: float
    low: float | None
    high: float | None


class ResultRow(BaseModel):
    """One line of the main table."""

    role: str
    """`teacher`, `teacher.<i>`, `student`, or a baseline: `no_teacher`, `all_labels`, `untrained`."""
    name: str
    """The same in words."""
    accuracy: float | None
    value: float
    """Of the headline metric; `low` and `high` are its 95% interval."""
    low: float | None
    high: float | None
    labels_seen: int | None
    parameters: int | None
    bytes: int | None
    p50_us: float | None
    """Median latency of one row in ONNX Runtime, microseconds; then the 95th percentile."""
    p95_us: float | None
    rows_per_second: float | None
    """In batches."""


class DistillationResult(BaseModel):
    """Figures over the held-out rows. null: does not apply, or is not known; the report says why."""

    verdict: str
    """One sentence: what was kept, and whether the teacher helped."""
    labels: str
    """Who saw which labels."""
    kept: str | None
    helped: str | None
    metric: str
    """The headline: the first grader."""
    retention: Interval | None
    """Student's metric over the teacher's."""
    lift: Interval | None
    """Student's metric less that of the same student without a teacher."""
    lift_all_labels: Interval | None
    """The same, less that of one that saw every label."""
    compression: float | None
    """Parameters of all teachers over the student's; then of one teacher."""
    compression_of_one: float | None
    speed_up: float | None
    """Median latency of all teachers over the student's; then of one teacher."""
    speed_up_of_one: float | None
    rows: list[ResultRow]
