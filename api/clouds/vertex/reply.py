"""From our job to a TuningJob. Pure."""

from datetime import UTC, datetime

from api.clouds.jobs import Shown
from api.clouds.students import name_of
from api.clouds.told import named, sentence, theirs
from api.clouds.vertex import wire
from api.clouds.vertex.translation import DESCRIPTION, OWN, PARENT, PLACES, ROOT
from spec.problem import Problem, Refused
from spec.resolve import usual_rate
from spec.training import Training

STATES: dict[str, wire.State] = {
    "queued": "JOB_STATE_QUEUED",
    "running": "JOB_STATE_RUNNING",
    "paused": "JOB_STATE_PAUSED",
    "succeeded": "JOB_STATE_SUCCEEDED",
    "failed": "JOB_STATE_FAILED",
    "cancelled": "JOB_STATE_CANCELLED",
}
"""By our state; a job that is being cancelled is JOB_STATE_CANCELLING."""
ENDED = ("succeeded", "failed", "cancelled")
FAILED_PRECONDITION = 9
"""Of google.rpc.Code."""


def to_tuning_job(shown: Shown) -> wire.TuningJob:
    one = shown.job
    parent = one.metadata[PARENT]
    stopping = one.intent == "cancel" and one.state not in ENDED
    made = one.student.model if one.state == "succeeded" else None
    times = [one.created_at, one.started_at, one.finished_at]
    times += [time for step in one.steps for time in (step.started_at, step.finished_at)]
    return wire.TuningJob(
        name=f"{parent}/tuningJobs/{one.id}",
        tunedModelDisplayName=shown.model,
        description=one.metadata.get(DESCRIPTION),
        state="JOB_STATE_CANCELLING" if stopping else STATES[one.state],
        createTime=_time(one.created_at),
        startTime=None if one.started_at is None else _time(one.started_at),
        endTime=None if one.finished_at is None else _time(one.finished_at),
        updateTime=_time(max(time for time in times if time is not None)),
        error=failure(shown),
        labels={name: value for name, value in one.metadata.items() if name not in OWN},
        tunedModel=wire.TunedModel(model=f"{parent}/models/{made}") if made else None,
        distillationSpec=_spec(shown),
    )


def failure(shown: Shown) -> wire.GoogleStatus | None:
    """Why it failed, or waits for somebody, said of their fields."""
    one = shown.job
    if one.state == "paused" and one.waiting:
        return wire.GoogleStatus(code=FAILED_PRECONDITION, message=one.waiting.reason)
    found: list[Problem] = one.problems or ([one.error] if one.error else [])
    if not found:
        return None
    moved = theirs(Refused(*found), named(PLACES, shown.posted.data.heldout)).problems
    return wire.GoogleStatus(code=FAILED_PRECONDITION, message="\n".join(map(sentence, moved)))


def _spec(shown: Shown) -> wire.DistillationSpec:
    """As it was asked for."""
    posted = shown.posted
    heldout, how = posted.data.heldout, posted.training
    multiplier = None
    if how.learning_rate != "auto":
        multiplier = float(f"{how.learning_rate / usual_rate(posted.student, Training()):.6g}")
    given = wire.DistillationHyperParameters(
        epochCount=None if how.epochs is None else f"{how.epochs:g}", learningRateMultiplier=multiplier
    )
    return wire.DistillationSpec(
        baseTeacherModel=", ".join(posted.teacher.models) if posted.teacher else None,
        trainingDatasetUri=posted.data.train,
        validationDatasetUri=heldout if isinstance(heldout, str) and heldout != "auto" else None,
        studentModel=name_of(posted.student),
        hyperParameters=given if given != wire.DistillationHyperParameters() else None,
        pipelineRootDirectory=shown.job.metadata.get(ROOT),
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
