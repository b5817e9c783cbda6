"""What creating, trying out and deleting a distillation decides."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session

from api.distillations import history, view
from api.distillations.waiting import for_facts
from api.distillations.wire import DistillationJob, PlannedStep, Validation
from api.errors import Conflicting, NotFound
from models import admission, blob, rate
from models import batch as batches
from models import job as jobs
from models import step as steps_of
from models.blob import Blob
from models.counted import counted
from models.intent import cancel, finish, pause, resume
from models.job import ENDED, Job
from models.step import Step
from spec.digest import output_digest, serving_keys
from spec.errors import parse
from spec.plan import plan
from spec.price import estimate, uncovered
from spec.problem import Refused
from spec.resolve import resolve
from spec.rules import problems, warnings
from spec.step import Step as Planned
from spec.step import personal
from spec.waiting import waiting

TOLD = timedelta(minutes=1)
"""For so long, by the database's clock, a trial hears of a comparison that failed, so that asking again tells; then it begins another, if the key may write."""

INTENTS = {"cancel": cancel, "pause": pause, "resume": resume, "finish": finish}


def create(session: Session, project: str, fresh: float, posted: dict[str, Any]) -> tuple[DistillationJob, set[str]]:
    """The job, planned if all facts are there. Raises Refused with every problem."""
    spec = parse(posted)
    job, queues = admission.accept(session, project, spec, posted, metadata=spec.metadata)
    session.flush()
    return view.show(session, job, fresh), queues


def validate(
    session: Session, project: str, fresh: float, posted: dict[str, Any], *, writes: bool
) -> tuple[Validation, set[str]]:
    """What would become of the job, and queues to ring: what it would wait for is begun, as far as the caller's key allows."""
    try:
        spec = parse(posted)
        facts = admission.gather(session, project, spec)
        if found := problems(spec, facts):
            return Validation(problems=list(found), warnings=list(warnings(spec, facts))), set()
        queues = admission.inspect_files(session, project, spec) if writes else set()
        since = session.execute(select(func.now() - TOLD)).scalar_one() if writes else datetime.min.replace(tzinfo=UTC)
        queues |= admission.compare(session, project, spec, facts, since=since)
    except Refused as refusal:
        return Validation(problems=list(refusal.problems)), set()
    missing = waiting(spec, facts)
    awaited = for_facts(session, missing, fresh) if missing else None
    if facts.processing:
        return Validation(valid=True, problems=[], warnings=list(warnings(spec, facts)), waiting=awaited), queues
    # A comparison refuses a job or does not: it changes nothing of its plan.
    resolved = resolve(spec, facts)
    facts = counted(session, project, plan(resolved, facts), facts)
    steps = plan(resolved, facts)
    cached = _cached(session, project, steps)
    hits = [name for name, outcome in cached.items() if outcome == "hit"]
    expected = estimate(steps, facts, hits, resolved=resolved, rates=rate.known(session))
    if short := uncovered(resolved, expected):
        return Validation(problems=[short], warnings=list(warnings(resolved, facts)), estimate=expected), queues
    shown = Validation(
        valid=True,
        problems=[],
        warnings=list(warnings(resolved, facts)),
        waiting=awaited,
        resolved=resolved,
        plan=[PlannedStep.of(step, cached[step.name]) for step in steps],
        estimate=expected,
    )
    return shown, queues


def _cached(session: Session, project: str, steps: tuple[Planned, ...]) -> dict[str, str]:
    """For each step: hit, possible (what it reads is not known before other steps have run) or none."""
    outcome: dict[str, str] = {}
    made: dict[str, str] = {}
    for step in steps:
        sources = {**step.needs, **step.wants}
        if personal(step.verb, step.params):
            outcome[step.name] = "none"
            continue
        if not made.keys() >= set(sources.values()):
            outcome[step.name] = "possible"
            continue
        keys = serving_keys(step, project, {name: made[source] for name, source in sources.items()})
        twin = session.scalars(steps_of.of_keys(project, keys)).one_or_none()
        outcome[step.name] = "hit" if twin is not None and _held(session, twin) else "none"
        if twin is not None and outcome[step.name] == "hit":
            made[step.name] = output_digest(twin.outputs)
    return outcome


def _held(session: Session, step: Step) -> bool:
    """Whether all outputs of the step are still there."""
    digests = {file["digest"] for file in step.outputs.values()}
    return session.scalar(select(func.count()).where(Blob.digest.in_(digests))) == len(digests)


def get(session: Session, project: str, id: str, fresh: float) -> DistillationJob:
    """Raises NotFound."""
    return view.show(session, history.get(session, project, id), fresh)


def want(session: Session, project: str, id: str, intent: str, fresh: float) -> tuple[DistillationJob, set[str]]:
    """Cancels, pauses, resumes or finishes. Raises NotFound, Conflict."""
    job, queues = INTENTS[intent](session, project, id)
    session.flush()
    return view.show(session, job, fresh), queues


def matching(project: str, state: str | None, metadata: dict[str, str]) -> Select[Job]:
    """Distillations in a state, with all these pairs of metadata."""
    found = jobs.of_project(project)
    if state is not None:
        found = found.where(Job.state == state)
    return found.where(Job.metadata_.contains(metadata)) if metadata else found


def delete(session: Session, project: str, id: str) -> None:
    """An ended job, with its events, logs and steps; the student stays. Raises NotFound, Conflicting (`not_ended`)."""
    job = jobs.lock(session, id)
    if job is None or job.project != project or job.kind != jobs.JobKind.DISTILLATION:
        raise NotFound.of("distillation", id)
    if job.state not in ENDED:
        raise Conflicting(
            f"Distillation {id} is {job.state}.", code="not_ended", hint="Cancel it, or wait for its end."
        )
    for step in session.scalars(select(Step.id).where(Step.job == id).order_by(Step.id)):
        blob.release(session, step)
    session.execute(batches.settled(id))
    session.execute(delete_from(Step).where(Step.job == id), execution_options={"synchronize_session": False})
    session.delete(job)
