"""Distillations as they are shown. What is sent is `spec.distillation.Distillation` itself, its parts flat."""

from typing import Any, Literal

from pydantic import BaseModel

from api.distillations.result import DistillationResult
from models.cut import REASON
from models.event import Event as EventRow
from models.step import Step as StepRow
from spec.distillation import Distillation
from spec.outcomes import Fate, Kind
from spec.price import Estimate
from spec.problem import Problem
from spec.step import Step as Planned

JobStateName = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
Side = Literal["heldout", "train"]
AnswerKind = Literal[Kind, "dropped"]
StepStateName = Literal["blocked", "ready", "running", "paused", "succeeded", "failed", "cancelled", "skipped"]


class DistillationStep(BaseModel):
    """One process of the job."""

    name: str
    verb: str
    queue: str
    state: StepStateName
    optional: bool
    """Its failure does not fail the job."""
    attempts: int
    seconds: float
    """On a worker so far, all attempts together."""
    cached: bool
    """Its outputs were there already, made by an earlier step."""
    cut: bool
    """Ended early, by `finish` or a cap."""
    cut_reason: str | None
    """By which of them, in a sentence."""
    progress: dict[str, Any] | None
    """The last that was heard: step, steps, unit, loss, rows_per_second, seconds_left."""
    error: Problem | None
    started_at: int | None
    finished_at: int | None

    @classmethod
    def of(cls, row: StepRow) -> "DistillationStep":
        return cls.model_validate(
            {
                "name": row.name,
                "verb": row.verb,
                "queue": row.queue,
                "state": row.state,
                "optional": row.optional,
                "attempts": row.attempts,
                "seconds": row.seconds,
                "cached": row.cached_from is not None,
                "cut": row.cut,
                "cut_reason": row.summary.get(REASON) if row.cut else None,
                "progress": row.progress,
                "error": row.error,
                "started_at": row.started_at and int(row.started_at.timestamp()),
                "finished_at": row.finished_at and int(row.finished_at.timestamp()),
            }
        )


class Waiting(BaseModel):
    """Why nothing of the job runs at the moment."""

    code: Literal["facts", "turn", "retry", "twin", "no_worker", "paused"]
    reason: str
    """A sentence."""
    ids: list[str] = []
    """What it waits for: datasets, models and files, with `facts`; the job that does the same, with `twin`."""
    position: int | None = None
    """About how many steps will be begun before, and this one; with `turn`, when the job is asked for alone."""


class StudentOf(BaseModel):
    model: str | None
    """Its id from acceptance on; null once the model was deleted."""


class JobUsage(BaseModel):
    device_seconds: float
    """Of leases. A step that waits for an endpoint uses no device."""
    usd: float
    """Of all charges so far: calls to endpoints, and devices that have a price."""


class DistillationJob(BaseModel):
    """A distillation. `spec` can be posted again as it stands."""

    id: str
    object: Literal["distillation"] = "distillation"
    name: str
    state: JobStateName
    intent: Literal["run", "pause", "finish", "cancel"]
    created_at: int
    started_at: int | None
    finished_at: int | None
    spec: Distillation
    resolved: bool
    """Whether every `auto` in `spec` has been replaced; it has, once all facts are in."""
    student: StudentOf
    steps: list[DistillationStep]
    waiting: Waiting | None
    error: Problem | None
    problems: list[Problem]
    """Everything that the job was refused for, once the facts that it waited for were in."""
    warnings: list[Problem]
    estimate: Estimate | None
    result: DistillationResult | None
    """Once the student is packaged; the whole is in the report."""
    metadata: dict[str, str]
    usage: JobUsage


class PlannedStep(BaseModel):
    """A step that the job would have."""

    name: str
    verb: str
    queue: str
    optional: bool
    cache: Literal["hit", "possible", "none"]
    """hit: its outputs are there; possible: what it reads is not known yet; none: it will run."""
    seconds: float
    """Expected; 0 for a hit."""
    memory_bytes: int

    @classmethod
    def of(cls, step: Planned, cache: str) -> "PlannedStep":
        return cls.model_validate(
            {
                "name": step.name,
                "verb": step.verb,
                "queue": step.queue,
                "optional": step.optional,
                "cache": cache,
                "seconds": round(step.seconds, 1) if cache != "hit" else 0.0,
                "memory_bytes": step.memory,
            }
        )


