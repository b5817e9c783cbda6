"""What each verb is told: the typed contract between `spec/plan.py` and `distill/verbs/`. Everything here is in a step's cache key."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from spec.condition import Condition
from spec.data import Columns, Jitter, Words
from spec.evaluation import Contract
from spec.facts import ModelFacts, Roles, Signature
from spec.grader import Metric, RowGrader
from spec.objective import Term
from spec.sampling import Sampling
from spec.student import Student

PASS = 1024
"""Rows of a forward pass where the params name no batch, until memory runs out."""


class Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SourceFile(Params):
    """An uploaded file: `inputs/files/<path>`."""

    path: str
    filename: str
    """As uploaded: decides the format together with the first bytes, and stands in errors."""
    split: str = "train"
    column: str | None = None
    """For formats of one array a file (IDX): the column that it is."""


class InspectDataset(Params):
    """Files to canonical splits: outputs `<split>.arrow` and `preview.json` ({split: first rows, at most 100})."""

    kind: Literal["dataset"] = "dataset"
    files: tuple[SourceFile, ...]
    columns: Columns = Columns()
    signal: str | None = None
    """Column of scores: makes it a dataset of signals."""
    classes: tuple[str, ...] | None = None
    """Class of each score, for signals."""
    splits: dict[str, tuple[int, int]] = {}
    """Rows [from, to) in file order for each split, instead of the files' own splits."""
    allow_bad_rows: bool = False
    """Drop rows that cannot be read instead of failing."""


class InspectModel(Params):
    """Weights in `inputs/files/<path>`: checked, and a probe batch run."""

    kind: Literal["model"] = "model"
    files: tuple[SourceFile, ...]
    architecture: Student | None = None
    signature: Signature | None = None
    """None where the file itself says it (ONNX shapes; metadata), else required."""
    labels_seen: int | None = None
    """As the user declares it."""


class InspectTokenizer(Params):
    """A `tokenizer.json` in `inputs/files/<path>`: loaded, and tried on odd texts."""

    kind: Literal["tokenizer"] = "tokenizer"
    file: SourceFile


class InspectPair(Params):
    """`inputs/train/rows.arrow` against `inputs/heldout/rows.arrow`, by `input`; None: by the files' own."""

    kind: Literal["pair"] = "pair"
    input: str | tuple[str, ...] | None = None


class Selection(Params):
    """How rows divide: a pure function of this and of the rows' digests (distill/data/draw.py)."""

    roles: Roles
    heldout: float | None = None
    """Share drawn from the training rows; None: `inputs/heldout/rows.arrow`."""
    validation: float | None = None
    """Share; None: `inputs/validation/rows.arrow` if it is there, else none."""
    golden: bool = False
    """Both shares are of the rows with a label, and drawn among these: the others cost money, and could not be graded."""
    seed: int = 0
    where: tuple[Condition, ...] = ()
    share: float = 1.0
    labelled: float = 1.0
    augment: Jitter | None = None


class TeacherInput(Params):
    """A teacher: `inputs/<path>/<name of file>`, e.g. path `teacher.0`."""

    path: str
    facts: ModelFacts


class ScoreParams(Params):
    """Logits of each teacher on rows of `inputs/train/rows.arrow` (and `inputs/heldout/rows.arrow`, if it is there).

    Outputs `teacher.<i>/<part>/<shard:05d>.npy`, part `train`, `heldout` or `copy.<k>`: float32 [rows of the shard, classes], rows in
    file order, 4,096 a shard, classes in the order of `classes`. A score holds no temperature, combine or weights.
    """

    teachers: tuple[TeacherInput, ...]
    classes: tuple[str, ...]
    input: str | tuple[str, ...]
    """Name of the column that the teachers see; both, where they see pairs."""
    take: Selection | None = None
    """Only the rows of this selection (where, share, or augment copies need it); None: all rows. The index of rows scored is `train/rows.npy`."""


class Call(Params):
    """Whom a step asks behind an endpoint, and how it draws its words: all that its worker must know to make its calls."""

    endpoint: str
    """sha256 of its wire and URL; where it is, the child does not learn."""
    model: str
    sampling: Sampling = Sampling()
    top_logprobs: int = 0


class Question(Call):
    """How every row is put to a teacher behind an endpoint."""

    system: str | None
    template: str
    """`{name}` is the row's value of a column (spec/template.py)."""
    examples: int = 0
    """Labelled training rows shown before the question; the same for every row."""
    structured: bool = False


class Judged(Params):
    """A filter that asks: what is asked about is the choice that a row's answers name."""

    place: int
    """In `data.responses.keep`."""
    where: Condition | None = None


class Request(Call):
    """How a teacher is asked for new texts."""

    instruction: str
    """`{count}` is `per_call`."""
    examples: int
    """Texts shown below it."""
    per_call: int


