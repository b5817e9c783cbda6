"""What an ended job means for the dataset or model that it is about."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import blob
from models.dataset import Dataset, Readiness
from models.job import Job, JobState
from models.model import Model
from models.step import Step
from spec.problem import Problem

CANCELLED = Problem(code="cancelled", message="The job that was to make this was cancelled.")


def settle(session: Session, job: Job, steps: Sequence[Step]) -> None:
    """Writes the facts of the job's last step on its subject, or why there are none. The subject may be deleted."""
    row = of(session, job)
    if row is None:
        return
    last = steps[-1] if steps else None
    if job.state == JobState.SUCCEEDED and last is not None and last.facts is not None:
        named = last.facts["files"] if isinstance(row, Model) else {}
        row.facts, row.files, row.state = last.facts, {**last.outputs, **named}, Readiness.READY
        blob.pin(session, row.project, row.id, row.files)
        return
    row.state = Readiness.FAILED
    row.error = job.error or CANCELLED.model_dump(exclude_none=True)


def of(session: Session, job: Job) -> Dataset | Model | None:
    """The job's subject, held; None where it is a pair of row sets, or deleted."""
    kind, _, _ = (job.subject or "").partition("_")
    if kind == "ds":
        return session.get(Dataset, job.subject, with_for_update={"key_share": True}, populate_existing=True)
    if kind == "mdl":
        return session.get(Model, job.subject, with_for_update={"key_share": True}, populate_existing=True)
    return None
