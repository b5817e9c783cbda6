"""What a call costs: usage times rates, in micro-dollars. It is exact; what is booked is whole, and rounded up."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Self

from gateway.reply import Usage
from spec import facts


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, which is micro-dollars per token. `cached` None: cached input costs as other input."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None

    def __post_init__(self) -> None:
        rates = [self.input, self.output, *([] if self.cached is None else [self.cached])]
        if not all(rate.is_finite() and rate >= 0 for rate in rates):
            raise ValueError("rates are dollars per million tokens, 0 or more")

    @classmethod
    def of(cls, price: facts.Price) -> Self:
        """As an endpoint's row has it; through decimal text, so that 0.1 is a tenth."""
        cached = None if price.cached is None else Decimal(str(price.cached))
        return cls(Decimal(str(price.input)), Decimal(str(price.output)), cached)


def exact(usage: Usage, price: Price) -> Decimal:
    """Micro-dollars of a call, to the last digit."""
    cached = price.input if price.cached is None else price.cached
    return (usage.input - usage.cached) * price.input + usage.cached * cached + usage.output * price.output


def whole(micro: Decimal) -> int:
    """Rounded up: sums of calls are rounded, not each of them, so that they lie neither below the bill nor a micro-dollar above it."""
    return int(micro.to_integral_value(ROUND_CEILING))
