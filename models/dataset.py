"""Datasets: immutable typed rows with splits, made from files by an inspection."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Select, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Id, ProjectId, one_of


class Readiness(StrEnum):
    """Of a dataset or a model: facts are awaited, there, or will never be."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Dataset(Base):
    __tablename__ = "datasets"
    __table_args__ = (Index(None, "project", "id"), Index(None, "project", "made_for"), one_of("state", Readiness))

    id: Mapped[Id]  # ds_
    project: Mapped[ProjectId]
    name: Mapped[str]
    made_for: Mapped[str | None]  # the file- that a job named directly
    request: Mapped[dict[str, Any]]  # files, columns, splits as posted
    state: Mapped[str] = mapped_column(default=Readiness.PROCESSING)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # spec.facts.DatasetFacts
    files: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # path -> {digest, bytes}
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    job: Mapped[str | None]  # its inspection
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    created_at: Mapped[Created]


def of_project(project: str) -> Select[Dataset]:
    """Datasets of a project, those that jobs made from their files too."""
    return select(Dataset).where(Dataset.project == project)


def one(project: str, id: str) -> Select[Dataset]:
    return of_project(project).where(Dataset.id == id)
