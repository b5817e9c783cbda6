"""From CreateModelCustomizationJob to our job. Pure."""

from collections.abc import Sequence
from typing import Any

from api.clouds.asked import MAX_TOKENS, Findings, job, number
from api.clouds.bedrock import wire
from spec.nearest import suggestion

ROLE, OUTPUT = "bedrock.roleArn", "bedrock.outputDataConfig"
"""Metadata of ours that keeps what only is shown again; whatever has a role was asked for here."""
TEACHER = "customizationConfig.distillationConfig.teacherModelConfig"
PLACES = {
    "name": "jobName",
    "teacher": f"{TEACHER}.teacherModelIdentifier",
    "teacher.accept_terms": "jobTags",
    "data": "trainingDataConfig.s3Uri",
    "data.heldout": "validationDataConfig.validators[0].s3Uri",
    MAX_TOKENS: f"{TEACHER}.maxResponseLengthForInference",
    "student": "baseModelIdentifier",
    "training.epochs": "hyperParameters.epochCount",
    "training.batch_size": "hyperParameters.batchSize",
    "training.learning_rate": "hyperParameters.learningRate",
    "budget.usd": "jobTags",
    "metadata": "jobTags",
}
HYPERPARAMETERS = {
    "epochCount": "epochs",
    "batchSize": "batch_size",
    "learningRate": "learning_rate",
    "learningRateMultiplier": "multiplier",
}
UNSUPPORTED = {
    "customModelKmsKeyId": "weights lie in this server's own storage, and no key of a customer's seals them",
    "vpcConfig": "the server calls what its administrator lets it call",
    "trainingDataConfig.invocationLogsConfig": "no invocation logs are kept here",
    "customizationConfig.rftConfig": "that is reinforcement fine-tuning",
}


def to_distillation(asked: wire.NewModelCustomizationJob) -> dict[str, Any]:
    """A document for POST /v1/distillations. Raises Refused with every problem, said of their fields."""
    found = Findings()
    _refuse(asked, found)
    teacher = asked.customizationConfig.distillationConfig.teacherModelConfig
    validators = asked.validationDataConfig.validators if asked.validationDataConfig else ()
    labels = found.take(tags, asked.jobTags, "jobTags") or {}
    made = found.take(
        job,
        name=asked.jobName,
        teacher=teacher.teacherModelIdentifier,
        train=asked.trainingDataConfig.s3Uri or "",
        heldout=validators[0].s3Uri if validators else None,
        student=asked.baseModelIdentifier,
        max_tokens=teacher.maxResponseLengthForInference,
        training=found.take(training, asked.hyperParameters) or {},
        labels=labels | {ROLE: asked.roleArn, OUTPUT: asked.outputDataConfig.s3Uri},
    )
    found.settle(PLACES)
    assert made is not None
    return made


def _refuse(asked: wire.NewModelCustomizationJob, found: Findings) -> None:
    """What cannot be honoured, by name."""
    if asked.customizationType != "DISTILLATION":
        given = f'"{asked.customizationType[:40]}"' if asked.customizationType else "left out, which means FINE_TUNING"
        message = f'customizationType must be "DISTILLATION"; it is {given}.'
        found.add(code="invalid_value", param="customizationType", message=message)
    if asked.validationDataConfig and len(asked.validationDataConfig.validators) > 1:
        found.add(
            code="invalid_value",
            param="validationDataConfig.validators",
            message="One validator holds out rows, not several.",
        )
    for path, reason in UNSUPPORTED.items():
        value: Any = asked
        for name in path.split("."):
            value = getattr(value, name)
        if value is not None:
            found.add(
                code="unsupported_field",
                param=path,
                message=f"{path} cannot be honoured: {reason}.",
                hint="Leave it out.",
            )


def training(sent: dict[str, str]) -> dict[str, Any]:
    """Our training part. Raises Refused: an unknown name, no number, both ways to say a learning rate."""
    found = Findings()
    made: dict[str, Any] = {}
    for name, text in sent.items():
        param = f"hyperParameters.{name[:64]}"
        if name in HYPERPARAMETERS:
            made[HYPERPARAMETERS[name]] = found.take(number, text, param)
        else:
            message = f'There is no hyperparameter "{name[:64]}" here.'
            found.add(code="unknown_field", param=param, message=message, hint=suggestion(name, HYPERPARAMETERS))
    if "learning_rate" in made and "multiplier" in made:
        message = "learningRate and learningRateMultiplier say the same thing twice."
        found.add(
            code="invalid_value", param="hyperParameters.learningRateMultiplier", message=message, hint="Leave one out."
        )
    found.settle()
    return made


def tags(sent: Sequence[wire.BedrockTag], param: str) -> dict[str, str]:
    """Pairs of metadata. Raises Refused: a key twice, too many, too long, or one that is ours."""
    found = Findings()
    made = {tag.key: tag.value for tag in sent}
    if len(made) < len(sent):
        found.add(code="invalid_value", param=param, message=f"{param} has a key twice.")
    if len(made) > 14:
        found.add(code="invalid_value", param=param, message=f"{param} has {len(made)} tags, and 14 are kept.")
    for key in made:
        if not 1 <= len(key) <= 64 or key in (ROLE, OUTPUT):
            found.add(
                code="invalid_value",
                param=param,
                message=f'{param} has the key "{key[:80]}": keys have 1 to 64 characters, and "{ROLE}" and "{OUTPUT}" are ours.',
            )
    found.settle()
    return made
