"""How long one request about a batch is made again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.desk import PATIENCE
from gateway.failure import CallFailed, Retryable
from gateway.retry import RETRIES, pause

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
