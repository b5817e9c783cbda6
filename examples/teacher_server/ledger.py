"""What every call cost: the endpoint's own bill."""

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

MILLION = 10**6
WHOLE = Decimal(1)


@dataclass(frozen=True)
class Prices:
    """Dollars per million tokens."""

    input: Decimal
    output: Decimal
    cached: Decimal

    @classmethod
    def read(cls, text: str) -> "Prices":
        """`0.40/1.60`, or `0.40/1.60/0.10` where cached input has a price of its own."""
        given, told, *cached = (Decimal(part) for part in text.split("/"))
        return cls(given, told, *(cached or [given]))

    def usd(self, tokens: "Counts") -> Decimal:
        fresh = tokens.prompt - tokens.cached
        return (fresh * self.input + tokens.cached * self.cached + tokens.completion * self.output) / MILLION


@dataclass(frozen=True)
class Counts:
    """`cached` are a part of `prompt`."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


class Ledger:
    """Sums of what was billed, and each call as a line of a file that only grows, where there is one."""

    def __init__(self, prices: Prices, path: Path | None = None) -> None:
        self.prices, self.calls, self.unbilled, self.usd = prices, 0, 0, Decimal()
        self.tokens = Counts()
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                counts = Counts(row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"])
                self.add(row["billed"], counts, Decimal(row["usd"]))
        self.file = None if path is None else path.open("a", encoding="utf-8")

    def write(
        self,
        call: str,
        status: int,
        fault: str | None,
        tokens: Counts | None,
        seed: int | None = None,
        share: Decimal = WHOLE,
    ) -> None:
        """`tokens` None is a call that is not billed; status 0 one whose reply never leaves. `seed`: of the request; `share`: of the prices."""
        usd = Decimal() if tokens is None else self.prices.usd(tokens) * share
        self.add(tokens is not None, tokens or Counts(), usd)
        if self.file is not None:
            self.file.write(json.dumps(row(call, status, fault, tokens, usd) | {"seed": seed}) + "\n")
            self.file.flush()

    def add(self, billed: bool, tokens: Counts, usd: Decimal) -> None:
        self.calls, self.unbilled, self.usd = self.calls + billed, self.unbilled + (not billed), self.usd + usd
        own = self.tokens
        self.tokens = Counts(own.prompt + tokens.prompt, own.cached + tokens.cached, own.completion + tokens.completion)

    def shown(self) -> dict[str, object]:
        return {
            "object": "ledger",
            "calls": self.calls,
            "unbilled": self.unbilled,
            "prompt_tokens": self.tokens.prompt,
            "cached_tokens": self.tokens.cached,
            "completion_tokens": self.tokens.completion,
            "usd": f"{self.usd:f}",
            "prices": {name: f"{price:f}" for name, price in vars(self.prices).items()},
        }


def row(call: str, status: int, fault: str | None, tokens: Counts | None, usd: Decimal) -> dict[str, object]:
    counts = tokens or Counts()
    return {
        "id": call,
        "at": round(time.time(), 3),
        "status": status,
        "fault": fault,
        "billed": tokens is not None,
        "prompt_tokens": counts.prompt,
        "cached_tokens": counts.cached,
        "completion_tokens": counts.completion,
        "usd": f"{usd:f}",
    }
