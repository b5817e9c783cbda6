"""What routes ask for by type: the database, the storage, the caller and what the caller may do."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from structlog.contextvars import bind_contextvars

from api.bell import Bell
from api.database import Database
from api.errors import Forbidden, Unauthenticated
from api.secret import digest_of, well_formed
from models import key as keys
from settings import Settings
from storage import Storage

SCOPES = ("read", "write", "admin")
bearer = HTTPBearer(auto_error=False, scheme_name="key", description="`Authorization: Bearer sh_live_…`")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks. Every statement of a route takes `project`; nothing else decides what can be seen."""

    project: str
    key: str
    scopes: frozenset[str]


async def database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def stored(request: Request) -> Storage:
    found: Storage = request.app.state.storage
    return found


async def belled(request: Request) -> Bell:
    found: Bell = request.app.state.bell
    return found


async def configured(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


Db = Annotated[Database, Depends(database)]
Store = Annotated[Storage, Depends(stored)]
Ring = Annotated[Bell, Depends(belled)]
Config = Annotated[Settings, Depends(configured)]


async def caller(
    db: Db, config: Config, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """The holder of a key that exists and is not revoked. Raises Unauthenticated."""
    if credentials is None:
        raise Unauthenticated(
            "No API key was sent.", code="missing_api_key", hint="Send the header `Authorization: Bearer sh_live_…`."
        )
    secret = credentials.credentials
    if not well_formed(secret):
        raise Unauthenticated("The API key is malformed.", hint="A key is `sh_live_` and 36 letters or digits.")
    row = await db(keys.use, digest_of(config.pepper, secret))
    if row is None:
        raise Unauthenticated("The API key is unknown or was revoked.")
    bind_contextvars(project=row.project, key=row.id)
    return Caller(project=row.project, key=row.id, scopes=frozenset(row.scopes))


Anyone = Annotated[Caller, Depends(caller)]


def need(scope: str, who: Caller) -> Caller:
    """The caller, who holds the scope. Raises Forbidden."""
    if scope not in who.scopes:
        raise Forbidden(
            f"This key has no scope `{scope}` (it has: {', '.join(sorted(who.scopes)) or 'none'}).",
            code="missing_scope",
            hint=f"Use a key that was made with the scope `{scope}`.",
        )
    return who


async def reader(who: Anyone) -> Caller:
    return need("read", who)


async def writer(who: Anyone) -> Caller:
    return need("write", who)


async def admin(who: Anyone) -> Caller:
    return need("admin", who)


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Admin = Annotated[Caller, Depends(admin)]
