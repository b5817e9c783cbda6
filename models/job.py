"""Jobs: a distillation or an inspection. State is folded from the steps by `advance`, never set."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Index, Select, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, Id, ProjectId, one_of


class JobKind(StrEnum):
    DISTILLATION = "distillation"
    INSPECTION = "inspection"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
_LIVE = frozenset({JobState.RUNNING, JobState.PAUSED, *ENDED})
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: _LIVE,
    JobState.RUNNING: _LIVE - {JobState.RUNNING},
    JobState.PAUSED: _LIVE - {JobState.PAUSED} | {JobState.QUEUED},
} | dict.fromkeys(ENDED, frozenset())


class Intent(StrEnum):
    """What the user (or the budget) wants; cancel always wins."""

    RUN = "run"
    PAUSE = "pause"
    FINISH = "finish"
    CANCEL = "cancel"


class Job(Base):
    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "project", "kind", "id"),
        Index(None, "project", "subject"),
        Index("ix_jobs_unplanned", "project", postgresql_where="state = 'queued' AND resolved IS NULL"),
        one_of("kind", JobKind),
        one_of("state", JobState),
        one_of("intent", Intent),
    )

    id: Mapped[Id]  # dst_ or ins_
    project: Mapped[ProjectId]
    kind: Mapped[str]
    name: Mapped[str]
    spec: Mapped[dict[str, Any]]  # as posted
    resolved: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # once facts are in
    subject: Mapped[
        str | None
    ]  # ds_ or mdl_ that the job's facts are about; a pair of row sets; what jobs call a tokenizer
    state: Mapped[str] = mapped_column(default=JobState.QUEUED)
    intent: Mapped[str] = mapped_column(default=Intent.RUN)
    paused_for: Mapped[str | None]  # why it waits whatever is wanted of it: a code of models/finish.py's PAUSING
    waiting_for: Mapped[list[Any]] = mapped_column(server_default="[]")  # ids whose facts are awaited
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # spec.problem.Problem
    problems: Mapped[list[Any]] = mapped_column(server_default="[]")  # all that its rules found once facts were in
    warnings: Mapped[list[Any]] = mapped_column(server_default="[]")
    priority: Mapped[int] = mapped_column(server_default="0")
    hours: Mapped[float | None]  # budget.hours
    usd: Mapped[float | None]  # budget.usd
    rates: Mapped[dict[str, Any]] = mapped_column(
        server_default="{}"
    )  # queue -> dollars an hour, the most that was known since it was planned
    estimate: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    last_seq: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Created]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def wish(self) -> Intent:
        """What its steps are to do now: wait while the service itself has paused it, else as intended."""
        held = self.paused_for is not None and self.intent != Intent.CANCEL
        return Intent.PAUSE if held else Intent(self.intent)


def lock(session: Session, id: str) -> Job | None:
    """The job, freshly read and held until the transaction ends. First of all locks, and one a transaction."""
    held = select(Job).where(Job.id == id).with_for_update(key_share=True)
    return session.scalars(held, execution_options={"populate_existing": True}).one_or_none()


def of_project(project: str, kind: JobKind = JobKind.DISTILLATION) -> Select[Job]:
    """Jobs of one kind."""
    return select(Job).where(Job.project == project, Job.kind == kind)


def one(project: str, id: str) -> Select[Job]:
    """A distillation; inspections are seen through what they inspect."""
    return of_project(project).where(Job.id == id)


def needing(project: str, ids: tuple[str, ...]) -> Select[str]:
    """Distillations that have not ended and name one of these datasets, files or models, or make it."""
    rows = [_dataset_named(*path).in_(ids) for path in (("data", "train"), ("data", "heldout"), ("data", "validation"))]
    rows.append(_dataset_named("teacher", "signals").in_(ids))
    rows.append(Job.spec["student"]["tokenizer"].astext.in_(ids))
    models = [Job.spec["teacher"]["models"].contains([id]) for id in ids]
    live = of_project(project).where(Job.state.not_in(ENDED))
    return live.where(or_(Job.subject.in_(ids), *rows, *models)).with_only_columns(Job.id).order_by(Job.id)


ASKED = (
    "$ ? (exists(@.teacher.models[*] ? (@ starts with $named))"
    " || exists(@.data.responses.keep[*].model ? (@ starts with $named)))"
)
"""A job that asks at an endpoint."""


def asking(project: str, endpoint: str | None = None) -> Select[str]:
    """Distillations that have not ended and name a model behind this endpoint (None: behind any), as teacher or as judge."""
    names = func.jsonb_path_exists(
        Job.spec,
        cast(ASKED, JSONPATH),
        func.jsonb_build_object("named", f"{endpoint}/" if endpoint else "ep_"),
    )
    live = of_project(project).where(Job.state.not_in(ENDED), names)
    return live.with_only_columns(Job.id).order_by(Job.id)


def _dataset_named(*path: str) -> ColumnElement[str]:
    """The dataset at a place of the posted spec, without its split."""
    return func.split_part(Job.spec[path].astext, "/", 1)
