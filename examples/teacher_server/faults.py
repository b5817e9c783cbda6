"""Faults on purpose, drawn from a seed: one number a call, in the order in which calls arrive."""

import random
from collections import Counter
from collections.abc import Container

KINDS = {
    "status_429": "429 with Retry-After: 1; not billed",
    "status_500": "500; not billed",
    "status_529": "529, as Anthropic says that it is overloaded; not billed",
    "drop": "the connection is reset before anything is computed; not billed",
    "reset": "the connection is reset instead of a reply",
    "slow_body": "half of the reply, a wait of `seconds`, the other half",
    "truncated_body": "half of the reply, then the connection is closed",
    "malformed_json": "a reply that is no JSON",
    "empty": "an answer without a token",
    "refused": "a refusal instead of an answer",
    "garbage": "an answer that is no class",
    "no_usage": "a reply without usage",
    "error_event": "half of a stream, then an error of a server; of a reply that is no stream nothing",
    "no_end": "a stream without its last event; of a reply that is no stream nothing",
}
SLOW_BATCH = "slow_batch"
OF_LINES = {
    "line_fails": "a call of a batch fails with 500; not billed",
    "line_expires": "a call of a batch is not made in time, and the batch expires; not billed",
    SLOW_BATCH: "a batch lies for `seconds` before it is begun",
}
LINE_KINDS = ("line_fails", "line_expires", "empty", "refused", "garbage", "no_usage")
"""Kinds that calls of batches meet."""
UNBILLED = ("status_429", "status_500", "status_529", "drop")


class Faults:
    """`shares` of all calls, by kind. What is left of 1 goes well."""

    def __init__(self, shares: dict[str, float] | None = None, seed: int = 1, seconds: float = 1.0) -> None:
        """Raises ValueError for an unknown kind, and for shares that are none."""
        self.shares, self.seed, self.seconds, self.injected = dict(shares or {}), seed, seconds, Counter[str]()
        for kind, share in self.shares.items():
            if kind not in {**KINDS, **OF_LINES} or not 0 <= share <= 1:
                raise ValueError(
                    f"shares.{kind}: kinds are {', '.join((*KINDS, *OF_LINES))}, and a share is from 0 to 1"
                )
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError("shares: they add up to more than 1")
        if not 0 <= seconds <= 3600:
            raise ValueError("seconds: from 0 to 3600")
        self.random = random.Random(seed)

    def draw(self, kinds: Container[str] = KINDS) -> str | None:
        point = self.random.random()
        for kind, share in self.shares.items():
            point -= share
            if point < 0 and kind not in kinds:
                return None
            if point < 0:
                self.injected[kind] += 1
                return kind
        return None

    def shown(self) -> dict[str, object]:
        return {
            "shares": self.shares,
            "seed": self.seed,
            "seconds": self.seconds,
            "injected": dict(self.injected),
        }
