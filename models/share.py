"""Shares: device seconds a project used lately (half-life one hour), for fairness between projects."""

from sqlalchemy import extract, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, ProjectId


class ProjectShare(Base):
    __tablename__ = "shares"

    project: Mapped[ProjectId] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[float]
    at: Mapped[Created]


def add(session: Session, project: str, queue: str, seconds: float) -> None:
    """Adds device seconds to what is left of the earlier ones. The last row of a transaction: projects share it."""
    row = insert(ProjectShare).values(project=project, queue=queue, used=seconds, at=func.clock_timestamp())
    age = extract("epoch", func.clock_timestamp() - ProjectShare.at)
    used = ProjectShare.used * func.power(0.5, age / 3600) + row.excluded.used
    update = {"used": used, "at": func.clock_timestamp()}
    session.execute(row.on_conflict_do_update(index_elements=["project", "queue"], set_=update))
