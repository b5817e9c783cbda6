"""Rows of one side: in which order they are asked, and when it is clear that nothing can be used."""

from typing import cast

import numpy as np
import pytest

from distill.answers.side import LOT, Side
from distill.data.rows import Rows


def side(number: int) -> Side:
    return Side(
        name="heldout", part="train", rows=cast(Rows, None), which=np.arange(number), logs=np.zeros((number, 2), np.float32),
        answered=np.zeros(number, np.bool_), truth=np.zeros(number, np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("number", [0, 1, LOT - 1, LOT, 2 * LOT - 1, 1000])
def test_the_first_lot_is_spread_over_all_rows(number: int) -> None:
    order = side(number).places()
    assert sorted(order) == list(range(number))
    lot = order[:LOT]
    assert lot == sorted(lot) and (not lot or (lot[0], lot[-1]) == (0, number - 1))
    assert np.diff(lot).max(initial=0) <= np.ceil(number / (LOT - 1))


def test_a_side_is_given_up_after_a_lot_or_after_all() -> None:
    some, few = side(1000), side(4)
    some.kinds.update(unparseable=LOT - 1, failed=7)
    some.passing = 7
    early = some.hopeless
    some.kinds.update(unparseable=1)
    given_up = some.hopeless
    some.kinds.update(answered=1)
    assert (early, given_up, some.hopeless) == (False, True, False), "what failed may pass"
    few.kinds.update(failed=3)
    few.passing = 3
    early = few.hopeless
    few.kinds.update(failed=1)
    assert (early, few.hopeless) == (False, True)
