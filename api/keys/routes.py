"""Keys: administrators make and revoke them; everyone sees those of the own project."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Admin, Caller, Config, Db, Reader
from api.errors import Forbidden
from api.idempotency import OnlyOnce
from api.keys import service
from api.keys.wire import CreatedKey, Key, KeyDeleted, NewKey
from api.pages import AskedPage, Page, cut, page
from models import key as keys

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post("", operation_id="create_key", status_code=201)
async def create(body: NewKey, caller: Admin, db: Db, config: Config, once: OnlyOnce) -> CreatedKey:
    """Make an API key. The reply is the only place where it can ever be read."""
    wanted = body if body.project is not None else body.model_copy(update={"project": caller.project})
    made, _ = await once(db, CreatedKey, service.create, config.pepper, wanted)
    return service.revealed(config.pepper, made)


@router.get("", operation_id="list_keys")
async def list_keys(
    caller: Reader,
    db: Db,
    asked: AskedPage,
    project: Annotated[str | None, Query(max_length=64, description="Another project's, for administrators.")] = None,
) -> Page[Key]:
    """Keys that are not revoked, newest first."""
    if project not in (None, caller.project) and "admin" not in caller.scopes:
        raise Forbidden("Only a key with the scope `admin` sees other projects' keys.", code="missing_scope")
    part = await db(cut, keys.valid(project or caller.project), keys.Key.id, asked)
    return page(Page[Key], [Key.of(row) for row in part.rows], part.has_more)


@router.get("/{key_id}", operation_id="get_key")
async def get(key_id: str, caller: Reader, db: Db) -> Key:
    """One key, without its secret."""
    return Key.of(await db(service.get, visible(caller), key_id))


@router.delete("/{key_id}", operation_id="delete_key")
async def delete(key_id: str, caller: Admin, db: Db) -> KeyDeleted:
    """Revoke a key: from the next request on it opens nothing."""
    await db(service.revoke, visible(caller), key_id)
    return KeyDeleted(id=key_id)


def visible(caller: Caller) -> str | None:
    """The project whose keys can be seen; None: all."""
    return None if "admin" in caller.scopes else caller.project
