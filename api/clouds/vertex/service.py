"""What making, finding and cancelling a tuning job decides. A job is found below the parent that it was made under."""

from sqlalchemy import Select
from sqlalchemy.orm import Session

from api.clouds import jobs as ours
from api.clouds.vertex.reply import to_tuning_job
from api.clouds.vertex.translation import PARENT, PLACES, to_distillation
from api.clouds.vertex.wire import CancelledTuningJob, NewTuningJob, TuningJob, TuningJobList
from api.pages import Paging, cut
from models import job as jobs
from models.job import Job

NOUN = "tuning job"


def create(session: Session, project: str, parent: str, body: NewTuningJob) -> tuple[TuningJob, set[str]]:
    """Raises Refused with every problem, said of their fields."""
    row, queues = ours.accept(session, project, to_distillation(body, parent), PLACES)
    (shown,) = ours.show(session, [row])
    return to_tuning_job(shown), queues


def get(session: Session, project: str, parent: str, id: str) -> TuningJob:
    """Raises NotFound."""
    (shown,) = ours.show(session, [ours.find(session, _below(project, parent).where(Job.id == id), id, NOUN)])
    return to_tuning_job(shown)


def listed(session: Session, project: str, parent: str, asked: Paging) -> TuningJobList:
    """A page, newest first."""
    part = cut(session, _below(project, parent), Job.id, asked)
    token = part.rows[-1].id if part.has_more else None
    return TuningJobList(tuningJobs=[to_tuning_job(one) for one in ours.show(session, part.rows)], nextPageToken=token)


def cancel(session: Session, project: str, parent: str, id: str) -> tuple[CancelledTuningJob, set[str]]:
    """Raises NotFound, Conflict."""
    return CancelledTuningJob(), ours.stop(session, project, _below(project, parent).where(Job.id == id), id, NOUN)


def _below(project: str, parent: str) -> Select[Job]:
    return jobs.of_project(project).where(Job.metadata_.contains({PARENT: parent}))
