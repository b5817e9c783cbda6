"""Answers of endpoints, kept the moment they are paid for: the same question costs nothing again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, ProjectId


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
