"""Lists that fetch their next page when it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Literal, TypeVar

from stillhouse.transport import Transport

Item = TypeVar("Item")
Order = Literal["asc", "desc"]


class Pages(Generic[Item]):
    """Everything that matches, page by page: `for file in client.files.list(): ...`. Iterating again asks again."""

    def __init__(self, transport: Transport, path: str, *, size: int = 100, after: str = "", **query: Any) -> None:
        """`size`: items a page; `after`: the id after which it begins."""
        self._transport = transport
        self._path = path
        self._after = after
        self._query = {"limit": size, **query}

    def __iter__(self) -> Iterator[Item]:
        after = self._after
        while True:
            page = self._transport.get(self._path, **self._query, after=after or None)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = page["last_id"]

    def first(self, count: int) -> list[Item]:
        """At most `count` items."""
        return [item for item, _ in zip(self, range(count), strict=False)]
