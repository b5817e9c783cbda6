"""What every call cost, in a file that only grows: the endpoint's own bill."""

import json
from decimal import Decimal
from pathlib import Path


class Ledger:
    """`prices` are dollars per million tokens, in and out."""

    def __init__(self, path: Path, prices: tuple[Decimal, Decimal]) -> None:
        self.file, self.prices = path.open("a+", encoding="utf-8"), prices

    def write(self, call: str, status: int, fault: str | None, tokens: tuple[int, int]) -> None:
        billed = sum((count * price for count, price in zip(tokens, self.prices, strict=True)), Decimal()) / 10**6
        row = {"id": call, "status": status, "fault": fault, "prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
        self.file.write(json.dumps({**row, "billed_usd": f"{billed:f}"}) + "\n")
        self.file.flush()

    def rows(self) -> list[dict[str, object]]:
        self.file.seek(0)
        return [json.loads(line) for line in self.file]
