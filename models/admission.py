"""How a job comes to be: accepted on its facts as far as they are known, planned when they all are."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import blob, event, rate
from models.advance import advance
from models.counted import counted
from models.dataset import Dataset
from models.facts import dataset_of, file_called, gather, pair_job, tokenizer_job
from models.file import File
from models.job import ENDED, Job, JobKind, JobState
from models.model import Model
from models.step import Queue, Step
from spec import plan, rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.ids import new_id
from spec.price import estimate, uncovered
from spec.problem import Problem, Refused
from spec.resolve import resolve
from spec.rules import problems, warnings
from spec.step import Step as Planned
from spec.waiting import PAIR, TOKENIZER, references, waiting

UNCOMPARED = Problem(code="internal", message="Training and held-out rows could not be compared.")
UNPLANNED = Problem(code="internal", message="The job could not be planned.")

__all__ = ["accept", "admit", "compare", "gather", "give_up", "inspect_files", "start_inspection", "unplanned"]


class Unreadable(Exception):
    """A newer version than this one has written the job, or what is known of its rows and models: its workers will plan it."""


def start_inspection(
    session: Session, project: str, subject: str, name: str, params: dict[str, Any], files: dict[str, dict[str, Any]]
) -> tuple[Job, set[str]]:
    """A job of one `inspect` step about a dataset, a model or a tokenizer.

    `params`: one of the Inspect classes of spec/params.py; `files`: path to {digest, bytes}, as `inputs/files/<path>`.
    """
    return _inspect(session, project, subject, name, params, {f"files/{path}": file for path, file in files.items()})


def _inspect(
    session: Session, project: str, subject: str, name: str, params: dict[str, Any], inputs: dict[str, dict[str, Any]]
) -> tuple[Job, set[str]]:
    job = Job(id=new_id("ins_"), project=project, kind=JobKind.INSPECTION, name=name, spec=params, resolved={})
    job.subject = subject
    session.add(job)
    session.flush()
    only = Planned(name="inspect", verb="inspect", queue="cpu", params=params, inputs={}, memory=0, seconds=0)
    _add_step(session, job, 0, only, inputs)
    return job, advance(session, job)


def accept(
    session: Session, project: str, spec: Distillation, posted: dict[str, Any], *, metadata: dict[str, str]
) -> tuple[Job, set[str]]:
    """A new distillation, with the row of its student. `posted` is the spec as it came.

    Raises Refused with all that is known to be wrong; what is still being inspected may be refused later, at no cost.
    """
    found = problems(spec, gather(session, project, spec))
    if found:
        raise Refused(*found)
    job = Job(id=new_id("dst_"), project=project, kind=JobKind.DISTILLATION, name=spec.name, spec=posted)
    job.subject, job.hours, job.metadata_ = new_id("mdl_"), spec.budget.hours, metadata
    job.usd = spec.budget.usd
    student = Model(id=job.subject, project=project, name=spec.name, origin="distillation", request={}, job=job.id)
    session.add_all([job, student])
    session.flush()
    event.append(session, job, "job", "", data={"state": JobState.QUEUED})
    queues = inspect_files(session, project, spec)
    return job, queues | admit(session, job)


def inspect_files(session: Session, project: str, spec: Distillation) -> set[str]:
    """The datasets of files that a job names directly, and a look at its tokenizer; one serves all jobs. Returns queues to ring."""
    queues = set[str]()
    for id, param in sorted(set(references(spec))):
        if param == TOKENIZER:
            queues |= _look_at_tokenizer(session, project, id)
        elif id.startswith("file-"):
            queues |= _make_dataset(session, project, id)
    return queues


def _look_at_tokenizer(session: Session, project: str, called: str) -> set[str]:
    file = file_called(session, project, called)
    if file is None or tokenizer_job(session, project, called) is not None:
        return set()
    params = {"kind": "tokenizer", "file": {"path": "0", "filename": file.filename}}
    stored = {"0": {"digest": file.digest, "bytes": file.bytes}}
    return start_inspection(session, project, called, file.filename, params, stored)[1]


def _make_dataset(session: Session, project: str, file_id: str) -> set[str]:
    if dataset_of(session, project, file_id) is not None:
        return set()
    file = session.get_one(File, file_id)
    source = {"path": "0", "filename": file.filename}
    row = Dataset(id=new_id("ds_"), project=project, name=file.filename, made_for=file.id, request={"files": [file.id]})
    session.add(row)
    session.flush()
    params = {"kind": "dataset", "files": [source]}
    stored = {"0": {"digest": file.digest, "bytes": file.bytes}}
    job, queues = start_inspection(session, project, row.id, file.filename, params, stored)
    row.job = job.id
    return queues


def admit(session: Session, job: Job) -> set[str]:
    """Plans a waiting job if its facts are complete. The caller holds the job's lock, or has just made it.

    Refused by its rules: the job fails with the first problem. Facts missing: it waits for them, and comparisons of
    rows that nobody has begun are begun. Returns queues to ring. Raises Unreadable.
    """
    if job.resolved is not None or job.state in ENDED:
        return set()
    spec, facts = _read(session, job)
    found = problems(spec, facts)
    missing = waiting(spec, facts)
    if not found and missing:
        job.waiting_for = list(missing)
        try:
            return compare(session, job.project, spec, facts, since=job.created_at)
        except Refused as refusal:
            return _refuse(session, job, refusal.problems)
    job.waiting_for = []
    if found:
        return _refuse(session, job, found)
    resolved = resolve(spec, facts)
    facts = counted(session, job.project, plan.plan(resolved, facts), facts)
    steps = plan.plan(resolved, facts)
    job.resolved = resolved.model_dump(mode="json")
    job.warnings = [warning.model_dump(exclude_none=True) for warning in warnings(resolved, facts)]
    rate.learn(session, job)
    expected = estimate(steps, facts, resolved=resolved, rates=job.rates)
    job.estimate = expected.model_dump()
    if short := uncovered(resolved, expected):
        return _refuse(session, job, (short,))
    for ordinal, step in enumerate(steps):
        inputs = {path: file.model_dump() for path, file in step.inputs.items()}
        if not _add_step(session, job, ordinal, step, inputs):
            problem = Problem(code="gone", message=f"What '{step.name}' reads was deleted before the job could begin.")
            return _refuse(session, job, (problem,))
    return advance(session, job)


def _read(session: Session, job: Job) -> tuple[Distillation, Facts]:
    try:
        spec = Distillation.model_validate(job.spec)
        return spec, gather(session, job.project, spec)
    except ValidationError as error:
        raise Unreadable(job.id) from error


def give_up(session: Session, job: Job) -> set[str]:
    """Fails a waiting job whose planning has raised: it would do so again. The caller holds the job's lock. Returns queues to ring."""
    return set() if job.resolved is not None or job.state in ENDED else _refuse(session, job, (UNPLANNED,))


