"""Requests and tokens a minute, each in a bucket that fills evenly, and calls at once."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta


class Bucket:
    """Full at the start; `rate` a minute flow in, up to `rate`."""

    def __init__(self, rate: int) -> None:
        self.rate, self.left, self.at = rate, float(rate), time.monotonic()

    def fill(self) -> None:
        now = time.monotonic()
        self.left, self.at = min(self.rate, self.left + (now - self.at) * self.rate / 60), now

    def wait(self, amount: float) -> float:
        """Seconds until `amount` is there; more than a full bucket never is, and waits for a full one."""
        return max(0.0, (min(amount, self.rate) - self.left) * 60 / self.rate)

    @property
    def reset(self) -> float:
        """Seconds until the bucket is full."""
        return (self.rate - self.left) * 60 / self.rate


class Limits:
    """None is no limit."""

    def __init__(self, rpm: int | None = None, tpm: int | None = None, concurrency: int | None = None) -> None:
        self.concurrency, self.running = concurrency, 0
        rates = {"requests": rpm, "tokens": tpm}
        self.buckets = {name: Bucket(rate) for name, rate in rates.items() if rate is not None}

    def refused(self, tokens: int) -> float | None:
        """Seconds to wait, or None where the call may go on: it and its tokens are taken out of the buckets then."""
        for bucket in self.buckets.values():
            bucket.fill()
        if self.concurrency is not None and self.running >= self.concurrency:
            return 1.0
        amounts = {"requests": 1, "tokens": tokens}
        wait = max((bucket.wait(amounts[name]) for name, bucket in self.buckets.items()), default=0.0)
        if wait > 0:
            return wait
        for name, bucket in self.buckets.items():
            bucket.left -= amounts[name]
        return None

    def headers(self) -> dict[str, str]:
        """As OpenAI names them: x-ratelimit-{limit,remaining,reset}-{requests,tokens}."""
        found: dict[str, str] = {}
        for name, bucket in self.buckets.items():
            found[f"x-ratelimit-limit-{name}"] = str(bucket.rate)
            found[f"x-ratelimit-remaining-{name}"] = str(max(0, int(bucket.left)))
            found[f"x-ratelimit-reset-{name}"] = duration(bucket.reset)
        return found

    def anthropic_headers(self) -> dict[str, str]:
        """As Anthropic names them; the reset is a time of day."""
        found: dict[str, str] = {}
        for name, bucket in self.buckets.items():
            full = datetime.now(UTC) + timedelta(seconds=bucket.reset)
            found[f"anthropic-ratelimit-{name}-limit"] = str(bucket.rate)
            found[f"anthropic-ratelimit-{name}-remaining"] = str(max(0, int(bucket.left)))
            found[f"anthropic-ratelimit-{name}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
        return found


def retry(seconds: float) -> Mapping[str, str]:
    """Retry-After, in whole seconds (RFC 9110, 10.2.3) and in OpenAI's milliseconds."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}


def duration(seconds: float) -> str:
    """As OpenAI writes it: 12ms, 1.5s, 2m30s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
