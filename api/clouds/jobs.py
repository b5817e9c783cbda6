"""What both clouds do with our jobs: accept, find, list and stop them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from api.clouds.told import Places, named, theirs
from api.distillations import view
from api.distillations.wire import DistillationJob
from api.errors import NotFound
from models import admission
from models import intent as intents
from models.job import Job
from models.model import Model
from spec.distillation import Distillation
from spec.errors import parse
from spec.problem import Refused


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A job, what it was posted as, and the name of its student."""

    posted: Distillation
    job: DistillationJob
    model: str


def accept(session: Session, project: str, posted: dict[str, Any], places: Places) -> tuple[Job, set[str]]:
    """A new job, and queues to ring. Raises Refused with every problem, said of the request's own fields."""
    try:
        spec = parse(posted)
        job, queues = admission.accept(session, project, spec, posted, metadata=spec.metadata)
    except Refused as refusal:
        raise theirs(refusal, named(places, posted["data"].get("heldout"))) from None
    session.flush()
    return job, queues


def find(session: Session, meant: Select[Job], id: str, noun: str) -> Job:
    """The first that a statement finds. Raises NotFound."""
    row = session.scalar(meant.limit(1))
    if row is None:
        raise NotFound.of(noun, id)
    return row


def show(session: Session, rows: Sequence[Job]) -> list[Shown]:
    """Rows in their order."""
    names = dict(
        session.execute(select(Model.id, Model.name).where(Model.id.in_([row.subject for row in rows]))).tuples().all()
    )
    seen = view.show_all(session, rows)
    return [
        Shown(
            posted=Distillation.model_validate(row.spec), job=job, model=names.get(row.subject or "", row.name)
        )  # a student that was deleted has left its job's name
        for row, job in zip(rows, seen, strict=True)
    ]


def stop(session: Session, project: str, meant: Select[Job], id: str, noun: str) -> set[str]:
    """Cancels; returns queues to ring. Raises NotFound, Conflict (`invalid_state`) where it has ended."""
    _, queues = intents.cancel(session, project, find(session, meant, id, noun).id)
    return queues
