"""What the user wants of a job: written here, brought to the worker by its heartbeat, decided when the step ends."""

from sqlalchemy.orm import Session

from models import cut, event
from models import job as jobs
from models import step as steps_of
from models.admission import admit
from models.advance import advance
from models.conflict import Conflict, NotFound
from models.job import ENDED, Intent, Job, JobKind, JobState
from models.step import StepState

CODE = "invalid_state"


def pause(session: Session, project: str, job_id: str) -> tuple[Job, set[str]]:
    """Stops the job's steps at their next checkpoint. Raises NotFound; Conflict if it has ended or is finishing."""
    job = _hold(session, project, job_id)
    if job.intent in (Intent.FINISH, Intent.CANCEL):
        raise Conflict(CODE, f"The job can no longer be paused: it is to {job.intent}.")
    job.paused_for = None
    return job, _want(session, job, Intent.PAUSE)


def resume(session: Session, project: str, job_id: str) -> tuple[Job, set[str]]:
    """Goes on after a pause; no change for a job that is not paused. Raises NotFound; Conflict if it has ended."""
    job = _hold(session, project, job_id)
    if job.intent == Intent.CANCEL:
        raise Conflict(CODE, "The job is being cancelled.")
    if job.wish is not Intent.PAUSE:
        return job, set()
    queues = _go_on(session, job)
    return job, queues | (admit(session, job) if job.resolved is None else set())


def release(session: Session, job_id: str, reason: str) -> set[str]:
    """The service's own resume: a job of any kind goes on as intended, if it still waits for this reason."""
    job = jobs.lock(session, job_id)
    if job is None or job.state in ENDED or job.paused_for != reason:
        return set()
    return _go_on(session, job)


def cancel(session: Session, project: str, job_id: str) -> tuple[Job, set[str]]:
    """Ends the job; what is running is stopped. Repeatable. Raises NotFound; Conflict if it has ended otherwise."""
    job = _hold(session, project, job_id, also=JobState.CANCELLED)
    return job, _want(session, job, Intent.CANCEL) if job.state not in ENDED else set()


def finish(session: Session, project: str, job_id: str) -> tuple[Job, set[str]]:
    """Stops training now and delivers the best so far, evaluated. Raises NotFound; Conflict before a first checkpoint."""
    job = _hold(session, project, job_id)
    steps = {step.name: step for step in steps_of.lock(session, job.id)}
    student = cut.student_of(steps)
    if student is None or (student.state != StepState.SUCCEEDED and not student.checkpoints):
        raise Conflict("no_checkpoint_yet", "There is nothing to deliver before training has written a checkpoint.")
    if job.intent == Intent.CANCEL:
        raise Conflict(CODE, "The job is being cancelled.")
    if job.intent == Intent.FINISH:
        return job, set()
    job.paused_for = None
    event.append(session, job, "job", "Finishing early, as asked.", data={"state": job.state, "intent": Intent.FINISH})
    cut.finish(session, job, steps)
    job.intent = Intent.FINISH
    return job, advance(session, job)


def _hold(session: Session, project: str, job_id: str, also: JobState | None = None) -> Job:
    """Raises NotFound; Conflict if it has ended, but in the state that is allowed `also`."""
    job = jobs.lock(session, job_id)
    if job is None or job.project != project or job.kind != JobKind.DISTILLATION:
        raise NotFound("distillation", job_id)
    if job.state in ENDED and job.state != also:
        raise Conflict(CODE, f"The job has already ended: it is {job.state}.")
    return job


def _go_on(session: Session, job: Job) -> set[str]:
    job.paused_for = None
    return _want(session, job, Intent.RUN if job.intent == Intent.PAUSE else Intent(job.intent))


def _want(session: Session, job: Job, intent: Intent) -> set[str]:
    if job.intent != intent:
        job.intent = intent
        event.append(session, job, "job", "", data={"state": job.state, "intent": intent})
    return advance(session, job)
