"""A bound on the time of one piece of work that may never end, such as a regular expression that tries all ways to divide a text."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLong(Exception):
    """The work was ended."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises TooLong in the block once the process has computed for so long in it: what else runs on the machine does not count.

    Python's `re` looks for signals while it searches. Main thread only; blocks are not put into each other.
    """
    before = signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _end(number: int, frame: FrameType | None) -> None:
    raise TooLong
