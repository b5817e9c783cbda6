"""Projects: the tenant. Every other row belongs to one."""

from sqlalchemy import Delete, Select, delete, func, select
from sqlalchemy.orm import Mapped

from models.answer import StoredAnswer
from models.base import Base, Created, Id
from models.batch import Batch
from models.blob import Ref
from models.charge import Charge
from models.dataset import Dataset
from models.endpoint import Endpoint
from models.file import File
from models.idempotency import IdempotencyKey
from models.job import Job
from models.key import Key
from models.model import Model
from models.share import ProjectShare


class Project(Base):
    __tablename__ = "projects"

    id: Mapped[Id]  # proj_
    name: Mapped[str]
    quota_bytes: Mapped[int | None]
    usd_per_month: Mapped[float | None]  # of a calendar month (UTC): all charges count, and calls alone are held to it
    created_at: Mapped[Created]


def one(id: str) -> Select[Project]:
    return select(Project).where(Project.id == id)


def visible(project: str | None) -> Select[Project]:
    """The one project, or all (None)."""
    return select(Project) if project is None else one(project)


def counted(id: str) -> Select[Project]:
    """The project, held so that two uploads cannot both fit into its last free bytes."""
    return one(id).with_for_update(key_share=True)


def locked(id: str) -> Select[Project]:
    """The project, held so that nothing new can come to belong to it."""
    return one(id).with_for_update()


def contents(id: str) -> dict[str, Select[int]]:
    """How many things of each noun a project has, by the noun's plural."""
    nouns = {
        "files": File.project, "datasets": Dataset.project, "models": Model.project, "jobs": Job.project,
        "endpoints": Endpoint.project,
    }  # fmt: skip
    return {noun: select(func.count()).where(owner == id) for noun, owner in nouns.items()}


def remains(id: str) -> list[Delete]:
    """What an empty project still has, to be deleted with it. No batch is under way: its endpoint would still be there."""
    owners = (
        Key.project, IdempotencyKey.project, ProjectShare.project, Charge.project, Ref.project, StoredAnswer.project,
        Batch.project,
    )  # fmt: skip
    return [delete(owner.class_).where(owner == id) for owner in owners]


def of_name(name: str) -> Select[Project]:
    """The oldest project of this name: names are not unique."""
    return select(Project).where(Project.name == name).order_by(Project.id).limit(1)