class Validation(BaseModel):
    """What would become of a job. No job is stored; what it would wait for is inspected."""

    object: Literal["distillation.validation"] = "distillation.validation"
    valid: bool = False
    """Whether the job would be accepted."""
    problems: list[Problem]
    warnings: list[Problem] = []
    waiting: Waiting | None = None
    """What is still being inspected or compared, and may yet be refused: ask again. Until all is inspected nothing is resolved or planned."""
    resolved: Distillation | None = None
    plan: list[PlannedStep] = []
    estimate: Estimate | None = None


class DistillationEvent(BaseModel):
    """What happened. `id` counts from 1 within the job, without gaps."""

    id: int
    object: Literal["distillation.event"] = "distillation.event"
    type: Literal["job", "step", "metrics", "checkpoint", "message"]
    step: str | None
    message: str
    data: dict[str, Any]
    created_at: int

    @classmethod
    def of(cls, row: EventRow) -> "DistillationEvent":
        return cls.model_validate(
            {
                "id": row.seq,
                "type": row.type,
                "step": row.step,
                "message": row.message,
                "data": row.data,
                "created_at": int(row.created_at.timestamp()),
            }
        )


class Series(BaseModel):
    """One measured quantity of one step."""

    step: str
    """Name in the plan, such as `train` or `train.no_teacher`."""
    name: str
    """Such as `loss`."""
    at: list[int]
    """Optimizer steps, rising."""
    values: list[float | None]
    """One for each of `at`; null where it was not a finite number."""


class Metrics(BaseModel):
    object: Literal["distillation.metrics"] = "distillation.metrics"
    distillation: str
    data: list[Series]


class Checkpoint(BaseModel):
    """Where a step would go on."""

    id: str
    """`<step>/<number>`."""
    object: Literal["distillation.checkpoint"] = "distillation.checkpoint"
    step: str
    step_number: int
    bytes: int


class Answer(BaseModel):
    """What the teacher said of one row."""

    side: Side
    row: int
    """Its number in the split that it is of, from 0; a held-out row of a job that names no `data.heldout` split is of the training split. Rows that
    the job made (new texts, copies) come after those of the split."""
    kind: AnswerKind
    """`answered`: it is learned from, or measured by. `dropped`: it was answered, and filters have left it out. `failed`: the call got no answer."""
    label: str | list[str] | None = None
    """The choice that was read in it; a list where a row may have any number of them; null where there is none to read."""
    probabilities: dict[str, float] | None = None
    """Of the 20 likeliest choices; null where the text alone was read."""
    votes: int | None = None
    """Of several answers, those that name the label."""
    gold: str | list[str] | None = None
    """The row's own label, where the job may see it."""
    answers: list[str] = []
    """All that was said, one text for each of `sampling.n`; [] where the call failed."""
    finish_reason: str | None = None
    """Of the first of them, as the endpoint says it: `length` of one that was cut."""
    filters: list[int] | None = None
    """Of a dropped row: places in `data.responses.keep` of the filters that it fails, [] where none applies to it."""
    failed: str | None = None
    """Why the call failed, in a word, and in the words of the endpoint."""
    message: str | None = None
    usd: float | None = None
    """Of a preview: what the answer has cost this job."""


class NewText(BaseModel):
    """A text that the teacher wrote."""

    call: int
    """Number of the call in which it came, from 0."""
    fate: Fate
    """`kept`: the next of the new training rows. It was left out as a near-duplicate of a held-out or validation row (`heldout`), of a training row
    (`train`), or of a text that was kept before (`new`), or because there were enough (`spare`)."""
    text: str


class DistillationDeleted(BaseModel):
    id: str
    object: Literal["distillation"] = "distillation"
    deleted: bool = True
