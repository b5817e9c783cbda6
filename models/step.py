"""Steps: the unit of lease, fence, attempt, retry, cost and cache."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, and_, case, func, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, Id, ProjectId, one_of


class StepState(StrEnum):
    BLOCKED = "blocked"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


SETTLED = (StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED, StepState.SKIPPED)
_WAITING = frozenset({StepState.READY, StepState.PAUSED, StepState.CANCELLED, StepState.SKIPPED})
TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.BLOCKED: _WAITING | {StepState.SUCCEEDED},
    StepState.READY: _WAITING - {StepState.READY} | {StepState.RUNNING},
    StepState.PAUSED: _WAITING - {StepState.PAUSED},
    StepState.RUNNING: _WAITING | {StepState.SUCCEEDED, StepState.FAILED},
} | dict.fromkeys(SETTLED, frozenset())


class Queue(StrEnum):
    GPU = "gpu"
    CPU = "cpu"
    IO = "io"


# In the order of the claim: what was interrupted goes first, then a project's own priority, age, plan.
_TURN = ("queue", "project", text("(attempts > 0) DESC"), text("priority DESC"), "created_at", "ordinal", "id")


class Step(Base):
    __tablename__ = "steps"
    __table_args__ = (
        Index("ix_steps_ready", *_TURN, postgresql_where="state = 'ready'"),
        Index("ix_steps_running", "queue", "project", "key", postgresql_where="state = 'running'"),
        Index("ix_steps_lease", "lease", postgresql_where="state = 'running'"),
        Index("ix_steps_cache", "project", "key", postgresql_where="state = 'succeeded' AND NOT cut"),
        Index(None, "job", "ordinal"),
        one_of("state", StepState),
        one_of("queue", Queue),
    )

    id: Mapped[Id]  # stp_
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    project: Mapped[ProjectId]
    ordinal: Mapped[int]
    name: Mapped[str]
    verb: Mapped[str]
    queue: Mapped[str]
    optional: Mapped[bool] = mapped_column(default=False)
    divisible: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # input name -> step name
    wants: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    after: Mapped[list[Any]] = mapped_column(server_default="[]")  # step names
    inputs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # "train/rows.arrow" -> {digest, bytes}
    params: Mapped[dict[str, Any]]
    wider: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # params whose outputs serve as well
    context: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # for reports; not in the key
    key: Mapped[str | None]  # once its inputs are known; None again where what it made answers for none
    priority: Mapped[int] = mapped_column(server_default="0")
    memory: Mapped[int] = mapped_column(server_default="0")  # bytes needed
    estimate: Mapped[float] = mapped_column(server_default="0")  # seconds expected
    state: Mapped[str] = mapped_column(default=StepState.BLOCKED)
    owner: Mapped[str | None]  # worker id
    fence: Mapped[int] = mapped_column(server_default="0")
    claimed_at: Mapped[datetime | None]  # under this fence
    halt: Mapped[str | None]  # why the child is asked to stop, besides the job's intent: one of models.cut.Halt
    attempts: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")  # that count against max_attempts
    interruptions: Mapped[int] = mapped_column(server_default="0")  # leases and machines lost since anything was kept
    lease: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    tailed: Mapped[int] = mapped_column(server_default="0")  # last child event number taken under this fence
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    checkpoints: Mapped[list[Any]] = mapped_column(server_default="[]")  # newest first: {path, step, files}
    micro_batch: Mapped[int | None]
    outputs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # path -> {digest, bytes}
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # of an inspection or a package
    log: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # {digest, bytes}, last attempt
    summary: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    cached_from: Mapped[str | None]  # the step whose outputs these are
    cut: Mapped[bool] = mapped_column(default=False)  # by a cap or finish: its outputs answer for no key
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    seconds: Mapped[float] = mapped_column(server_default="0")  # leased so far
    created_at: Mapped[Created]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


def of_jobs(ids: Iterable[str]) -> Select[Step]:
    """Steps of jobs, in the order of their plans. The caller has checked whose jobs they are."""
    return select(Step).where(Step.job.in_(tuple(ids))).order_by(Step.job, Step.ordinal)


def ahead(step: str, queue: str) -> Select[int]:
    """About how many ready steps will be claimed before this one: projects take turns, and the oldest goes first."""
    turn = func.row_number().over(
        partition_by=Step.project, order_by=(Step.priority.desc(), Step.created_at, Step.ordinal)
    )
    ready = (Step.queue == queue, Step.state == StepState.READY)
    line = select(Step.id, Step.created_at, turn.label("turn")).where(*ready).cte("line")
    mine = select(line.c.turn, line.c.created_at).where(line.c.id == step).subquery()
    earlier = or_(line.c.turn < mine.c.turn, and_(line.c.turn == mine.c.turn, line.c.created_at < mine.c.created_at))
    return select(func.count()).select_from(line).join(mine, earlier)


def pause(step: str) -> Select[float]:
    """Seconds until a step may be tried again; no row if it may be now."""
    left = func.extract("epoch", Step.not_before - func.now())
    return select(left).where(Step.id == step, Step.not_before > func.now())


def twin(step: str) -> Select[str]:
    """The job in which a step of the same key runs: the claim leaves this one alone, for it will be a cache hit."""
    mine = select(Step.queue, Step.project, Step.key).where(Step.id == step).subquery()
    same = (Step.queue == mine.c.queue, Step.project == mine.c.project, Step.key == mine.c.key)
    return select(Step.job).where(*same, Step.state == StepState.RUNNING, Step.id != step).limit(1)


def lock(session: Session, job: str) -> list[Step]:
    """The job's steps in the order of the plan, freshly read and held. The caller holds the job's lock."""
    held = select(Step).where(Step.job == job).order_by(Step.ordinal).with_for_update(key_share=True)
    return list(session.scalars(held, execution_options={"populate_existing": True}))


def of_keys(project: str, keys: Sequence[str]) -> Select[Step]:
    """The step whose outputs answer for one of the keys (at least one): for the first that has any, the newest. What a cap or `finish` cut short answers for none."""
    mine = (Step.project == project, Step.key.in_(keys), Step.state == StepState.SUCCEEDED, Step.cut.is_(False))
    best = case({key: place for place, key in enumerate(keys)}, value=Step.key)
    return select(Step).where(*mine).order_by(best, Step.finished_at.desc()).limit(1)
