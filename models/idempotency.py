"""Idempotency keys: the reply that the first POST under a key got, kept 24 hours."""

from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Delete, Index, Select, Update, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from models.base import Base, Created, ProjectId

KEPT = timedelta(hours=24)


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    project: Mapped[ProjectId] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]  # of method, path and body
    body: Mapped[dict[str, Any]] = mapped_column(JSON)  # as it was written: JSONB would order its keys anew
    created_at: Mapped[Created]


def take(project: str, key: str, digest: str) -> ReturningInsert[str]:
    """The key, if it is ours to use: new, or older than it is kept. Waits for a transaction that is taking it."""
    row = insert(IdempotencyKey).values(project=project, key=key, digest=digest, body={})
    fresh = {"digest": digest, "body": {}, "created_at": func.now()}
    expired = IdempotencyKey.created_at < func.now() - KEPT
    return row.on_conflict_do_update(index_elements=["project", "key"], set_=fresh, where=expired).returning(
        IdempotencyKey.key
    )


def fill(project: str, key: str, body: dict[str, Any]) -> Update:
    """Writes the reply: in the transaction that took the key, and again where more is known later."""
    mine = (IdempotencyKey.project == project, IdempotencyKey.key == key)
    return update(IdempotencyKey).where(*mine).values(body=body)


def find(project: str, key: str) -> Select[str, dict[str, Any]]:
    """Digest and reply of the request that used the key."""
    mine = (IdempotencyKey.project == project, IdempotencyKey.key == key)
    return select(IdempotencyKey.digest, IdempotencyKey.body).where(*mine)


def expired() -> Delete:
    """Keys that are kept no longer."""
    return delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT)
