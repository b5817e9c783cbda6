"""Lists as OpenAI pages them: newest first, `after=<id>`, one index range scan whatever the depth."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

Row = TypeVar("Row")
Item = TypeVar("Item")
SelectT = TypeVar("SelectT", bound="Select[*tuple[Any, ...]]")
Named = TypeVar("Named", bound="Identified")


class Identified(Protocol):
    """What can be an item of a page."""

    id: Any


class Page(BaseModel, Generic[Item]):
    """A page of a list. `last_id` is the next page's `after`; `has_more` says whether there is one."""

    object: Literal["list"] = "list"
    data: list[Item]
    has_more: bool
    first_id: str | None
    last_id: str | None


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Which page is asked for."""

    limit: int
    after: str | None
    order: Literal["asc", "desc"]


def paging(
    limit: Annotated[int, Query(ge=1, le=100, description="Items at most.")] = 20,
    after: Annotated[str | None, Query(max_length=64, description="The id after which the page begins.")] = None,
    order: Annotated[Literal["asc", "desc"], Query(description="By time of creation, endpoints by name.")] = "desc",
) -> Paging:
    return Paging(limit=limit, after=after, order=order)


AskedPage = Annotated[Paging, Depends(paging)]


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """Rows of one page; `page(wire, ids)` makes the reply."""

    rows: list[Row]
    has_more: bool


def narrowed(statement: SelectT, id: ColumnElement[str], asked: Paging) -> SelectT:
    """The statement of one page, and of one row more, which tells whether there is a next one."""
    if asked.after is not None:
        statement = statement.where(id > asked.after if asked.order == "asc" else id < asked.after)
    return statement.order_by(id.asc() if asked.order == "asc" else id.desc()).limit(asked.limit + 1)


def cut(session: Session, statement: Select[Row], id: InstrumentedAttribute[str], asked: Paging) -> Slice[Row]:
    """One page of a statement that selects one table's rows, already narrowed to the project.

    slice = await db(cut, select(File).where(File.project == caller.project), File.id, asked)
    """
    rows = list(session.scalars(narrowed(statement, id.expression, asked)))
    return Slice(rows[: asked.limit], len(rows) > asked.limit)


def page(kind: "type[Page[Named]]", items: list[Named], has_more: bool) -> "Page[Named]":
    """`page(Page[File], [File.of(row) for row in slice.rows], slice.has_more)`; items have an `id`."""
    ids = [str(item.id) for item in items]
    return kind(data=items, has_more=has_more, first_id=ids[0] if ids else None, last_id=ids[-1] if ids else None)
