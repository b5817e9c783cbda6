"""What making and revoking a key decides."""

import secrets

from sqlalchemy.orm import Session

from api.errors import Invalid, NotFound
from api.keys.wire import CreatedKey, Key, NewKey
from api.secret import digest_of, secret_of
from models import key as keys
from models import project as projects
from spec.ids import new_id


def create(session: Session, pepper: str, body: NewKey) -> tuple[CreatedKey, set[str]]:
    """A key of `body.project`. In the reply `key` is the seed that the secret grows from, see `revealed`.

    The seed, not the secret, is what an Idempotency-Key keeps for its 24 hours. Raises Invalid.
    """
    if session.scalar(projects.one(body.project or "")) is None:
        raise Invalid(f"No such project: {body.project!r}.", code="project_not_found", param="project")
    seed = secrets.token_hex(32)
    secret = secret_of(pepper, seed)
    row = keys.Key(
        id=new_id("key_"),
        project=body.project,
        name=body.name,
        digest=digest_of(pepper, secret),
        hint=secret[-4:],
        scopes=sorted(set(body.scopes)),
    )
    session.add(row)
    session.flush()
    return CreatedKey(**Key.of(row).model_dump(), key=seed), set()


def revealed(pepper: str, created: CreatedKey) -> CreatedKey:
    """The reply, with the secret in the place of its seed."""
    return created.model_copy(update={"key": secret_of(pepper, created.key)})


def get(session: Session, project: str | None, id: str) -> keys.Key:
    """A valid key of the project, or of any (None). Raises NotFound."""
    row = session.scalar(keys.valid(project).where(keys.Key.id == id))
    if row is None:
        raise NotFound.of("key", id)
    return row


def revoke(session: Session, project: str | None, id: str) -> None:
    """Raises NotFound."""
    get(session, project, id)
    session.execute(keys.revoke(id))
