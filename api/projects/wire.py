"""Projects as they are received and sent."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from models.project import Project as Row
from spec.part import Name, Part


class NewProject(Part):
    """What POST /v1/projects takes."""

    name: Name
    quota_bytes: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    """Bytes that files and outputs may hold; null: the server's default."""
    usd_per_month: Annotated[float, Field(ge=0, le=10_000_000)] | None = None
    """US dollars of all charges in a calendar month (UTC); null: no cap."""


class ProjectChange(Part):
    """What PATCH /v1/projects/{id} takes: what is absent stays as it is."""

    name: Name | None = None
    usd_per_month: Annotated[float, Field(ge=0, le=10_000_000)] | None = None
    """null, where it is sent: no cap from now on."""


class Project(BaseModel):
    """A tenant: everything else belongs to one."""

    id: str
    object: Literal["project"] = "project"
    name: str
    quota_bytes: int | None
    usd_per_month: float | None
    created_at: int

    @classmethod
    def of(cls, row: Row) -> "Project":
        created = int(row.created_at.timestamp())
        return cls(
            id=row.id,
            name=row.name,
            quota_bytes=row.quota_bytes,
            usd_per_month=row.usd_per_month,
            created_at=created,
        )


class ProjectDeleted(BaseModel):
    """A project that is no more."""

    id: str
    object: Literal["project"] = "project"
    deleted: Literal[True] = True
