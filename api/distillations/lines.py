"""A stored log, a JSON object a line, as JSONL or CSV of one shape: made while it is sent, so that memory holds a line and a piece."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from pydantic import BaseModel

Format = Literal["jsonl", "csv"]
Line = dict[str, Any]
MEDIA: dict[Format, str] = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
PIECE = 2**16
"""Characters that are sent together."""
LONGEST = 2**26
"""Bytes of a line: a log with a longer one is none of ours."""


def sent(
    chunks: Iterable[bytes], shape: type[BaseModel], wanted: Callable[[Line], bool], format: Format
) -> Iterator[bytes]:
    """Wanted lines, with every field of `shape`: where a line lacks one, its default. Raises ValueError."""
    blank = {name: field.get_default(call_default_factory=True) for name, field in shape.model_fields.items()}
    found = map(json.loads, lines(chunks))
    shaped = ({name: line.get(name, default) for name, default in blank.items()} for line in found if wanted(line))
    yield from pieces(as_csv(shaped, list(blank)) if format == "csv" else as_jsonl(shaped))


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Without their ends. Raises ValueError at one that is longer than LONGEST."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST:
            raise ValueError(f"a line of over {LONGEST:,} bytes")
        yield from whole
    if rest:
        yield rest


def as_jsonl(found: Iterable[Line]) -> Iterator[str]:
    return (json.dumps(line, ensure_ascii=False) + "\n" for line in found)


def as_csv(found: Iterable[Line], names: list[str]) -> Iterator[str]:
    """The names, then a record a line. Lists and objects are JSON in their cells, null is nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for line in found:
        yield _taken(text)
        writer.writerow(cell(value) for value in line.values())
    yield _taken(text)


def cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _taken(text: io.StringIO) -> str:
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return written


def pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """Many short texts as few longer ones: each is a message of its own to the client."""
    held: list[str] = []
    length = 0
    for text in texts:
        held.append(text)
        length += len(text)
        if length >= PIECE:
            yield "".join(held).encode()
            held, length = [], 0
    if held:
        yield "".join(held).encode()
