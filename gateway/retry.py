"""How often a call that failed is made again, and after what time."""

import random

RETRIES = 5
"""Further attempts at a call that failed and may succeed later."""
LONGEST = 30.0
"""Seconds before the next attempt, where the endpoint asks for no more."""
ASKED = 600.0
"""Seconds that an endpoint may ask for."""
HOPELESS = ("unauthorized", "forbidden", "not_found", "refused", "redirected")
"""Failures that every further call would meet."""


def pause(attempt: int, asked: float | None) -> float:
    """Seconds before the next attempt: what the endpoint asks for, else twice as long each time; within bounds, with jitter."""
    base = min(0.25 * 2**attempt, LONGEST) if asked is None else min(asked, ASKED)
    return base + random.uniform(0, 0.25 * min(base, LONGEST) + 0.05)
