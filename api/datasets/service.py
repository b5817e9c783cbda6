"""What making, showing and deleting a dataset decides."""

from typing import Any

from sqlalchemy.orm import Session

from api.datasets.wire import Dataset, DatasetFile, NewDataset
from api.errors import Conflicting, NotFound
from api.inspections import begin, discard, path_of, uploaded
from models import dataset as datasets
from models.dataset import Readiness
from spec.facts import DatasetFacts, SplitFacts
from spec.ids import new_id
from spec.nearest import suggestion
from spec.params import InspectDataset, SourceFile


def create(session: Session, project: str, body: NewDataset) -> tuple[Dataset, set[str]]:
    """The row, and its inspection on its way. Raises Invalid (`file_not_found`)."""
    asked = tuple(DatasetFile(file=one) if isinstance(one, str) else one for one in body.files)
    files = uploaded(session, project, [one.file for one in asked])
    row = datasets.Dataset(
        id=new_id("ds_"),
        project=project,
        name=body.name or files[0].filename[:64],
        request=body.model_copy(update={"files": asked}).model_dump(mode="json", exclude={"name", "metadata"}),
        metadata_=body.metadata,
    )
    params = InspectDataset(
        files=tuple(
            SourceFile(path=path_of(i), filename=file.filename, split=one.split, column=one.column)
            for i, (file, one) in enumerate(zip(files, asked, strict=True))
        ),
        columns=body.columns,
        signal=body.signal,
        classes=body.classes,
        splits=body.splits,
        allow_bad_rows=body.allow_bad_rows,
    )
    queues = begin(session, row, files, params)
    return Dataset.of(row), queues


def get(session: Session, project: str, id: str) -> datasets.Dataset:
    """Raises NotFound."""
    row = session.scalar(datasets.one(project, id))
    if row is None:
        raise NotFound.of("dataset", id)
    return row


def split(session: Session, project: str, id: str, name: str | None) -> tuple[str, SplitFacts, dict[str, Any]]:
    """Name and facts of a split (without a name: train, else the first by name), and the dataset's files.

    Raises NotFound (also `split_not_found`), Conflicting (`not_ready`).
    """
    row = get(session, project, id)
    if row.state != Readiness.READY:
        raise Conflicting(f"Dataset {id} is {row.state}.", code="not_ready", hint="Ask again when its state is ready.")
    facts = DatasetFacts.model_validate(row.facts)
    chosen = name or ("train" if "train" in facts.splits else min(facts.splits))
    if chosen not in facts.splits:
        raise NotFound(
            f"Dataset {id} has no split {chosen!r}.",
            code="split_not_found",
            param="split",
            hint=suggestion(chosen, sorted(facts.splits)),
        )
    return chosen, facts.splits[chosen], row.files


def delete(session: Session, project: str, id: str) -> set[str]:
    """Raises NotFound, Conflicting (`in_use`). Returns the queues to ring."""
    row = get(session, project, id)
    return discard(session, row, *([row.made_for] if row.made_for else []))
