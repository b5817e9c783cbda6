"""Calls that wait for a batch. Their bodies lie in a file: a step may have a million."""

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from gateway.batch import BYTES, LINES, line
from models.postage import Entry

AROUND = len(line(LINES, b""))
"""Bytes of a line around its body, at most."""


@dataclass(kw_only=True)
class Call:
    """One call, and where its body is."""

    entry: Entry
    start: int
    length: int
    tries: int = 0
    """Batches that it was in."""


class Spool:
    """In the order in which calls are to be sent."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._waiting, self._bytes, self._end = file, deque[Call](), 0, 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether there is enough for a file."""
        return len(self._waiting) >= LINES or self._bytes >= BYTES

    def put(self, entry: Entry, body: bytes) -> Call:
        """A new call, which does not wait yet."""
        start, self._end = self._end, self._end + len(body)
        self._file.write(body)
        return Call(entry=entry, start=start, length=len(body))

    def add(self, calls: Sequence[Call], *, first: bool = False) -> None:
        """They wait now: after all others, or before them."""
        if first:
            self._waiting.extendleft(reversed(calls))
        else:
            self._waiting.extend(calls)
        self._bytes += sum(call.length + AROUND for call in calls)

    def load(self, most: int) -> list[Call]:
        """The first of them, as many as a file takes and `most`; they wait no longer."""
        load, size = list[Call](), 0
        while self._waiting and len(load) < min(most, LINES):
            step = self._waiting[0].length + AROUND
            if load and size + step > BYTES:
                break
            size += step
            load.append(self._waiting.popleft())
        self._bytes -= size
        return load

    def write(self, calls: Sequence[Call], into: IO[bytes]) -> None:
        """The file of a batch: each call under its number. From any thread, while others are put."""
        self._file.flush()
        for number, call in enumerate(calls):
            into.write(line(number, os.pread(self._file.fileno(), call.length, call.start)))
        into.flush()

    def close(self) -> None:
        self._file.close()
