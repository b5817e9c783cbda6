"""Reading events.jsonl while the child appends to it: by byte offset, whole lines only, numbers in order."""

import json
import math
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spec.run import EVENTS, Event
from workers.intake import opened

LINE = 65_536  # bytes; longer ones are no events
TEXT = 4_000  # characters of a message that are kept


class Tail:
    """One file of events, from its beginning."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._offset = 0
        self._rest = b""
        self._n = 0

    def read(self, most: int = 1 << 20) -> list[Event]:
        """Events appended since the last call; [] if there are none. Raises intake.Untrusted for a file that is a link."""
        try:
            with opened(self._run, EVENTS) as file:
                chunk = os.pread(file, most, self._offset)
        except FileNotFoundError:
            return []
        self._offset += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[-LINE:]
        return [event for line in lines if (event := self._event(line)) is not None]

    def _event(self, line: bytes) -> Event | None:
        """The event of a line; None for what is none, or has been seen."""
        try:
            event = Event.model_validate(json.loads(line)) if len(line) <= LINE else None
        except (ValidationError, ValueError, RecursionError):
            return None
        if event is None or event.n <= self._n:
            return None
        self._n = event.n
        return event.model_copy(update={"data": storable(event.data)})


def storable(value: Any) -> Any:
    """`value` as PostgreSQL takes it: no NUL in text, no number that JSON cannot write, no endless text."""
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:TEXT]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
