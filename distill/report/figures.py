"""Every number of a report: `grade.json` (made by `grade`) and `report.json` (made by `package`, which adds sizes, speed and cost).

Roles, in the order of tables: `ensemble` (two teachers or more), `teacher.0`, `teacher.1` …, `student`, `no_teacher`, `all_labels`, `untrained`.
One teacher alone, and uploaded signals, are `teacher.0`. `Grade.teacher` names the role that the student is compared with.
Metrics, named by their grader: `accuracy`, `f1` (macro), `f1_micro`, `nll`, `calibration` (ten bins), `calibration_<bins>`.
Where a row has any number of classes, a decision is a row and a class, and a class is named where its probability is over 0.5.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from distill.report.asked import Bill, Copied, Synthesised, Tally
from distill.report.base import Figures
from distill.report.efficiency import Conversion, Latency, Ratios, Size, StepCost
from spec.facts import OutputKind, Standing


class Figure(Figures):
    """A number and its 95% interval. None: the interval cannot be said (no rows, or a ratio with nothing below the line)."""

    value: float
    low: float | None = None
    high: float | None = None


class Bin(Figures):
    """Rows whose highest probability is in (low, high] (the first bin holds 0 too); of several classes a row, decisions by the probability of
    the answer that was given."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean of the highest probabilities; 0 of an empty bin."""
    accuracy: float


class ByClass(Figures):
    """Decisions on one class. Precision is hits / named, recall hits / there, F1 2 hits / (named + there)."""

    there: int
    """Held-out rows that have the class."""
    named: int
    """Rows that are said to have it."""
    hits: int
    """Both."""


class RoleFigures(Figures):
    """One model on the held-out rows that have a label."""

    role: str
    rows: int
    metrics: dict[str, Figure]
    confusion: tuple[tuple[int, ...], ...]
    """[true class][answer], in the order of `Grade.classes`; () where a row has any number of classes."""
    by_class: Annotated[tuple[ByClass, ...], Field(exclude_if=lambda found: not found)] = ()
    """In the order of `Grade.classes`, where a row has any number of them; else (), and not written."""
    calibration: tuple[Bin, ...]
    labels_seen: int | None = None
    """Labels that its training saw; None: unknown (a teacher's)."""
    validation_labels: int = 0
    """Labels of validation rows that something was chosen by."""
    steps: int | None = None
    """Optimizer steps of its training; None: not trained here."""


class Difference(Figures):
    """`first` minus `second` on the same rows, by paired bootstrap; in the metric's own unit (accuracy 0.043 is 4.3 points)."""

    first: str
    second: str
    metrics: dict[str, Figure]


class Headline(Figures):
    """What the verdict is made of: the rules of k and w are `evaluation.contract`'s."""

    metric: str
    higher_is_better: bool
    retention: Figure | None
    """Student / teacher (teacher / student where lower is better); None: no teacher was graded."""
    lift: Figure | None
    """Student - `no_teacher` (the other way round where lower is better), so that more is better; None: no such baseline."""
    lift_all_labels: Figure | None
    """The same over `all_labels`: the sceptic's."""
    asked_retention: float
    asked_lift: float
    rows_to_settle: int | None
    """Held-out rows at which an interval of the lift this wide would leave zero, or the smallest lift worth having; None where it is settled."""


class Picture(Figures):
    """An image's pixels, scaled to bytes by the lowest and highest value of the rows drawn."""

    height: int
    width: int
    channels: Literal[1, 3]
    data: str
    """base64 of height * width * channels bytes, rows first, channels last."""


class HeldoutRow(Figures):
    """One held-out row side by side."""

    row: int
    """Position in the held-out rows file."""
    id: str | None
    truth: str | tuple[str, ...]
    """The class; a list where a row has any number of them."""
    probabilities: dict[str, tuple[float, ...]]
    """By role, in the order of classes."""
    picture: Picture | None = None
    text: str | None = None
    """The beginning of a text row."""


class Confusion(Figures):
    """\"A 4 looks like a 9: 7.1%, like a 0: 0.02%\": what the teacher puts on another class than the true one."""

    truth: str
    looks_like: str
    share: float
    least_like: str
    least_share: float


class RichRow(Figures):
    """A transfer row whose soft target says most."""

    row: int
    """Position in the training rows file."""
    truth: str
    entropy: float
    """Of the soft target, in nats."""
    probabilities: tuple[float, ...]
    picture: Picture | None = None
    text: str | None = None
    """The beginning of a text row."""


class DarkKnowledge(Figures):
    """What the teacher knows besides the answer, at `temperature`, over the transfer rows."""

    temperature: float
    rows: int
    labelled: int | None = None
    """Of these, rows whose label training saw; the teacher's own answer stands for the label of the others. None: it was not counted."""
    counts: tuple[int, ...]
    """Rows of each class: by a label that training saw, else the teacher's own answer."""
    mean: tuple[tuple[float, ...], ...]
    """[true class][class]: mean soft target; the diagonal is what it puts on the true class; zeros where counts is 0."""
    confusions: tuple[Confusion, ...]
    """The highest off the diagonal, at most 10."""
    richest: tuple[RichRow, ...]
    """At most 16, of different classes first."""


