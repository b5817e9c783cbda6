"""From our job to GetModelCustomizationJob and ListModelCustomizationJobs. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from api.clouds.bedrock import wire
from api.clouds.bedrock.translation import HYPERPARAMETERS, OUTPUT, PLACES, ROLE
from api.clouds.jobs import Shown
from api.clouds.students import name_of
from api.clouds.told import named, sentence, theirs
from api.distillations.wire import DistillationJob, DistillationStep
from spec.problem import Problem, Refused
from spec.responses import TeacherResponses

STATUS: dict[str, wire.Status] = {
    "queued": "InProgress",
    "running": "InProgress",
    "paused": "InProgress",
    "succeeded": "Completed",
    "failed": "Failed",
    "cancelled": "Stopped",
}
"""By our state; a job that is being cancelled is Stopping."""
PROCESSING, TRAINING = ("answer", "score"), ("train", "grade", "package")
"""Verbs of the two later phases."""
LONGEST = 2048
"""Characters of a failureMessage."""


def to_job(shown: Shown) -> wire.ModelCustomizationJob:
    """The job as GetModelCustomizationJob tells it."""
    posted, one = shown.posted, shown.job
    heldout = posted.data.heldout
    answers = posted.data.responses
    teacher = wire.TeacherModel(
        teacherModelIdentifier=", ".join(posted.teacher.models) if posted.teacher else "",
        maxResponseLengthForInference=answers.sampling.max_tokens if isinstance(answers, TeacherResponses) else None,
    )
    return wire.ModelCustomizationJob(
        jobArn=one.id,
        jobName=one.name,
        outputModelName=shown.model,
        outputModelArn=_model(one),
        roleArn=one.metadata[ROLE],
        status=status(one),
        statusDetails=details(one),
        failureMessage=failure(shown),
        creationTime=_time(one.created_at),
        lastModifiedTime=_time(modified(one)),
        endTime=_maybe(one.finished_at),
        baseModelArn=name_of(posted.student),
        hyperParameters=_hyperparameters(shown),
        trainingDataConfig=wire.TrainingData(s3Uri=posted.data.train),
        validationDataConfig=wire.ValidationData(
            validators=(wire.BedrockValidator(s3Uri=heldout),) if isinstance(heldout, str) and heldout != "auto" else ()
        ),
        outputDataConfig=wire.BedrockOutput(s3Uri=one.metadata.get(OUTPUT, "")),
        customizationConfig=wire.CustomizationConfig(
            distillationConfig=wire.DistillationConfig(teacherModelConfig=teacher)
        ),
    )


def to_summary(shown: Shown) -> wire.ModelCustomizationJobSummary:
    """The job as ListModelCustomizationJobs tells it."""
    one = shown.job
    return wire.ModelCustomizationJobSummary(
        jobArn=one.id,
        baseModelArn=name_of(shown.posted.student),
        jobName=one.name,
        status=status(one),
        statusDetails=details(one),
        creationTime=_time(one.created_at),
        lastModifiedTime=_time(modified(one)),
        endTime=_maybe(one.finished_at),
        customModelArn=_model(one),
        customModelName=shown.model,
    )


def status(one: DistillationJob) -> wire.Status:
    found = STATUS[one.state]
    return "Stopping" if found == "InProgress" and one.intent == "cancel" else found


def failure(shown: Shown) -> str | None:
    """Why it failed, or waits for somebody, said of their fields."""
    one = shown.job
    if one.state == "paused" and one.waiting:
        return one.waiting.reason
    found: list[Problem] = one.problems or ([one.error] if one.error else [])
    moved = theirs(Refused(*found), named(PLACES, shown.posted.data.heldout)).problems
    return "\n".join(map(sentence, moved))[:LONGEST] or None


def details(one: DistillationJob) -> wire.StatusDetails:
    """How far each of their three phases is."""
    checked = wire.BedrockPhase(status="Completed" if one.resolved else _waits(one))
    return wire.StatusDetails(
        validationDetails=checked,
        dataProcessingDetails=phase(one, [step for step in one.steps if step.verb in PROCESSING]),
        trainingDetails=phase(one, [step for step in one.steps if step.verb in TRAINING]),
    )


def phase(one: DistillationJob, steps: Sequence[DistillationStep]) -> wire.BedrockPhase:
    """Of some steps: begun when the first began, completed when all have succeeded."""
    began, moved = _times(step.started_at for step in steps), _times(step.finished_at for step in steps)
    times = {"creationTime": _maybe(min(began, default=None)), "lastModifiedTime": _maybe(max(moved, default=None))}
    needed = [step for step in steps if not step.optional]
    if needed and all(step.state == "succeeded" for step in needed):
        return wire.BedrockPhase(status="Completed", **times)
    return wire.BedrockPhase(status=_waits(one) if began else "NotStarted", **times)


def _waits(one: DistillationJob) -> wire.PhaseStatus:
    """Of what has begun and is not complete."""
    found = status(one)
    return "InProgress" if found == "Completed" else found


def modified(one: DistillationJob) -> int:
    steps = [time for step in one.steps for time in (step.started_at, step.finished_at)]
    return max(_times([one.created_at, one.started_at, one.finished_at, *steps]))


def _hyperparameters(shown: Shown) -> dict[str, str]:
    """As they hold; a multiplier as the learning rate that it came to."""
    how = shown.posted.training.model_dump(mode="json", exclude_unset=True)
    return {name: _text(how[ours]) for name, ours in HYPERPARAMETERS.items() if ours in how}


def _text(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _model(one: DistillationJob) -> str | None:
    return one.student.model if one.state == "succeeded" else None


def _times(some: Iterable[int | None]) -> list[int]:
    return [time for time in some if time is not None]


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _maybe(seconds: int | None) -> datetime | None:
    return None if seconds is None else _time(seconds)
