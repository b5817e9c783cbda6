"""What making, finding and stopping a model customization job decides."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from api.clouds import jobs as ours
from api.clouds.bedrock.reply import STATUS, to_job, to_summary
from api.clouds.bedrock.translation import PLACES, ROLE, tags, to_distillation
from api.clouds.bedrock.wire import (
    MadeModelCustomizationJob,
    ModelCustomizationJob,
    ModelCustomizationJobList,
    NewModelCustomizationJob,
    Status,
    StoppedModelCustomizationJob,
)
from api.pages import Paging, cut
from models import job as jobs
from models.job import ENDED, Intent, Job
from models.model import Model

NOUN = "model customization job"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a list is narrowed to."""

    status: Status | None
    name: str | None
    after: datetime | None
    before: datetime | None


def create(
    session: Session, project: str, body: NewModelCustomizationJob
) -> tuple[MadeModelCustomizationJob, set[str]]:
    """The job, and the name that its student is to have. Raises Refused with every problem, said of their fields."""
    posted = to_distillation(body)
    job, queues = ours.accept(session, project, posted, PLACES)
    student = session.get_one(Model, job.subject)
    student.name, student.metadata_ = body.customModelName, tags(body.customModelTags, "customModelTags")
    session.flush()
    return MadeModelCustomizationJob(jobArn=job.id), queues


def get(session: Session, project: str, id: str) -> ModelCustomizationJob:
    """Raises NotFound."""
    (shown,) = ours.show(session, [ours.find(session, _named(project, id), id, NOUN)])
    return to_job(shown)


def stop(session: Session, project: str, id: str) -> tuple[StoppedModelCustomizationJob, set[str]]:
    """Raises NotFound, Conflict."""
    queues = ours.stop(session, project, _named(project, id), id, NOUN)
    return StoppedModelCustomizationJob(), queues


def listed(session: Session, project: str, filters: Filters, asked: Paging) -> ModelCustomizationJobList:
    """A page."""
    part = cut(session, _narrowed(_of_project(project), filters), Job.id, asked)
    token = part.rows[-1].id if part.has_more else None
    return ModelCustomizationJobList(
        nextToken=token, modelCustomizationJobSummaries=[to_summary(one) for one in ours.show(session, part.rows)]
    )


def _of_project(project: str) -> Select[Job]:
    """Those that were asked for here."""
    return jobs.of_project(project).where(Job.metadata_.op("?")(ROLE))


def _named(project: str, id: str) -> Select[Job]:
    """By id, or the newest of a name."""
    return _of_project(project).where(or_(Job.id == id, Job.name == id)).order_by(Job.id.desc())


def _narrowed(found: Select[Job], filters: Filters) -> Select[Job]:
    if filters.status == "Stopping":
        found = found.where(Job.intent == Intent.CANCEL, Job.state.not_in(ENDED))
    elif filters.status is not None:
        found = found.where(Job.state.in_([state for state, status in STATUS.items() if status == filters.status]))
        if filters.status == "InProgress":
            found = found.where(Job.intent != Intent.CANCEL)
    if filters.name is not None:
        found = found.where(Job.name.contains(filters.name, autoescape=True))
    if filters.after is not None:
        found = found.where(Job.created_at > _utc(filters.after))
    return found if filters.before is None else found.where(Job.created_at < _utc(filters.before))


def _utc(time: datetime) -> datetime:
    """A time without a zone is of UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
