"""When an endpoint is given up: before the money is gone on calls that fail."""

from collections import deque

WINDOW, LEAST, SHARE = 50, 20, 0.5
"""Last calls that are looked at; how many there must be; the share of failures at which it is enough."""


class Breaker:
    """Of one step's calls. A refusal for too many calls (429, 529) is no failure: it is waited out."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=WINDOW)

    def note(self, well: bool) -> None:
        self._last.append(well)

    @property
    def tripped(self) -> bool:
        failures = len(self._last) - sum(self._last)
        return len(self._last) >= LEAST and failures / len(self._last) > SHARE