class AnswerParams(Params):
    """A teacher's answers on the training and held-out rows of a selection, asked through the socket `gateway` of the run folder.

    Outputs as `score` writes them, as if the answers were scores of one teacher: `teacher.0/<part>/<shard:05d>.npy`, float32
    log-probabilities (rows, classes), and `<part>/rows.npy`, the numbers of the rows that were answered, ascending. Beside them
    `answers.jsonl`, every row with its answer or why there is none, and `answers.json` (distill/answers/tally.py).
    """

    question: Question
    classes: tuple[str, ...]
    """The choices, in the order of the scores."""
    read: Literal["logprobs", "votes", "text"]
    take: Selection
    several: bool = False
    """An answer names any number of the choices, and scores are log-odds of each."""
    first: int | None = None
    """A preview: only so many rows, each shown with its answer; no scores are written."""
    graders: tuple[RowGrader, ...] = ()
    """Filters that a preview tries on the answers of training rows; those that ask are not asked."""
    judged: Judged | None = None
    """A judge: asks about the training rows that `inputs/answers/` has kept, and writes the same files with those of which it says yes,
    the first of `classes`. The template may show `{answer}`."""


class KeepParams(Params):
    """Filters on answers: `inputs/answers/` as `answer` wrote them, and `inputs/train/rows.arrow` where one has a condition.

    Outputs the same files, with the rows that were kept and all held-out rows: what reads answers may read these instead. In
    `answers.jsonl` a row that was left out is of kind `dropped`, and `answers.json` counts them.
    """

    graders: tuple[RowGrader, ...]


class SynthesiseParams(Params):
    """New training texts from a teacher, asked through the socket `gateway` of the run folder.

    Outputs `rows.arrow`, the rows of `inputs/train/rows.arrow` and then the new ones; `texts.jsonl`, every text that came with what became
    of it; and `synthesis.json` (distill/report/asked.py). Near-duplicates of rows in `inputs/heldout/rows.arrow` and
    `inputs/validation/rows.arrow`, as far as they are there, are left out too.
    """

    question: Request
    rows: int
    """How many are wanted."""
    similarity: float
    seed: int
    most_calls: int
    take: Selection
    """Examples are its training rows."""


class AugmentParams(Params):
    """Copies of training texts. Outputs `rows.arrow`, the rows of `inputs/train/rows.arrow` and then the copies; and `copies.json` (distill/report/asked.py).

    No copy is a text of these rows, or of `inputs/heldout/rows.arrow` and `inputs/validation/rows.arrow`, as far as they are there.
    """

    words: Words
    take: Selection
    """Copied are its training rows."""


ASKING: dict[str, type[AnswerParams] | type[SynthesiseParams]] = {
    "answer": AnswerParams,
    "synthesise": SynthesiseParams,
}
"""Verbs that ask somebody else's model, through a worker; their params say by `question` whom."""


class TrainParams(Params):
    """One student. `inputs/train/rows.arrow`, `inputs/heldout/…`, `inputs/validation/…`, `inputs/scores/…` or `inputs/signals/rows.arrow`; `inputs/tokenizer/tokenizer.json` where the user brings one."""

    selection: Selection
    student: Student
    signature: Signature
    """Of the student: resolved input scale and offset, class order."""
    objective: tuple[Term, ...]
    combine: Literal["arithmetic", "geometric"] | None = None
    """None: no teacher, or one."""
    weights: tuple[float, ...] | None = None
    teachers: int = 0
    steps: int
    batch_size: int
    learning_rate: float
    optimizer: str
    schedule: str
    weight_decay: float
    seed: int
    precision: Literal["float32", "bfloat16"]
    select: Literal["last", "best"]
    bias_correction: bool
    headline: Metric
    answers: Literal["labels", "rows"] | None = None
    """Of a teacher that answers. `labels`: they are the labels, on every row; `rows`: only rows that were answered are learned from."""
    stop_step: int | None = None
    """Baseline of a student that was finished early: train to this step of the same schedule."""


class GradedModel(Params):
    """Who is graded: `inputs/<path>/model.safetensors`, or the untrained student made from its seed."""

    role: Literal["student", "no_teacher", "all_labels", "untrained"]
    path: str | None
    seed: int | None = None
    labels_seen: int | None = None


class GradeParams(Params):
    """Held-out predictions and all figures: outputs `grade.json`, `predictions.npz`."""

    selection: Selection
    student: Student
    signature: Signature
    models: tuple[GradedModel, ...]
    graders: tuple[Metric, ...]
    contract: Contract
    teachers: int = 0
    combine: Literal["arithmetic", "geometric"] | None = None
    weights: tuple[float, ...] | None = None
    signals: bool = False
    temperature: float | None = None
    """Of the first soft term: the dark-knowledge page is drawn at it."""
    teacher_labels: tuple[int | None, ...] = ()
    """Labels that each teacher was trained on, None where that is not known; (): of none."""
    answers: bool = False
    """The teacher answers rows: those that it did not answer are errors of its, and no transfer rows."""
    bootstrap: int = 2000
    bootstrap_seed: int = 0


class PackageParams(Params):
    """The deliverable: outputs `model.safetensors, config.json, load.py, model.onnx, README.md, manifest.json, report.json, report.html`, of an encoder `tokenizer.json`."""

    name: str
    student: Student
    signature: Signature
    teachers: tuple[TeacherInput, ...] = ()
    endpoint: str | None = None
    """`ep_name/model` that answered, where one did; inputs `inputs/answers/answers.json`."""
    baselines: tuple[str, ...] = ()
    """Roles whose latency is measured too; inputs `inputs/<role>/model.safetensors`."""
    spec: dict[str, Any]
    """The resolved spec."""
    baseline_spec: dict[str, Any] | None = None
    baseline_reasons: dict[str, str] = {}
    """Why a baseline is not offered."""
