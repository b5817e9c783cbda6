"""Waiting for an inspection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from stillhouse.errors import InspectionFailed
from stillhouse.types import Dataset, Model

Inspected = TypeVar("Inspected", Dataset, Model)
LONGEST_PAUSE = 1.0


def settled(get: Callable[[], Inspected], timeout: float) -> Inspected:
    """What `get` returns once it is processed no more. Raises InspectionFailed, TimeoutError (after so many seconds)."""
    deadline, pause = time.monotonic() + timeout, 0.1
    while True:
        found = get()
        state: Any = found["state"]
        if state == "ready":
            return found
        if state == "failed":
            raise InspectionFailed(found["id"], found["error"])
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found['id']} is still {state} after {timeout:.0f} s")
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)
