"""Models: weights we hold, uploaded or distilled."""

from typing import Any

from sqlalchemy import Index, Select, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Id, ProjectId, one_of
from models.dataset import Readiness
from spec.facts import ModelFacts


class Model(Base):
    __tablename__ = "models"
    __table_args__ = (Index(None, "project", "id"), one_of("state", Readiness))

    id: Mapped[Id]  # mdl_
    project: Mapped[ProjectId]
    name: Mapped[str]
    origin: Mapped[str]  # upload or distillation
    request: Mapped[dict[str, Any]]  # files, architecture, signature as posted; {} for a student
    state: Mapped[str] = mapped_column(default=Readiness.PROCESSING)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # spec.facts.ModelFacts
    files: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # path -> {digest, bytes}
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    job: Mapped[str | None]  # inspection, or the distillation it is the student of
    licence: Mapped[str | None]  # as its owner states it
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    created_at: Mapped[Created]

    def known(self) -> ModelFacts | None:
        """What rules and plans may know of it; None until it was inspected, or made."""
        return ModelFacts.model_validate({**self.facts, "licence": self.licence}) if self.facts else None


def of_project(project: str) -> Select[Model]:
    """Models of a project: uploaded ones, and students from the moment their job was accepted."""
    return select(Model).where(Model.project == project)


def one(project: str, id: str) -> Select[Model]:
    return of_project(project).where(Model.id == id)
