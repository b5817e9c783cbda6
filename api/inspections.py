"""What datasets and models share: they are made of uploaded files by an inspection, and kept while a job needs them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy.orm import Session

from api.errors import Conflicting, Invalid
from models import file as files_of
from models import job as jobs
from models.admission import start_inspection
from models.advance import advance
from models.blob import release
from models.dataset import Dataset
from models.file import File
from models.job import ENDED, Intent, JobKind
from models.model import Model
from spec.params import InspectDataset, InspectModel
from spec.problem import Problem

FileId = Annotated[str, StringConstraints(pattern=r"^file-[0-9a-z]+$")]


def uploaded(session: Session, project: str, ids: Sequence[str]) -> list[File]:
    """The files with these ids, in this order. Raises Invalid with a problem for each that is not there."""
    found = {row.id: row for row in session.scalars(files_of.held(project, ids))}
    missing = [
        Problem(code="file_not_found", message=f"No such file: {id!r}.", param=f"files[{i}]", hint="Upload it first.")
        for i, id in enumerate(ids)
        if id not in found
    ]
    if missing:
        raise Invalid.because(missing)
    return [found[id] for id in ids]


def path_of(position: int) -> str:
    """Where the inspection finds a file: names that users give are not paths."""
    return str(position)


def begin(
    session: Session, row: Dataset | Model, files: Sequence[File], params: InspectDataset | InspectModel
) -> set[str]:
    """Puts the row's inspection on its way; returns the queues to ring."""
    session.add(row)
    session.flush()
    contents = {path_of(i): {"digest": file.digest, "bytes": file.bytes} for i, file in enumerate(files)}
    asked = {"kind": params.kind, **params.model_dump(mode="json", exclude_defaults=True)}
    job, queues = start_inspection(session, row.project, row.id, row.name, asked, contents)
    row.job = job.id
    session.flush()
    return queues


def discard(session: Session, row: Dataset | Model, *names: str) -> set[str]:
    """Deletes the row and frees what only it holds; returns the queues to ring.

    Raises Conflicting (`in_use`) while a job that has not ended names the row (or one of `names`), or makes it.
    """
    needing = session.scalars(jobs.needing(row.project, (row.id, *names)).limit(5)).all()
    if needing:
        raise Conflicting(
            f"{row.id} is needed by {', '.join(needing)}.",
            code="in_use",
            hint="Wait for the end of these jobs, or cancel them.",
        )
    queues = _stop(session, row)
    session.delete(row)
    session.flush()
    release(session, row.id)
    return queues


def _stop(session: Session, row: Dataset | Model) -> set[str]:
    """Ends the inspection of a row that is going."""
    job = jobs.lock(session, row.job) if row.job is not None else None
    if job is None or job.kind != JobKind.INSPECTION or job.state in ENDED:
        return set()
    job.intent = Intent.CANCEL
    return advance(session, job)
