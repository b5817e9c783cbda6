"""What making and deleting a file decides."""

from sqlalchemy.orm import Session

from api.errors import Conflicting, NoSpace, NotFound
from api.files.upload import Upload
from api.files.wire import File
from models import blob
from models import file as files
from models import job as jobs
from models import project as projects
from spec.ids import new_id


def get(session: Session, project: str, id: str) -> files.File:
    """Raises NotFound."""
    row = session.scalar(files.one(project, id))
    if row is None:
        raise NotFound.of("file", id)
    return row


def fits(session: Session, project: str, quota: int, more: int) -> None:
    """Raises NoSpace (`quota_exceeded`) if the project cannot hold so many bytes more."""
    held = session.scalar(blob.held_bytes(project)) or 0
    allowed = session.scalars(projects.one(project)).one().quota_bytes or quota
    if held + more > allowed:
        raise NoSpace(
            f"The project holds {held} of {allowed} bytes; {more} more do not fit.",
            code="quota_exceeded",
            hint="Delete files, datasets, models or ended distillations, or have the quota raised.",
        )


def create(session: Session, project: str, quota: int, upload: Upload) -> tuple[File, set[str]]:
    """The row of a file whose bytes are in storage. Raises NoSpace."""
    session.execute(projects.counted(project))
    row = files.File(
        id=new_id("file-"),
        project=project,
        filename=upload.filename,
        purpose=upload.purpose,
        bytes=upload.bytes,
        digest=upload.digest,
    )
    blob.keep(session, project, row.id, {row.filename: {"digest": row.digest, "bytes": row.bytes}})
    session.add(row)
    session.flush()
    fits(session, project, quota, 0)
    return File.of(row), set()


def delete(session: Session, project: str, id: str) -> None:
    """Raises NotFound, Conflicting (`in_use`)."""
    row = session.scalar(files.one(project, id).with_for_update())
    if row is None:
        raise NotFound.of("file", id)
    users = [
        *session.scalars(files.inspected_for(project, id)),
        *session.scalars(jobs.needing(project, (id, row.digest)).limit(5)),
    ]
    if users:
        raise Conflicting(
            f"{id} is needed by {', '.join(users)}.",
            code="in_use",
            hint="Wait until it is no longer being read, or delete what needs it.",
        )
    session.delete(row)
    session.flush()
    blob.release(session, id)
