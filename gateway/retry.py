"""How often a call that failed is made again, and after what time."""

import random

RETRIES = 5
"""Further attempts at a call that failed and may succeed later."""
LONGEST = 30.0
"""Seconds between two attempts at one call."""
HOPELESS = ("unauthorized", "forbidden", "not_found", "refused", "redirected")
"""Failures that every further call would meet."""


def pause(attempt: int, asked: float | None) -> float:
    """Seconds before the next attempt: what the endpoint asks for, else twice as long each time; within bounds, with jitter."""
    base = min(asked if asked is not None else 0.25 * 2**attempt, LONGEST)
    return base + random.uniform(0, 0.25 * base + 0.05)
