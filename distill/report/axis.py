"""Axes of charts: from values to places, and round numbers for the ticks."""

from dataclasses import dataclass
from math import ceil, floor, log10

from distill.report.numbers import decimal


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Values low to high, drawn from `start` to `end` (which is the smaller one on an axis that points up)."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def clamp(self, value: float) -> float:
        """The place of a value, or the end that it lies beyond."""
        return self.at(min(max(value, self.low), self.high))


def step_of(span: float, about: int) -> float:
    """A round step (1, 2 or 5 times a power of ten) that cuts `span` into about so many pieces."""
    rough = span / about
    power: float = 10.0 ** floor(log10(rough))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= rough * 0.999), 10 * power)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers in [low, high]."""
    step = step_of(high - low, about)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def around(values: list[float], about: int = 4, least: float = 1e-9) -> tuple[float, float]:
    """Round bounds that hold all values, at least `least` apart."""
    low, high = min(values), max(values)
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    step = step_of(high - low, about)
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step


def tick_label(value: float, step: float) -> str:
    """As many decimals as the step needs, thousands with commas."""
    return decimal(value, max(0, -floor(log10(step) + 1e-9)))
