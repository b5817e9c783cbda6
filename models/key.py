"""API keys, stored as HMAC-SHA256 with a pepper."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Select, Update, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, Id, ProjectId

NOTICED = timedelta(minutes=1)  # how exact last_used_at is: not a write per request


class Key(Base):
    __tablename__ = "keys"
    __table_args__ = (Index(None, "project", "id"),)

    id: Mapped[Id]  # key_
    project: Mapped[ProjectId]
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]  # last four characters
    scopes: Mapped[list[Any]]  # of read, write, admin
    created_at: Mapped[Created]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


def use(session: Session, digest: str) -> Key | None:
    """The valid key with this digest, noted as used."""
    stale = or_(Key.last_used_at.is_(None), Key.last_used_at < func.now() - NOTICED)
    found = session.execute(select(Key, stale).where(Key.digest == digest, Key.revoked_at.is_(None))).one_or_none()
    if found is None:
        return None
    key, unnoticed = found
    if unnoticed:
        noticed = update(Key).where(Key.id == key.id, stale).values(last_used_at=func.now())
        session.execute(noticed, execution_options={"synchronize_session": False})
    return key


def valid(project: str | None) -> Select[Key]:
    """Keys that are not revoked, of a project or of all (None)."""
    unrevoked = select(Key).where(Key.revoked_at.is_(None))
    return unrevoked if project is None else unrevoked.where(Key.project == project)


def revoke(id: str) -> Update:
    """Ends a key."""
    return update(Key).where(Key.id == id).values(revoked_at=func.now())


def revoke_all(project: str) -> Update:
    """Ends the keys of a project."""
    return update(Key).where(Key.project == project, Key.revoked_at.is_(None)).values(revoked_at=func.now())
