"""How long one request about a batch is made again, and how long looks at one may fail."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.desk import PATIENCE
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.retry import ASKED, RETRIES, pause

GONE = 3
"""Looks at a batch, or at a file of it, that found none, with none in between that found it: they are believed."""
FAILURES = 20
"""Looks in a row that failed otherwise: the endpoint is given up."""
T = TypeVar("T")


class Patience:
    """With one request: an endpoint that is too busy is asked for minutes, and what fails otherwise is tried again a few times."""

    def __init__(self) -> None:
        self._failures = self._refusals = 0
        self._since = float("inf")

    async def lasts(self, error: CallFailed) -> bool:
        """Whether the request is to be made again, once that is due."""
        if not isinstance(error, Retryable):
            return False
        busy = error.kind == "rate_limited"
        if busy:
            self._refusals, self._since = self._refusals + 1, min(self._since, time.monotonic())
        else:
            self._failures += 1
        if self._failures > RETRIES or time.monotonic() - self._since > PATIENCE:
            return False
        await asyncio.sleep(pause(self._refusals if busy else self._failures, error.retry_after))
        return True


class Illness:
    """Looks at one batch in a row that failed."""

    def __init__(self) -> None:
        self.over()

    def over(self) -> None:
        """A look that did not fail."""
        self._missed = self._failures = 0
        self._refused_since = float("inf")

    def fatal(self, error: CallFailed) -> bool:
        """After one more: whether the batch is gone for good. Raises the error once that is enough: what is too busy, after minutes of nothing else."""
        if error.kind == "not_found":
            self._missed += 1
            return self._missed >= GONE
        if error.kind == "rate_limited":
            self._refused_since = min(self._refused_since, time.monotonic())
        else:
            self._failures, self._refused_since = self._failures + 1, float("inf")
        long = time.monotonic() - self._refused_since > PATIENCE
        if isinstance(error, Permanent) or long or self._failures >= FAILURES:
            raise error
        return False


def asked(error: CallFailed) -> float:
    """Seconds that the endpoint asks for before the next request."""
    return min(error.retry_after or 0.0, ASKED) if isinstance(error, Retryable) else 0.0


async def once(call: Callable[[], Awaitable[T]]) -> T:
    """Raises CallFailed."""
    return await call()


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Raises CallFailed, once that is enough."""
    patience = Patience()
    while True:
        try:
            return await call()
        except CallFailed as error:
            if not await patience.lasts(error):
                raise
