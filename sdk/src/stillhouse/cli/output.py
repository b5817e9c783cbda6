"""How results are printed: tables for people, JSON with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer


def _either(context: typer.Context, value: bool) -> bool:
    return value or bool(context.obj and context.obj.as_json)


AsJson = Annotated[bool, typer.Option("--json", callback=_either, help="Print what the server said, as JSON.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
LicenceOption = Annotated[
    str | None, typer.Option("--licence", help="An SPDX id, a name such as llama3.1 or gemma, or a few words.")
]
After = Annotated[str, typer.Option("--after", help="The id after which the list goes on.")]
TIMES = frozenset({"created", "created_at", "started_at", "finished_at", "last_used_at", "last_seen", "probed_at"})


def show(item: Mapping[str, Any], as_json: bool) -> None:
    """One thing: a line a field; what is nested stays JSON."""
    if as_json:
        raw(item)
        return
    cells = {name: text(name, value) for name, value in item.items() if name != "object"}
    width = max(map(len, cells), default=0)
    for name, value in cells.items():
        print(f"{name.ljust(width)}  {value}".rstrip())


def show_all(
    items: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool, to: TextIO | None = None
) -> None:
    """Many things: a line each, whole however narrow the terminal is, since ids are there to be copied. `to`: standard output, unless said."""
    if as_json:
        raw(list(items))
        return
    rows = [list(columns), *([text(name, item.get(name)) for name in columns] for item in items)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), file=to)


def show_problems(noun: str, problems: Sequence[Mapping[str, Any]], to: TextIO | None = None) -> None:
    """Their number (`2 refusals`), and a line each."""
    print(f"{len(problems)} {noun}{'s' if len(problems) > 1 else ''}", file=to)
    show_all(problems, ("param", "code", "message", "hint"), False, to)


def show_page(items: Iterable[Mapping[str, Any]], limit: int, columns: Sequence[str], as_json: bool) -> None:
    """The first `limit` of a list, and, on standard error, how to see more."""
    found = list(islice(items, limit + 1))
    show_all(found[:limit], columns, as_json)
    if len(found) > limit:
        print(f"there are more: --after {found[limit - 1][columns[0]]}, or --limit", file=sys.stderr)


def raw(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def gone(reply: Mapping[str, Any], as_json: bool) -> None:
    """What was deleted."""
    raw(reply) if as_json else print(f"{reply['id']} deleted")


def written(id: str, path: Path, as_json: bool) -> None:
    """What was downloaded: the server said bytes, so this line is our own."""
    raw({"id": id, "path": str(path)}) if as_json else print(f"{id} is in {path}")


def text(name: str, value: Any) -> str:
    """A value in a cell."""
    if value is None:
        return ""
    if name in TIMES:
        return datetime.fromtimestamp(value, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if name == "bytes" and isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    if name == "price":
        return rates(value)
    if name == "prices":
        return ", ".join(map(rates, value))
    if name == "limits":
        return ", ".join(f"{limit} {bound}" for limit, bound in value.items() if bound)  # 0: no limit
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """Four significant digits, and cents of what is larger; JSON has them all."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 1000 else f"{value:.4g}"


def rates(price: Mapping[str, Any]) -> str:
    """`0.40/1.60`, or `0.40/1.60/0.10` with the rate for cached input, as `--price` takes them; and the share of a batch."""
    known = [price[name] for name in ("input", "output", "cached") if price[name] is not None]
    told = "/".join(f"{rate:.2f}" if round(rate, 2) == rate else f"{rate:g}" for rate in known)
    return told if price["batch"] is None else f"{told}, batch {price['batch']:g}"
