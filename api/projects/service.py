"""What making, changing and deleting a project decides."""

from sqlalchemy.orm import Session

from api.errors import Conflicting, NotFound
from api.projects.wire import NewProject, Project, ProjectChange
from models import key as keys
from models import project as projects
from spec.ids import new_id


def create(session: Session, body: NewProject) -> tuple[Project, set[str]]:
    row = projects.Project(id=new_id("proj_"), name=body.name, quota_bytes=body.quota_bytes)
    row.usd_per_month = body.usd_per_month
    session.add(row)
    session.flush()
    return Project.of(row), set()


def get(session: Session, project: str | None, id: str) -> projects.Project:
    """The project, if it is the one that can be seen (None: all can). Raises NotFound."""
    row = session.scalar(projects.one(id)) if project in (None, id) else None
    if row is None:
        raise NotFound.of("project", id)
    return row


def change(session: Session, id: str, body: ProjectChange) -> projects.Project:
    """Sets what is named. Raises NotFound."""
    row = get(session, None, id)
    row.name = body.name or row.name
    if "usd_per_month" in body.model_fields_set:
        row.usd_per_month = body.usd_per_month
    session.flush()
    return row


def close(session: Session, id: str, own: str) -> None:
    """Ends the keys of an empty project: nobody sees into it any more, or adds to it. Raises NotFound, Conflicting (`not_empty`, `in_use`)."""
    empty(session, id, own)
    session.execute(keys.revoke_all(id))


def delete(session: Session, id: str, own: str) -> None:
    """Deletes an empty project with what remains of it. Raises as `close` does."""
    row = empty(session, id, own)
    for statement in projects.remains(id):
        session.execute(statement)
    session.delete(row)


def empty(session: Session, id: str, own: str) -> projects.Project:
    """The project, held, and nothing is in it. Raises NotFound, Conflicting (`not_empty`, `in_use`)."""
    row = get(session, None, id)
    session.execute(projects.locked(id))
    if id == own:
        raise Conflicting("This is the project of the key that asks.", code="in_use")
    held = [noun for noun, count in projects.contents(id).items() if session.scalar(count)]
    if held:
        raise full(*held, hint="Delete those first, and then it.")
    return row


def full(*nouns: str, hint: str) -> Conflicting:
    return Conflicting(f"The project still has {', '.join(nouns)}.", code="not_empty", hint=hint)
