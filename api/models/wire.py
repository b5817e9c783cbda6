"""Models as they are sent and received; the list is OpenAI's, with more in it."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.inspections import FileId
from models.model import Model as Row
from spec.distillation import Metadata
from spec.facts import ModelFacts, OutputKind, Signature, Terms
from spec.part import Licence, List, Name, Part
from spec.problem import Problem
from spec.student import Student
from spec.terms import of_licence, standing

Length = Annotated[int, Field(ge=1, le=1_000_000)]
Scale = float | Annotated[List[float], Field(min_length=1, max_length=4096)]


class NewInput(Part):
    """What the model takes: raw values * scale + offset."""

    kind: Literal["array", "image"]
    shape: Annotated[List[Length], Field(min_length=1, max_length=4)]
    """Of one row, such as [28, 28] or [3, 32, 32] (channels first)."""
    dtype: Literal["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"] = "float32"
    """Of the raw values."""
    scale: Scale = 1.0
    """A number, or one a channel."""
    offset: Scale = 0.0


class NewOutput(Part):
    """What the model gives: one score a class."""

    kind: OutputKind
    """`classes`: a row has one; `multilabel`: any number, and each score is of its class by itself (log-odds, or a probability)."""
    classes: Annotated[List[Name], Field(min_length=2, max_length=65536)]
    """Names in the order of the scores."""
    scores: Literal["logits", "probabilities"] = "logits"


class NewSignature(Part):
    input: NewInput
    output: NewOutput


class NewModel(Part):
    """What POST /v1/models takes."""

    name: Name | None = None
    """Without one: the name of the first file."""
    files: Annotated[List[FileId], Field(min_length=1, max_length=16)]
    """One `.safetensors` or `.onnx`, and what belongs to it."""
    architecture: Student | None = None
    """Needed for safetensors: what the tensors are, as in a job's `student`."""
    signature: NewSignature | None = None
    """Needed where the file does not say it itself."""
    labels_seen: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    """How many labels it was trained on, as far as you know: reports of what it teaches say so."""
    licence: Licence | None = None
    """Of the weights: an SPDX id, a name such as `llama3.1` or `gemma`, or a few words. null: not stated."""
    metadata: Metadata = {}


class Model(BaseModel):
    """A model. The first four fields are OpenAI's. `facts` are there once `state` is ready."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    name: str
    state: Literal["processing", "ready", "failed"]
    origin: Literal["upload", "distillation"]
    distillation: str | None
    """The job that it is the student of."""
    parameters: int | None
    bytes: int | None
    """Of the tensors."""
    architecture: Student | None
    signature: Signature | None
    licence: str | None
    """As it was stated; null: it was not, as of every student."""
    terms: list[Terms]
    """Known terms of its licence, and of those who taught it. Of those that forbid something a job says `teacher.accept_terms`."""
    files: dict[str, int]
    """Bytes of each file that can be downloaded."""
    facts: ModelFacts | None
    error: Problem | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, row: Row) -> "Model":
        facts = row.known()
        return cls.model_validate(
            {
                "id": row.id,
                "created": int(row.created_at.timestamp()),
                "owned_by": row.project,
                "name": row.name,
                "state": row.state,
                "origin": row.origin,
                "distillation": row.job if row.origin == "distillation" else None,
                "parameters": facts and facts.parameters,
                "bytes": facts and facts.bytes,
                "architecture": facts and facts.architecture,
                "signature": facts and facts.signature,
                "licence": row.licence,
                "terms": standing(row.id, facts).terms if facts else of_licence(row.licence),
                "files": {name: file["bytes"] for name, file in sorted(row.files.items())},
                "facts": facts,
                "error": row.error,
                "metadata": row.metadata_,
            }
        )


class ModelDeleted(BaseModel):
    id: str
    object: Literal["model"] = "model"
    deleted: bool = True
