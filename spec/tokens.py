"""How many tokens texts become: by what an endpoint's tokenizer makes of each kind of writing, and by what it has counted of the same question."""

from dataclasses import dataclass
from typing import Self

from spec.facts import Capabilities
from spec.makeup import Makeup, amounts
from spec.passages import USUAL, rates

SURE = (0.7, 1.4)
"""Tokens to what is expected of them, by rates that were counted of known passages: so it is in 19 of 20 sets of texts (`make bench-tokens`)."""
UNSURE = (0.4, 2.0)
"""By usual rates, or of a text of which only the length is known."""
GUESSED = 0.05
"""Of a text, at most, may be of kinds whose passage was not counted."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Of a text, or of several together: bytes in UTF-8, and the tokens that are expected of them, at least and at most."""

    bytes: float = 0.0
    low: float = 0.0
    tokens: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, probe: Capabilities, size: float, makeup: Makeup | None) -> Self:
        """Of `size` bytes that are made up so; None or {}: nobody has seen any of them."""
        if not makeup:
            return cls._within(UNSURE, size, size * probe.tokens_per_byte)
        found = rates(probe.passages)
        known = found or {**USUAL, "prose": probe.tokens_per_byte}
        guessed = sum(amount for kind, amount in makeup.items() if kind not in probe.passages)
        sure = found and guessed <= GUESSED * sum(makeup.values())
        tokens = size * sum(amount * known[kind] for kind, amount in makeup.items())
        return cls._within(SURE if sure else UNSURE, size, tokens)

    @classmethod
    def written(cls, probe: Capabilities, text: str) -> Self:
        size = len(text.encode())
        return cls.of(probe, size, {kind: amount / size for kind, amount in amounts([text]).items()} if size else {})

    @classmethod
    def _within(cls, interval: tuple[float, float], size: float, tokens: float) -> Self:
        return cls(bytes=size, low=interval[0] * tokens, tokens=tokens, high=interval[1] * tokens)

    def __add__(self, other: "Extent") -> "Extent":
        return Extent(
            bytes=self.bytes + other.bytes,
            low=self.low + other.low,
            tokens=self.tokens + other.tokens,
            high=self.high + other.high,
        )

    def __mul__(self, times: float) -> "Extent":
        return Extent(
            bytes=times * self.bytes, low=times * self.low, tokens=times * self.tokens, high=times * self.high
        )

    def counted(self, tokens: float, margin: float) -> "Extent":
        """The same text with so many tokens as the endpoint has counted, give or take a share."""
        return Extent(bytes=self.bytes, low=(1 - margin) * tokens, tokens=tokens, high=(1 + margin) * tokens)


END = Extent(low=1, tokens=1, high=1)
"""The token that ends an answer."""
