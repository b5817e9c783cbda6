"""JSONL: one object a line; inputs are flat or nested lists of numbers, or text. Files of conversations are read as their columns."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.data.batch import BYTES, ROWS, Batch
from distill.data.conversations import ROLES, Format, format_of
from distill.data.lines import lines
from distill.data.opened import opened

Line = dict[str, Any] | str
"""An object, or why there is none."""

CELLS = 2**22
"""Rows times columns of a batch: objects that share no key would make a table of nothing."""


@dataclass(frozen=True)
class JsonLines:
    """A source of rows; a line that is no object becomes a bad row. What the first object is, all lines have to be."""

    path: Path
    name: str
    split: str

    def batches(self) -> Iterator[Batch]:
        rows: list[Line] = []
        numbers: list[int] = []
        names: set[str] = set()
        size = 0
        first, spoken = True, None
        with opened(self.path, self.name) as stream:
            for number, line, reason in lines(stream):
                if line is not None and not line.strip():
                    continue
                row = reason if line is None else parse(line.rstrip(b"\r\n"))
                if first and isinstance(row, dict):
                    first, spoken = False, format_of(row)
                rows.append(spoken.read(row) if spoken and isinstance(row, dict) else row)
                numbers.append(number)
                names.update(row if isinstance(row, dict) else ())
                size += len(line or b"")
                if len(rows) == ROWS or size > BYTES or len(names) * len(rows) > CELLS:
                    yield batch(rows, numbers, spoken)
                    rows, numbers, names, size = [], [], set(), 0
        if rows:
            yield batch(rows, numbers, spoken)


def parse(line: bytes) -> Line:
    """The object on a line, or why there is none."""
    try:
        value = json.loads(line.decode())  # of bytes it would take UTF-16 too, and halves of characters
    except UnicodeDecodeError:
        return "the line is not UTF-8"
    except json.JSONDecodeError as error:
        return f"the line is not JSON: {error.msg} at column {error.colno}"
    except RecursionError:
        return "the line is nested too deeply"
    except ValueError as error:  # an integer of thousands of digits
        return f"the line is not JSON: {error}"
    if b"\\u" in line and not speakable(value):
        return "the line has a text that is no Unicode, or has a NUL"
    if value == {}:
        return "the object is empty"
    return value if isinstance(value, dict) else f"the line is not an object but {type(value).__name__}"


def speakable(value: Any) -> bool:
    """Whether all texts in it can be stored: escapes can write half a character, and NUL."""
    try:
        return b"\\u0000" not in json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False


def batch(rows: list[Line], numbers: list[int], spoken: Format | None) -> Batch:
    """Rows (or reasons) turned into columns, which conversations give roles to."""
    names = dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)
    columns = {name: [row.get(name) if isinstance(row, dict) else None for row in rows] for name in names}
    bad = {i: row for i, row in enumerate(rows) if isinstance(row, str)}
    return Batch(lines=numbers, columns=columns, bad=bad, roles=ROLES if spoken and columns else {})
