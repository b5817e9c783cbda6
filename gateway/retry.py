"""How often a call that failed is made again, and after what time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.failure import Retryable

RETRIES = 5
"""Further attempts at a call that failed and may succeed later."""
LONGEST = 30.0
"""Seconds before the next attempt, where the endpoint asks for no more."""
ASKED = 600.0
"""Seconds that an endpoint may ask for."""
TRIES = 4
"""Of a question of a probe."""
HOPELESS = ("unauthorized", "unpaid", "refused", "redirected")
"""Failures that every further call would meet."""
UNSURE = ("forbidden", "not_found")
"""Failures that every call would meet, or one: gateways that moderate, and web firewalls, refuse a prompt so."""

T = TypeVar("T")


def pause(attempt: int, asked: float | None) -> float:
    """Seconds before the next attempt: what the endpoint asks for, else twice as long each time; within bounds, with jitter."""
    base = min(0.25 * 2**attempt, LONGEST) if asked is None else min(asked, ASKED)
    return base + random.uniform(0, 0.25 * min(base, LONGEST) + 0.05)


async def tried(question: Callable[[], Awaitable[T]], until: float) -> T:
    """What comes of a question that is put TRIES times where that may help, and not after `until`, on the loop's clock. Raises CallFailed."""
    attempt = 0
    while True:
        try:
            return await question()
        except Retryable as error:
            attempt += 1
            wait = pause(attempt, error.retry_after)
            if attempt == TRIES or asyncio.get_running_loop().time() + wait > until:
                raise
        await asyncio.sleep(wait)
