"""What the database knows of the things that a job names, as `spec.facts.Facts`."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.dataset import Dataset, Readiness
from models.endpoint import Endpoint
from models.file import File
from models.job import ENDED, Job, JobKind, JobState
from models.model import Model
from models.step import Step
from spec.distillation import Distillation
from spec.facts import DatasetFacts, Facts, PairFacts, TokenizerFacts
from spec.problem import Problem
from spec.tokenizer import named as named_tokenizer
from spec.waiting import PAIR, TOKENIZER, pairs, references

UNTOLD = Problem(code="failed", message="It failed.")


def gather(session: Session, project: str, spec: Distillation) -> Facts:
    """All that is known of what the job names. Ids that the project does not have are absent."""
    named = {id for id, param in references(spec) if param != TOKENIZER}
    facts = Facts()
    for row in _datasets(session, project, named):
        facts = _add(facts, row.id, row)
        facts = _add(facts, row.made_for, row) if row.made_for in named else facts
    for model in session.scalars(select(Model).where(Model.project == project, Model.id.in_(named))):
        facts = _add(facts, model.id, model)
    for endpoint in session.scalars(select(Endpoint).where(Endpoint.project == project, Endpoint.id.in_(named))):
        facts = facts.model_copy(update={"endpoints": facts.endpoints | {endpoint.id: endpoint.known()}})
    unmade = named - facts.datasets.keys() - facts.processing.keys() - facts.failed.keys()
    files = session.scalars(select(File.id).where(File.project == project, File.id.in_(unmade)))
    facts = facts.model_copy(update={"processing": facts.processing | {id: f"inspection of {id}" for id in files}})
    return _compare(session, project, spec, _tokenizer(session, project, spec, facts))


def dataset_of(session: Session, project: str, file: str) -> Dataset | None:
    """The dataset that a job had made of a file, if it has not failed to be one."""
    made = select(Dataset).where(Dataset.project == project, Dataset.made_for == file)
    return session.scalars(made.where(Dataset.state != Readiness.FAILED).limit(1)).one_or_none()


def file_called(session: Session, project: str, called: str) -> File | None:
    """A file by its id, or the newest of this sha256."""
    mine = select(File).where(File.project == project, (File.id == called) | (File.digest == called))
    return session.scalars(mine.order_by(File.id.desc()).limit(1)).one_or_none()


def tokenizer_job(session: Session, project: str, called: str) -> Job | None:
    """The latest look at a tokenizer, by what jobs call it."""
    mine = (Job.project == project, Job.kind == JobKind.INSPECTION, Job.subject == called)
    return session.scalars(select(Job).where(*mine).order_by(Job.id.desc()).limit(1)).one_or_none()


def pair_job(session: Session, project: str, key: str) -> Job | None:
    """The latest comparison of two sets of rows."""
    mine = (Job.project == project, Job.kind == JobKind.INSPECTION, Job.subject == PAIR + key)
    return session.scalars(select(Job).where(*mine).order_by(Job.id.desc()).limit(1)).one_or_none()


def _datasets(session: Session, project: str, named: set[str]) -> list[Dataset]:
    mine = select(Dataset).where(Dataset.project == project)
    # Of several datasets made from one file the newest speaks for it.
    return [
        *session.scalars(mine.where(Dataset.id.in_(named))),
        *session.scalars(mine.where(Dataset.made_for.in_(named)).order_by(Dataset.id)),
    ]


def _add(facts: Facts, id: str, row: Dataset | Model) -> Facts:
    """Facts with those of one dataset or model under the name that the job uses."""
    datasets, models = dict(facts.datasets), dict(facts.models)
    processing, failed = dict(facts.processing), dict(facts.failed)
    for named in (datasets, models, processing, failed):
        named.pop(id, None)
    if row.state == Readiness.FAILED:
        failed[id] = Problem.model_validate(row.error) if row.error else UNTOLD
    elif row.state == Readiness.PROCESSING:
        student = isinstance(row, Model) and row.origin == "distillation"
        processing[id] = str(row.job) if student else f"inspection of {id}"
    elif isinstance(row, Model):
        known = row.known()
        assert known is not None  # of a model that is ready
        models[id] = known
    else:
        datasets[id] = DatasetFacts.model_validate(row.facts)
    gathered = {"datasets": datasets, "models": models, "processing": processing, "failed": failed}
    return facts.model_copy(update=gathered)


def _tokenizer(session: Session, project: str, spec: Distillation, facts: Facts) -> Facts:
    """Facts with those of the tokenizer that the job names, if its file is there: its inspection is known by the name."""
    called = named_tokenizer(spec)
    if called is None or file_called(session, project, called) is None:
        return facts
    job = tokenizer_job(session, project, called)
    if job is None or job.state not in ENDED:
        return facts.model_copy(update={"processing": facts.processing | {called: f"inspection of {called}"}})
    if job.state != JobState.SUCCEEDED:
        why = Problem.model_validate(job.error) if job.error else UNTOLD
        return facts.model_copy(update={"failed": facts.failed | {called: why}})
    found = session.scalars(select(Step.facts).where(Step.job == job.id)).one()
    return facts.model_copy(update={"tokenizers": {called: TokenizerFacts.model_validate(found)}})


def _compare(session: Session, project: str, spec: Distillation, facts: Facts) -> Facts:
    known: dict[str, PairFacts] = {}
    for key in pairs(spec, facts):
        job = pair_job(session, project, key)
        if job is not None and job.state == JobState.SUCCEEDED:
            found = session.scalars(select(Step.facts).where(Step.job == job.id)).one()
            known[key] = PairFacts.model_validate(found)
    return facts.model_copy(update={"pairs": known})
