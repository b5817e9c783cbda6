"""Files: bytes that somebody sent."""

from collections.abc import Sequence

from sqlalchemy import CompoundSelect, ForeignKey, Index, Select, cast, func, select, union_all
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Id, ProjectId
from models.dataset import Dataset, Readiness
from models.model import Model


class File(Base):
    __tablename__ = "files"
    __table_args__ = (Index(None, "project", "id"),)

    id: Mapped[Id]  # file-
    project: Mapped[ProjectId]
    filename: Mapped[str]
    purpose: Mapped[str]
    bytes: Mapped[int]
    digest: Mapped[str] = mapped_column(ForeignKey("blobs.digest"))
    created_at: Mapped[Created]


def of_project(project: str, purpose: str | None = None) -> Select[File]:
    """Files of a project, of one purpose or of all."""
    statement = select(File).where(File.project == project)
    return statement if purpose is None else statement.where(File.purpose == purpose)


def one(project: str, id: str) -> Select[File]:
    return of_project(project).where(File.id == id)


def held(project: str, ids: Sequence[str]) -> Select[File]:
    """Files that something is about to be made of: they cannot be deleted before this transaction ends."""
    return of_project(project).where(File.id.in_(ids)).order_by(File.id).with_for_update(read=True, key_share=True)


def inspected_for(project: str, id: str) -> CompoundSelect[str]:
    """Datasets and models whose inspection still has to read the file."""
    named = cast("$.files[*] ? (@ == $file || @.file == $file)", JSONPATH)

    def waiting(table: type[Dataset] | type[Model]) -> Select[str]:
        names = func.jsonb_path_exists(table.request, named, func.jsonb_build_object("file", id))
        return select(table.id).where(table.project == project, table.state == Readiness.PROCESSING, names)

    return union_all(waiting(Dataset), waiting(Model)).limit(5)
