from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.price import Price, exact, whole
from gateway.reply import Usage

RATES = st.decimals(0, 1000, places=4)
COUNTS = st.integers(0, 10_000_000)


def test_a_bill_by_hand() -> None:
    price = Price(Decimal("0.40"), Decimal("1.60"), cached=Decimal("0.10"))
    usage = Usage(1_000_000, 500_000, cached=200_000)
    assert exact(usage, price) == 320_000 + 20_000 + 800_000
    assert whole(exact(Usage(1, 0), price)) == 1, "a part of a micro-dollar is a whole one"


@given(RATES, RATES, st.none() | RATES, COUNTS, COUNTS, st.fractions(0, 1))
def test_amounts_are_exact(
    into: Decimal, out: Decimal, cached: Decimal | None, tokens: int, answer: int, share: Fraction
) -> None:
    held = int(tokens * share)
    other = Fraction(into if cached is None else cached)
    cost = (tokens - held) * Fraction(into) + held * other + answer * Fraction(out)
    assert Fraction(exact(Usage(tokens, answer, held), Price(into, out, cached))) == cost


@pytest.mark.parametrize("rate", ["-1", "NaN", "Infinity"])
def test_rates_are_numbers_from_zero(rate: str) -> None:
    with pytest.raises(ValueError, match="dollars per million"):
        Price(Decimal(rate), Decimal(1))


def test_cached_tokens_are_part_of_the_input() -> None:
    with pytest.raises(ValueError, match="part of the input"):
        Usage(1, 0, cached=2)
