"""From a TuningJob with `distillationSpec` to our job. Pure."""

from typing import Any

from api.clouds.asked import MAX_TOKENS, Findings, job, number
from api.clouds.vertex import wire
from spec.problem import Problem, Refused

PARENT, DESCRIPTION, ROOT = "vertex.parent", "vertex.description", "vertex.pipelineRootDirectory"
"""Metadata of ours that keeps what only is shown again; whatever has a parent was asked for here."""
OWN = (PARENT, DESCRIPTION, ROOT)
SPEC = "distillationSpec"
PLACES = {
    "name": "tunedModelDisplayName",
    "teacher": f"{SPEC}.baseTeacherModel",
    "teacher.accept_terms": "labels",
    "data": f"{SPEC}.trainingDatasetUri",
    "data.heldout": f"{SPEC}.validationDatasetUri",
    MAX_TOKENS: SPEC,
    "student": f"{SPEC}.studentModel",
    "training.epochs": f"{SPEC}.hyperParameters.epochCount",
    "training.learning_rate": f"{SPEC}.hyperParameters.learningRateMultiplier",
    "budget.usd": "labels",
    "metadata": "labels",
}
UNSUPPORTED = {
    "supervisedTuningSpec": "only distillation is done here",
    "encryptionSpec": "weights lie in this server's own storage, and no key of a customer's seals them",
    "serviceAccount": "nothing runs here under an account of Google's",
    f"{SPEC}.hyperParameters.adapterSize": "a student is trained whole, and has no adapter",
}


def to_distillation(asked: wire.NewTuningJob, parent: str) -> dict[str, Any]:
    """A document for POST /v1/distillations; `parent`: `projects/…/locations/…`. Raises Refused with every problem, said of their fields."""
    found, spec, made = Findings(), asked.distillationSpec, None
    _refuse(asked, found)
    student = found.take(one_of, {f"{SPEC}.studentModel": spec.studentModel, "baseModel": asked.baseModel})
    teacher = found.take(_teacher, spec)
    prompts = {f"{SPEC}.trainingDatasetUri": spec.trainingDatasetUri, f"{SPEC}.promptDatasetUri": spec.promptDatasetUri}
    train = found.take(one_of, prompts)
    how = found.take(training, spec.hyperParameters)
    labels = found.take(metadata, asked, parent)
    if student and teacher and train:
        made = found.take(
            job,
            name=asked.tunedModelDisplayName or student,
            teacher=teacher,
            train=train,
            heldout=spec.validationDatasetUri,
            student=student,
            max_tokens=None,
            training=how or {},
            labels=labels or {},
        )
    found.settle(PLACES)
    assert made is not None
    return made


def one_of(values: dict[str, str | None]) -> str:
    """The one that is given of two names of one thing, of an older and a newer version. Raises Refused."""
    given = [value for value in values.values() if value]
    if len(given) == 1:
        return given[0]
    first, second = values
    message = f"{first} and {second} are both given; leave one out." if given else f"{first} is missing."
    raise Refused(Problem(code="invalid_value" if given else "required", message=message, param=first))


def _teacher(spec: wire.DistillationSpec) -> str:
    base, tuned = f"{SPEC}.baseTeacherModel", f"{SPEC}.tunedTeacherModelSource"
    named = one_of({base: spec.baseTeacherModel, tuned: spec.tunedTeacherModelSource})
    if spec.tunedTeacherModelSource is None:
        return named
    id = named.rpartition("/")[2]
    if not id.startswith("mdl_"):
        message = f'{tuned} must be the id of a model (mdl_…), not "{named[:80]}".'
        raise Refused(Problem(code="invalid_value", message=message, param=tuned))
    return id


def _refuse(asked: wire.NewTuningJob, found: Findings) -> None:
    """What cannot be honoured, by name."""
    for path, reason in UNSUPPORTED.items():
        value: Any = asked
        for name in path.split("."):
            value = getattr(value, name, None)
        if value is not None:
            found.add(
                code="unsupported_field",
                param=path,
                message=f"{path} cannot be honoured: {reason}.",
                hint="Leave it out.",
            )


def training(sent: wire.DistillationHyperParameters | None) -> dict[str, Any]:
    """Our training part. Raises Refused."""
    if sent is None:
        return {}
    made: dict[str, Any] = {}
    if sent.epochCount is not None:
        made["epochs"] = number(str(sent.epochCount), f"{SPEC}.hyperParameters.epochCount")
    if sent.learningRateMultiplier is not None:
        made["multiplier"] = sent.learningRateMultiplier
    return made


def metadata(asked: wire.NewTuningJob, parent: str) -> dict[str, str]:
    """Labels, and what is only shown again. Raises Refused: too many, too long, or one that is ours."""
    found = Findings()
    if len(asked.labels) > 13:
        found.add(
            code="invalid_value", param="labels", message=f"labels has {len(asked.labels)} pairs, and 13 are kept."
        )
    for key in asked.labels:
        if not 1 <= len(key) <= 64 or key in OWN:
            found.add(
                code="invalid_value",
                param="labels",
                message=f'labels has the key "{key[:80]}": keys have 1 to 64 characters, and those that begin with "vertex." are ours.',
            )
    found.settle()
    kept = {PARENT: parent, DESCRIPTION: asked.description, ROOT: asked.distillationSpec.pipelineRootDirectory}
    return asked.labels | {name: value for name, value in kept.items() if value is not None}
