"""API keys as they are received and sent."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from models.key import Key as Row
from spec.part import List, Name, Part

Scope = Literal["read", "write", "admin"]


class NewKey(Part):
    """What POST /v1/keys takes."""

    name: Name
    scopes: Annotated[List[Scope], Field(min_length=1, max_length=3)] = ("read", "write")
    """`read` looks, `write` makes and deletes, `admin` manages projects and keys."""
    project: Annotated[str, Field(max_length=64)] | None = None
    """Another project than the caller's own."""


class Key(BaseModel):
    """An API key, without its secret."""

    id: str
    object: Literal["key"] = "key"
    name: str
    scopes: list[Scope]
    project: str
    hint: str
    """Its last four characters."""
    created_at: int
    last_used_at: int | None
    """To the minute."""

    @classmethod
    def of(cls, row: Row) -> "Key":
        return cls(
            id=row.id,
            name=row.name,
            scopes=row.scopes,
            project=row.project,
            hint=row.hint,
            created_at=int(row.created_at.timestamp()),
            last_used_at=None if row.last_used_at is None else int(row.last_used_at.timestamp()),
        )


class CreatedKey(Key):
    """An API key at the one moment when it can be read."""

    key: str
    """The secret. Only an HMAC of it is stored."""


class KeyDeleted(BaseModel):
    """A key that opens nothing any more."""

    id: str
    object: Literal["key"] = "key"
    deleted: Literal[True] = True
