"""How results are printed: tables for people, JSON with `--json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print what the server said, as JSON.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
TIMES = frozenset({"created", "created_at", "started_at", "finished_at", "last_used_at", "last_seen"})


def show(item: Mapping[str, Any], as_json: bool) -> None:
    """One thing: a line a field; what is nested stays JSON."""
    if as_json:
        raw(item)
        return
    grid = Table.grid(padding=(0, 2))
    for name, value in item.items():
        if name != "object":
            grid.add_row(name, text(name, value))
    Console().print(grid, highlight=False, soft_wrap=True)


def show_all(items: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Many things: a line each."""
    if as_json:
        raw(list(items))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name)
    for item in items:
        table.add_row(*(text(name, item.get(name)) for name in columns))
    Console().print(table, highlight=False)


def raw(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def done(words: str, id: str, as_json: bool) -> None:
    """For what has no result of its own."""
    raw({"id": id, "done": words}) if as_json else print(f"{id} {words}")


def text(name: str, value: Any) -> str:
    """A value in a cell."""
    if value is None:
        return ""
    if name in TIMES:
        return datetime.fromtimestamp(value, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if name == "bytes" and isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
