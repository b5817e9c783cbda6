"""What boto3's `bedrock` client sends and reads, as far as distillation goes (botocore's model of 2023-04-20)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from spec.part import List, Name, Part, Text

Unsupported = Any
"""A field of theirs that is refused where it is sent: translation.UNSUPPORTED says why."""
Token = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=256)]
Status = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
PhaseStatus = Literal["NotStarted", "InProgress", "Completed", "Stopping", "Stopped", "Failed"]


class BedrockTag(Part):
    key: Text
    value: Text


class BedrockOutput(Part):
    s3Uri: Text


class TrainingData(Part):
    s3Uri: Text | None = None
    """`file-…`, `ds_…` or `ds_…/split`, alone or as `s3://stillhouse/file-…`."""
    invocationLogsConfig: Unsupported = None


class BedrockValidator(Part):
    s3Uri: Text


class ValidationData(Part):
    validators: Annotated[List[BedrockValidator], Field(max_length=10)]
    """One: the rows that are held out."""


class TeacherModel(Part):
    teacherModelIdentifier: Text
    """`ep_name/model` behind an endpoint, or `mdl_…`."""
    maxResponseLengthForInference: int | None = None
    """Tokens of one answer at most."""


class DistillationConfig(Part):
    teacherModelConfig: TeacherModel


class CustomizationConfig(Part):
    distillationConfig: DistillationConfig
    rftConfig: Unsupported = None


class NewModelCustomizationJob(Part):
    """CreateModelCustomizationJob, for `customizationType` DISTILLATION. docs/clouds.md says what each field becomes."""

    jobName: Name
    customModelName: Name
    """The student's name."""
    roleArn: Text
    """Kept and shown again; nothing is done with it."""
    clientRequestToken: Token | None = None
    """Makes a retry safe, for 24 hours."""
    baseModelIdentifier: Text
    """A student by name, such as `text-classifier-64`."""
    customizationType: Text | None = None
    customModelKmsKeyId: Unsupported = None
    jobTags: Annotated[List[BedrockTag], Field(max_length=200)] = ()
    """Kept as the job's metadata."""
    customModelTags: Annotated[List[BedrockTag], Field(max_length=200)] = ()
    """Kept as the student's metadata."""
    trainingDataConfig: TrainingData
    validationDataConfig: ValidationData | None = None
    outputDataConfig: BedrockOutput
    """Kept and shown again; weights and report stay here."""
    hyperParameters: dict[str, Text] = {}
    """`epochCount`, `batchSize`, `learningRate`, `learningRateMultiplier`, as texts."""
    vpcConfig: Unsupported = None
    customizationConfig: CustomizationConfig


class MadeModelCustomizationJob(BaseModel):
    jobArn: str
    """`dst_…`: the id of a distillation, which all other routes know too."""


class BedrockPhase(BaseModel):
    status: PhaseStatus
    creationTime: datetime | None = None
    lastModifiedTime: datetime | None = None


class StatusDetails(BaseModel):
    validationDetails: BedrockPhase
    """Inspection of the rows."""
    dataProcessingDetails: BedrockPhase
    """The teacher's answers or scores."""
    trainingDetails: BedrockPhase
    """Training, grading, packaging."""


class ModelCustomizationJobSummary(BaseModel):
    """As ListModelCustomizationJobs tells it."""

    jobArn: str
    baseModelArn: str
    jobName: str
    status: Status
    statusDetails: StatusDetails
    creationTime: datetime
    lastModifiedTime: datetime
    endTime: datetime | None
    customModelArn: str | None
    """`mdl_…`, once the job is completed."""
    customModelName: str
    customizationType: Literal["DISTILLATION"] = "DISTILLATION"


class ModelCustomizationJobList(BaseModel):
    nextToken: str | None
    modelCustomizationJobSummaries: list[ModelCustomizationJobSummary]


class ModelCustomizationJob(BaseModel):
    """As GetModelCustomizationJob tells it."""

    jobArn: str
    jobName: str
    outputModelName: str
    outputModelArn: str | None
    """`mdl_…`, once the job is completed."""
    roleArn: str
    status: Status
    statusDetails: StatusDetails
    failureMessage: str | None
    """Why it failed; of a job that is paused, which Bedrock has no status for, why it waits."""
    creationTime: datetime
    lastModifiedTime: datetime
    endTime: datetime | None
    baseModelArn: str
    hyperParameters: dict[str, str]
    trainingDataConfig: TrainingData
    validationDataConfig: ValidationData
    outputDataConfig: BedrockOutput
    customizationType: Literal["DISTILLATION"] = "DISTILLATION"
    customizationConfig: CustomizationConfig


class StoppedModelCustomizationJob(BaseModel):
    """Nothing: that it stops is seen by asking."""