class Mistakes(Figures):
    """How bad a role's wrong answers are: \"all wrong answers\" are not equally bad."""

    role: str
    rows: int
    """Wrong answers."""
    teacher_probability: Figure | None
    """The teacher's mean probability (T=1) of the answer that was wrongly given; None: nothing was wrong."""


class CurvePoint(Figures):
    step: int
    series: dict[str, float]
    """`train_loss`, and on some points `heldout_<metric>`, `validation_<metric>` with the metrics accuracy and nll; of several classes a row f1_micro too."""


class Curve(Figures):
    role: str
    steps: int
    """Of the whole schedule, whether training got to its end or was cut short."""
    points: tuple[CurvePoint, ...]


ClassWeights = Annotated[tuple[float, ...], Field(exclude_if=lambda weights: not weights)]
"""How much a label of each class counted (of several classes a row: where the class is there), or the soft targets of rows that the teachers call so,
on average; in the order of the classes, 0 where there is none; (), and not written, where all counted alike."""


class Grade(Figures):
    """grade.json."""

    classes: tuple[str, ...]
    output: Annotated[OutputKind, Field(exclude_if=lambda kind: kind == "classes")] = "classes"
    """Not written where a row has one class."""
    rows: int
    """Held-out rows with a label."""
    unlabelled: int
    """Held-out rows without one: in no figure."""
    unscored: int = 0
    """Labelled held-out rows for which uploaded signals say nothing: then no teacher is graded."""
    train_rows: int
    """Transfer rows."""
    labels_seen: int
    """Of these, rows whose label the student's training saw."""
    class_weights: ClassWeights = ()
    """Of labels, in the student's training."""
    soft_weights: ClassWeights = ()
    """Of soft targets, in the student's training."""
    groups: int | None
    """Held-out groups, resampled whole for all intervals (accuracy too); None: rows are resampled, and accuracy's interval is Wilson's."""
    bootstrap: int
    bootstrap_seed: int
    teacher: str | None
    roles: tuple[RoleFigures, ...]
    headline: Headline
    differences: tuple[Difference, ...]
    """student - no_teacher, student - all_labels, student - untrained, student - teacher: as far as they are there."""
    side_by_side: tuple[HeldoutRow, ...]
    """At most 60: where student and teacher differ first, then student and baseline, then anybody wrong, then the least sure."""
    disagreements: int
    """Held-out rows on which student and teacher (without one: baseline) answer differently, shown or not."""
    mistakes: tuple[Mistakes, ...]
    """Of rows with one class: without a teacher, and where rows have any number of classes, ()."""
    dark_knowledge: DarkKnowledge | None
    curves: tuple[Curve, ...]
    bias_correction: dict[str, float] = {}
    """By role: the offset added to the classes that its transfer set lacked."""
    bias_classes: tuple[str, ...] = ()
    """The classes that it was added to."""

    def role(self, name: str) -> RoleFigures | None:
        return next((figures for figures in self.roles if figures.role == name), None)


class Verdict(Figures):
    """The first line, by the rules and words of the two clauses."""

    kept: Literal["kept", "kept only", "kept about"] | None
    helped: Literal["helped", "hurt", "did not help", "inconclusive"] | None
    sentence: str
    labels: str
    """Who saw which labels."""


class Report(Figures):
    """report.json."""

    name: str
    job: str | None
    verdict: Verdict
    grade: Grade
    sizes: dict[str, Size]
    latencies: dict[str, tuple[Latency, ...]]
    ratios: Ratios
    costs: tuple[StepCost, ...]
    spec: dict[str, Any]
    baseline_spec: dict[str, Any] | None
    spec_difference: tuple[str, ...]
    """Lines of the diff of the resolved specs of student and baseline, `- …` and `+ …`."""
    baseline_reasons: dict[str, str]
    digests: dict[str, str]
    """What went in and came out, by name."""
    versions: dict[str, str]
    warnings: tuple[str, ...] = ()
    """What a reader must know beforehand: overlap that was allowed, training that was cut short."""
    conversion: Conversion | None = None
    endpoint: str | None = None
    """`ep_name/model` that answered, where one taught."""
    answers: Tally | None = None
    """What came of the questions."""
    synthesis: Synthesised | None = None
    """New training texts, where the teacher wrote some."""
    copies: Copied | None = None
    """Of training texts, where the job has some."""
    bill: Bill | None = None
    teachers: tuple[Standing, ...] = ()
    """Under which terms each teacher stood; () of signals, and without a teacher."""
