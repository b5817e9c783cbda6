"""Blobs (bytes in storage, by sha256) and refs (who needs them). Garbage is what no ref names.

Always sorted by digest: two jobs that write the same blobs in different order would deadlock.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningDelete

from models.base import Base, Created, ProjectId

GRACE = timedelta(hours=1)  # a row is written before its bytes are stored, and both before their refs
LOT = 5000  # rows: a statement has 65,535 parameters at most


class Blob(Base):
    __tablename__ = "blobs"

    digest: Mapped[str] = mapped_column(primary_key=True)
    bytes: Mapped[int]
    created_at: Mapped[Created]


class Ref(Base):
    """`owner` is the id of a file, dataset, model or step. The foreign key is what keeps garbage collection honest."""

    __tablename__ = "refs"
    __table_args__ = (Index(None, "digest"), Index(None, "project"))

    owner: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("blobs.digest"), primary_key=True)
    project: Mapped[ProjectId]


def announce(session: Session, digest: str, size: int) -> None:
    """Writes or renews the row of bytes that are about to be stored: from its commit on, nobody takes them for garbage.

    In a short transaction of its own: it waits for whoever is deleting the same bytes just now.
    """
    row = insert(Blob).values(digest=digest, bytes=size)
    session.execute(row.on_conflict_do_update(index_elements=["digest"], set_={"created_at": func.now()}))


def keep(session: Session, project: str, owner: str, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Records files that are in storage ({path: {digest, bytes}}) and that `owner` needs them."""
    sizes = {file["digest"]: file["bytes"] for file in files.values()}
    for some in lots(sorted(sizes)):
        rows = insert(Blob).values([{"digest": digest, "bytes": sizes[digest]} for digest in some])
        # The update renews the grace of a blob that nobody needs at the moment.
        session.execute(rows.on_conflict_do_update(index_elements=["digest"], set_={"created_at": func.now()}))
    _refer(session, project, owner, sizes)


def pin(session: Session, project: str, owner: str, files: Mapping[str, Mapping[str, Any]]) -> bool:
    """Like `keep`, of files that must be there already: False, and nothing pinned, if one of them is gone."""
    digests = sorted({file["digest"] for file in files.values()})
    for some in lots(digests):
        held = select(Blob.digest).where(Blob.digest.in_(some)).order_by(Blob.digest)
        if len(session.scalars(held.with_for_update(read=True, key_share=True)).all()) < len(some):
            return False
    _refer(session, project, owner, digests)
    return True


def release(session: Session, owner: str, besides: Iterable[str] = ()) -> None:
    """`owner` needs its files no longer, but those with the digests `besides`."""
    mine = delete(Ref).where(Ref.owner == owner, Ref.digest.not_in(list(besides)))
    session.execute(mine, execution_options={"synchronize_session": False})


def held_bytes(project: str | None) -> Select[int]:
    """Bytes of all that a project, or any (None), needs, each blob counted once."""
    digests = select(Ref.digest) if project is None else select(Ref.digest).where(Ref.project == project)
    return select(func.coalesce(func.sum(Blob.bytes), 0)).where(Blob.digest.in_(digests))


def garbage(limit: int = 1000) -> Select[str]:
    """Digests that nobody needs and whose grace is over."""
    unneeded = ~select(Ref.owner).where(Ref.digest == Blob.digest).exists()
    return select(Blob.digest).where(unneeded, Blob.created_at < func.now() - GRACE).order_by(Blob.digest).limit(limit)


def drop(digest: str) -> ReturningDelete[str]:
    """The row of one piece of garbage. The foreign key refuses (23503) if somebody has just come to need it."""
    return delete(Blob).where(Blob.digest == digest, Blob.created_at < func.now() - GRACE).returning(Blob.digest)


def bar(session: Session, digest: str) -> bool:
    """Until the transaction ends, whoever announces these bytes waits. False: somebody has announced them already.

    The row that bars the way is not to be committed: `unbar` takes it back.
    """
    row = insert(Blob).values(digest=digest, bytes=0).on_conflict_do_nothing().returning(Blob.digest)
    return session.scalar(row) is not None


def unbar(session: Session, digest: str) -> None:
    session.execute(delete(Blob).where(Blob.digest == digest))


def _refer(session: Session, project: str, owner: str, digests: Iterable[str]) -> None:
    for some in lots(sorted(digests)):
        rows = [{"owner": owner, "digest": digest, "project": project} for digest in some]
        session.execute(insert(Ref).values(rows).on_conflict_do_nothing())


def lots(digests: list[str]) -> Iterator[list[str]]:
    rest = iter(digests)
    while some := list(islice(rest, LOT)):
        yield some
