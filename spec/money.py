"""How amounts of money are written."""

from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal

DIGITS = 4
"""Significant ones, where two decimals have fewer."""


def dollars(usd: float, *, up: bool = False) -> str:
    """ "$0.01605", "$20.00", "$1,234.50". `up`: of what has to be covered, so that the amount as it is written does."""
    exact = Decimal(repr(float(usd)))
    places = max(2, DIGITS - 1 - exact.adjusted()) if exact else 2
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_UP if up else ROUND_HALF_EVEN)
    whole, _, part = f"{rounded:,f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"
