"""What making, showing and deleting a model decides."""

from typing import Any

from sqlalchemy.orm import Session

from api.errors import Conflicting, Invalid, NotFound
from api.inspections import begin, discard, path_of, uploaded
from api.models.wire import Model, NewModel
from models import model as models
from models.dataset import Readiness
from models.file import File
from spec.facts import Signature
from spec.ids import new_id
from spec.nearest import suggestion
from spec.params import InspectModel, SourceFile
from spec.problem import Problem
from spec.student import Student, TextEncoder


def create(session: Session, project: str, body: NewModel) -> tuple[Model, set[str]]:
    """The row, and its inspection on its way. Raises Invalid (`file_not_found`)."""
    files = uploaded(session, project, body.files)
    body = body.model_copy(update={"architecture": _named_by_digest(body, files)})
    row = models.Model(
        id=new_id("mdl_"),
        project=project,
        name=body.name or files[0].filename[:64],
        origin="upload",
        request=body.model_dump(mode="json", exclude={"name", "licence", "metadata"}),
        licence=body.licence,
        metadata_=body.metadata,
    )
    params = InspectModel(
        files=tuple(SourceFile(path=path_of(i), filename=file.filename) for i, file in enumerate(files)),
        architecture=body.architecture,
        signature=Signature.model_validate(body.signature.model_dump()) if body.signature else None,
        labels_seen=body.labels_seen,
    )
    queues = begin(session, row, files, params)
    return Model.of(row), queues


def _named_by_digest(body: NewModel, files: list[File]) -> Student | None:
    """The architecture as weights know it: their tokenizer is known by its sha256. Raises Invalid (`file_not_found`) where it is not among the files."""
    asked = body.architecture
    if not isinstance(asked, TextEncoder) or not (asked.tokenizer or "").startswith("file-"):
        return asked
    if asked.tokenizer not in body.files:
        message, hint = f"{asked.tokenizer} is not among the files.", "Name it in files, too."
        problem = Problem(code="file_not_found", message=message, param="architecture.tokenizer", hint=hint)
        raise Invalid.because([problem])
    return asked.model_copy(update={"tokenizer": files[body.files.index(asked.tokenizer)].digest})


def get(session: Session, project: str, id: str) -> models.Model:
    """Raises NotFound."""
    row = session.scalar(models.one(project, id))
    if row is None:
        raise NotFound.of("model", id)
    return row


def files(session: Session, project: str, id: str) -> dict[str, Any]:
    """Name to `{digest, bytes}`. Raises NotFound, Conflicting (`not_ready`)."""
    row = get(session, project, id)
    if row.state != Readiness.READY:
        raise Conflicting(f"Model {id} is {row.state}.", code="not_ready", hint="Ask again when its state is ready.")
    return row.files


def file(session: Session, project: str, id: str, name: str) -> dict[str, Any]:
    """One file's `{digest, bytes}`. Raises NotFound (also `model_file_not_found`), Conflicting (`not_ready`)."""
    held = files(session, project, id)
    if name not in held:
        raise NotFound(
            f"Model {id} has no file {name[:80]!r}.",
            code="model_file_not_found",
            param="name",
            hint=suggestion(name, sorted(held)),
        )
    found: dict[str, Any] = held[name]
    return found


def delete(session: Session, project: str, id: str) -> set[str]:
    """Students of a deleted teacher stay. Raises NotFound, Conflicting (`in_use`). Returns the queues to ring."""
    return discard(session, get(session, project, id))
