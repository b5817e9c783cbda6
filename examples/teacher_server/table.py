"""Answers looked up instead of computed: a million rows behind the same wires, for measuring what asks them."""

import json
import math
from hashlib import blake2b
from pathlib import Path

from examples.teacher_server.refused import Refused


class Table:
    """`path` holds a JSON object a line, with `text` and `label`. The label of a text has the share `sure` of the
    probability, every other class an even part of the rest. Texts are kept as digests of 8 bytes."""

    def __init__(self, path: Path, sure: float = 0.9) -> None:
        found: dict[int, str] = {}
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    found[digest(row["text"])] = row["label"]
                except (ValueError, KeyError, TypeError, AttributeError) as wrong:
                    raise ValueError(f"{path}, line {number}: a JSON object with text and label") from wrong
        self.classes = sorted(set(found.values()))
        if len(self.classes) < 2:
            raise ValueError(f"{path}: two classes or more")
        places = {name: place for place, name in enumerate(self.classes)}
        self.places = {key: places[label] for key, label in found.items()}
        high, low = math.log(sure), math.log((1 - sure) / (len(self.classes) - 1))
        self.rows = [[high if place == own else low for place in range(len(places))] for own in range(len(places))]

    async def logprobs(self, text: str) -> list[float]:
        """Raises Refused for a text that the table does not hold."""
        place = self.places.get(digest(text))
        if place is None:
            raise Refused(400, f"The table holds no such text: {text[:80]!r}", "messages", "unknown_text")
        return self.rows[place]


def digest(text: str) -> int:
    return int.from_bytes(blake2b(text.strip().encode(), digest_size=8).digest(), "little")
