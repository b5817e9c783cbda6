"""Requests a minute, in a bucket that fills evenly, and calls at once."""

import math
import time


class Limits:
    def __init__(self, rpm: int | None, concurrency: int | None) -> None:
        self.rpm, self.concurrency, self.running = rpm, concurrency, 0
        self.left, self.at = float(rpm or 0), time.monotonic()

    def refused(self) -> int | None:
        """Seconds to wait, or None where the call may go on; it is counted then."""
        if self.concurrency is not None and self.running >= self.concurrency:
            return 1
        if self.rpm is None:
            return None
        now = time.monotonic()
        self.left, self.at = min(self.rpm, self.left + (now - self.at) * self.rpm / 60), now
        if self.left < 1:
            return math.ceil((1 - self.left) * 60 / self.rpm)
        self.left -= 1
        return None

    def headers(self) -> dict[str, str]:
        if self.rpm is None:
            return {}
        reset = math.ceil((self.rpm - self.left) * 60 / self.rpm)
        return {
            "x-ratelimit-limit-requests": str(self.rpm),
            "x-ratelimit-remaining-requests": str(int(self.left)),
            "x-ratelimit-reset-requests": f"{reset}s",
        }
