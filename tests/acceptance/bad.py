"""Rows of the tables of what inspection refuses."""

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Bad:
    """A file, what is asked of it, and the whole error."""

    content: bytes
    filename: str
    error: dict[str, Any]
    asked: dict[str, Any] = field(default_factory=dict)


def told(
    code: str, message: str, *, hint: str | None = None, param: str | None = None, file: str | None = None,
    line: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {"code": code, "message": message, "hint": hint, "param": param, "file": file, "line": line}


def named(part: Any, known: dict[str, str]) -> Any:
    """A part of a document with ids for names, `{rows}`."""
    if isinstance(part, dict):
        return {key: named(value, known) for key, value in part.items()}
    if isinstance(part, list):
        return [named(value, known) for value in part]
    return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], part) if isinstance(part, str) else part


PICKLES = "Pickles can run code and are never opened. Rows: np.savez('rows.npz', x=x, y=y). Weights: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."
SAVE = "Write it with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."
AGAIN = "Write or upload it again."
NAMES = "docs/teachers.md shows the names and how to rename a state_dict."
MEND = "Mend them, or set allow_bad_rows to leave them out."
