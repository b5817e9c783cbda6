"""Faults on purpose, drawn from a seed: one number a call, in the order in which calls arrive."""

import random
from collections import Counter

KINDS = ("status_429", "status_500", "reset", "slow_body", "truncated_body", "empty", "refused", "malformed_json")
UNBILLED = ("status_429", "status_500")


class Faults:
    def __init__(self, rates: dict[str, float] | None = None, seed: int = 1, seconds: float = 1.0) -> None:
        """Raises ValueError for an unknown kind, and for rates that are no shares of all calls."""
        self.rates, self.seconds, self.count = rates or {}, seconds, Counter[str]()
        for kind, rate in self.rates.items():
            if kind not in KINDS or not 0 <= rate <= 1:
                raise ValueError(f"rates.{kind}: kinds are {', '.join(KINDS)}, and a rate is from 0 to 1")
        if sum(self.rates.values()) > 1:
            raise ValueError("rates: they add up to more than 1")
        self.random = random.Random(seed)

    def draw(self) -> str | None:
        point = self.random.random()
        for kind, rate in self.rates.items():
            point -= rate
            if point < 0:
                self.count[kind] += 1
                return kind
        return None
