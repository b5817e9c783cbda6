"""What a user of Vertex AI sends and reads, as far as distillation goes (REST reference, projects.locations.tuningJobs)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from spec.part import Name, Part, Text

Unsupported = Any
"""A field of theirs that is refused where it is sent: translation.UNSUPPORTED says why."""
State = Literal[
    "JOB_STATE_QUEUED",
    "JOB_STATE_RUNNING",
    "JOB_STATE_PAUSED",
    "JOB_STATE_SUCCEEDED",
    "JOB_STATE_FAILED",
    "JOB_STATE_CANCELLING",
    "JOB_STATE_CANCELLED",
]


class DistillationHyperParameters(Part):
    epochCount: int | Text | None = None
    """A number, or one as text, as 64-bit integers are written in JSON."""
    learningRateMultiplier: float | None = None
    """Of the student's usual learning rate."""
    adapterSize: Unsupported = None


class DistillationSpec(Part):
    """Prompts are `trainingDatasetUri`, or `promptDatasetUri` as newer versions call it."""

    baseTeacherModel: Text | None = None
    """`ep_name/model` behind an endpoint, or `mdl_…`."""
    tunedTeacherModelSource: Text | None = None
    """`mdl_…`, alone or as `projects/…/models/mdl_…`."""
    trainingDatasetUri: Text | None = None
    """`file-…`, `ds_…` or `ds_…/split`, alone or as `gs://stillhouse/file-…`."""
    promptDatasetUri: Text | None = None
    validationDatasetUri: Text | None = None
    """The rows that are held out."""
    studentModel: Text | None = None
    """A student by name, such as `text-classifier-64`; newer versions say `baseModel` beside this part."""
    hyperParameters: DistillationHyperParameters | None = None
    pipelineRootDirectory: Text | None = None
    """Kept and shown again; weights and report stay here."""


class NewTuningJob(Part):
    """A TuningJob with `distillationSpec`. docs/clouds.md says what each field becomes."""

    tunedModelDisplayName: Name | None = None
    """Of the job and its student; without one, the student's kind."""
    description: Text | None = None
    labels: Annotated[dict[str, Text], Field(max_length=64)] = {}
    """Kept as the job's metadata."""
    baseModel: Text | None = None
    distillationSpec: DistillationSpec
    supervisedTuningSpec: Unsupported = None
    encryptionSpec: Unsupported = None
    serviceAccount: Unsupported = None


class TunedModel(BaseModel):
    model: str
    """`projects/…/models/mdl_…`."""


class GoogleStatus(BaseModel):
    """google.rpc.Status."""

    code: int
    message: str


class TuningJob(BaseModel):
    """As it is shown."""

    name: str
    """`projects/…/locations/…/tuningJobs/dst_…`: the last part is the id of a distillation, which all other routes know too."""
    tunedModelDisplayName: str
    description: str | None
    state: State
    createTime: datetime
    startTime: datetime | None
    endTime: datetime | None
    updateTime: datetime
    error: GoogleStatus | None
    """Why it failed; of a job that is paused, why it waits."""
    labels: dict[str, str]
    tunedModel: TunedModel | None
    """Once it has succeeded."""
    distillationSpec: DistillationSpec


class TuningJobList(BaseModel):
    tuningJobs: list[TuningJob]
    nextPageToken: str | None


class CancelledTuningJob(BaseModel):
    """Nothing: that it stops is seen by asking."""
