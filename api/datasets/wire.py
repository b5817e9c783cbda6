"""Datasets as they are sent and received."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, Strict, StringConstraints

from api.inspections import FileId
from models.dataset import Dataset as Row
from spec.data import Columns
from spec.distillation import Metadata
from spec.facts import DatasetFacts
from spec.part import List, Name, Part
from spec.problem import Problem

SplitName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
Span = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]], Strict(False)]


class DatasetFile(Part):
    """One of a dataset's files."""

    file: FileId
    split: SplitName = "train"
    column: Name | None = None
    """The column that the file is, in formats of one array a file (IDX)."""


class NewDataset(Part):
    """What POST /v1/datasets takes."""

    name: Name | None = None
    """Without one: the name of the first file."""
    files: Annotated[List[FileId | DatasetFile], Field(min_length=1, max_length=64)]
    """Parquet, JSONL, CSV, NPZ, IDX, also gzipped."""
    columns: Columns = Columns()
    """Which column plays which role; `auto`: by name and kind."""
    splits: Annotated[dict[SplitName, Span], Field(max_length=16)] = {}
    """Rows [from, to) in the order of the files, for each split; instead of the splits that files name."""
    signal: Name | None = None
    """The column of logits or probabilities: makes this a dataset of signals, for `teacher.signals`."""
    classes: Annotated[List[Name], Field(min_length=2, max_length=65536)] | None = None
    """The class of each score, in order; needed with `signal`."""
    allow_bad_rows: bool = False
    """Drop rows that cannot be read, instead of failing."""
    metadata: Metadata = {}


class Dataset(BaseModel):
    """A dataset. `facts` are there once `state` is ready; `error` says why it is failed."""

    id: str
    object: Literal["dataset"] = "dataset"
    name: str
    state: Literal["processing", "ready", "failed"]
    created_at: int
    source: dict[str, Any]
    """What it was made from: files, columns, splits, signal, classes."""
    facts: DatasetFacts | None
    error: Problem | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, row: Row) -> "Dataset":
        return cls.model_validate(
            {
                "id": row.id,
                "name": row.name,
                "state": row.state,
                "created_at": int(row.created_at.timestamp()),
                "source": row.request,
                "facts": row.facts,
                "error": row.error,
                "metadata": row.metadata_,
            }
        )


class DatasetDeleted(BaseModel):
    id: str
    object: Literal["dataset"] = "dataset"
    deleted: bool = True


class Preview(BaseModel):
    """The first rows of a split, images and arrays as nested lists."""

    object: Literal["dataset.preview"] = "dataset.preview"
    dataset: str
    split: str
    rows: int
    """Rows of the whole split."""
    data: list[dict[str, Any]]
