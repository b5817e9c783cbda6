"""Answers of endpoints, kept the moment they are paid for: the same question costs nothing again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, ProjectId

Place = tuple[str, int]
"""(digest, sample)"""
FIRST: Place = ("", -1)
"""Before all places."""
LOT = 2000
"""Answers that one transaction looks at to delete them."""
SAMPLE = 5000
"""Answers from which the size of all is reckoned."""

# Statistics lag behind, and a plan that sorts reads all answers of the project: the key has them in order.
IN_ORDER = text("SET LOCAL enable_sort = off")
# Lots go on where the last one ended, and have a bound also where all answers are too young to go.
DROP = text("""
WITH looked AS MATERIALIZED (
  SELECT ctid AS place, digest, sample, created_at FROM answers
  WHERE project = :project AND (digest, sample) > (:digest, :sample)
  ORDER BY digest, sample LIMIT :lot
), gone AS (
  DELETE FROM answers
  WHERE ctid = ANY(ARRAY(SELECT place FROM looked WHERE created_at < coalesce(:before, 'infinity'::timestamptz)))
  RETURNING 1
)
SELECT digest, sample, (SELECT count(*) FROM looked) AS looked, (SELECT count(*) FROM gone) AS deleted
FROM looked ORDER BY digest DESC, sample DESC LIMIT 1
""")


class StoredAnswer(Base):
    __tablename__ = "answers"

    project: Mapped[ProjectId] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)  # of endpoint, model, messages and sampling; not of n
    sample: Mapped[int] = mapped_column(primary_key=True)
    reply: Mapped[dict[str, Any]]  # spec.gateway.Answer
    created_at: Mapped[Created]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One sample, as it is to be kept."""

    digest: str
    sample: int
    reply: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Lot:
    """What one transaction has deleted, and the last place that it looked at; None: there are none after it."""

    deleted: int
    last: Place | None


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a project keeps, in bytes of replies as they are stored. Not `exact`: to some percent."""

    count: int
    bytes: int
    exact: bool


def held(session: Session, project: str, digests: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]:
    """(digest, sample) to the reply, of those that were ever paid for."""
    wanted = StoredAnswer.digest.in_(tuple(digests))
    found = select(StoredAnswer.digest, StoredAnswer.sample, StoredAnswer.reply)
    rows = session.execute(found.where(StoredAnswer.project == project, wanted))
    return {(digest, sample): reply for digest, sample, reply in rows}


def keep(session: Session, project: str, answers: Sequence[Kept]) -> None:
    """Writes answers, whoever asks and whatever became of the step: they are paid for. One that is there already stays."""
    if answers:
        rows = [{"project": project, **vars(answer)} for answer in sorted(answers, key=lambda a: (a.digest, a.sample))]
        session.execute(insert(StoredAnswer).values(rows).on_conflict_do_nothing())


def drop(session: Session, project: str, after: Place, before: datetime | None) -> Lot:
    """Deletes those of the next `LOT` answers that were kept before a time; None: all of them."""
    values = {"project": project, "digest": after[0], "sample": after[1], "before": before, "lot": LOT}
    session.execute(IN_ORDER)
    row = session.execute(DROP, values).one_or_none()
    if row is None:
        return Lot(deleted=0, last=None)
    return Lot(deleted=row.deleted, last=(row.digest, row.sample) if row.looked == LOT else None)


def size(session: Session, project: str) -> Size:
    """Counts the first `SAMPLE`. Digests are spread evenly: where there are more, they are as many times more as the last of these is of all digests."""
    first = select(StoredAnswer.digest, func.pg_column_size(StoredAnswer.reply).label("bytes"))
    first = first.where(StoredAnswer.project == project).order_by(StoredAnswer.digest, StoredAnswer.sample)
    some = first.limit(SAMPLE).subquery()
    sums = select(func.count(), func.coalesce(func.sum(some.c.bytes), 0), func.max(some.c.digest))
    session.execute(IN_ORDER)
    count, held_bytes, last = session.execute(sums.select_from(some)).one()
    if count < SAMPLE:
        return Size(count=count, bytes=held_bytes, exact=True)
    share = (int(last[:12], 16) + 1) / 16**12
    return Size(count=round(count / share), bytes=round(held_bytes / share), exact=False)