def recount(session: Session, job: Job) -> None:
    """Estimates a planned job anew, by what its preview has cost, and keeps what was said before. It stays as it is where something that it names is gone. The caller holds the job."""
    if job.estimate is None:
        return
    resolved = Distillation.model_validate(job.resolved)
    facts = gather(session, job.project, resolved)
    if problems(resolved, facts) or waiting(resolved, facts):
        return
    facts = counted(session, job.project, plan.plan(resolved, facts), facts)
    if facts.counted is not None:
        anew = estimate(plan.plan(resolved, facts), facts, resolved=resolved, rates=job.rates).model_dump()
        job.estimate = anew | {"before_preview": job.estimate.get("before_preview") or job.estimate["usd"]}


def unplanned(about: str | None = None) -> Select[str]:
    """Jobs that wait for facts; with `about`, those that wait for this dataset, model or pair, or the file it is of."""
    waits = select(Job.id).where(Job.state == JobState.QUEUED, Job.resolved.is_(None)).order_by(Job.id)
    if about is None:
        return waits
    made_for = select(Dataset.made_for).where(Dataset.id == about, Dataset.made_for.is_not(None)).scalar_subquery()
    names = func.jsonb_build_array(func.coalesce(made_for, about))
    return waits.where(Job.waiting_for.contains([about]) | Job.waiting_for.op("@>")(names))


def _refuse(session: Session, job: Job, found: tuple[Problem, ...]) -> set[str]:
    """A job whose facts turned out to forbid it: failed, at no cost, with all reasons told."""
    job.error = found[0].model_dump(exclude_none=True)
    job.problems = [problem.model_dump(exclude_none=True) for problem in found]
    return advance(session, job)


def compare(session: Session, project: str, spec: Distillation, facts: Facts, *, since: datetime) -> set[str]:
    """Begins the comparisons of two sets of rows that a job waits for and that are neither running nor done. Returns queues to ring.

    Raises Refused with why one of them failed, if it ended after `since`: one that failed earlier is begun anew.
    """
    splits = {s.digest: s for dataset in facts.datasets.values() for s in dataset.splits.values()}
    queues = set[str]()
    named = rows.roles(spec, facts)
    for key in [id.removeprefix(PAIR) for id in waiting(spec, facts) if id.startswith(PAIR)]:
        known = pair_job(session, project, key)
        failed = known if known is not None and known.state in (JobState.FAILED, JobState.CANCELLED) else None
        if failed is not None and failed.finished_at is not None and failed.finished_at >= since:
            raise Refused(Problem.model_validate(failed.error) if failed.error else UNCOMPARED)
        if known is None or failed is not None:
            first, second, *other = key.split("|")
            params = {"kind": "pair"} | ({"input": named.input} if other and named else {})
            sides = (("train", first), ("heldout", second))
            inputs = {f"{s}/rows.arrow": {"digest": d, "bytes": splits[d].bytes} for s, d in sides}
            name = "comparison of rows"
            queues |= _inspect(session, project, PAIR + key, name, params, inputs)[1]
    return queues


def _add_step(session: Session, job: Job, ordinal: int, step: Planned, inputs: dict[str, dict[str, Any]]) -> bool:
    """The row of a planned step. False: a file that it reads is gone."""
    row = Step(
        id=new_id("stp_"),
        job=job.id,
        project=job.project,
        ordinal=ordinal,
        name=step.name,
        verb=step.verb,
        queue=Queue(step.queue),
        optional=step.optional,
        divisible=step.divisible,
        needs=step.needs,
        wants=step.wants,
        after=list(step.after),
        inputs=inputs,
        params=step.params,
        wider=step.wider,
        context=step.context,
        priority=job.priority,
        memory=step.memory,
        estimate=step.seconds,
    )
    session.add(row)
    session.flush()
    return blob.pin(session, job.project, row.id, inputs)
