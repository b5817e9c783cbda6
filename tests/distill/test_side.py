"""Rows of one side: in which order they are asked, and when it is clear that nothing can be used."""

from typing import cast

import numpy as np
import pytest

from distill.answers.side import LOT, Side, sample, spread
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


@pytest.mark.parametrize(("number", "few"), [(0, 3), (1, 3), (7, 0), (7, 1), (7, 2), (7, 6), (7, 7), (1_000_003, 1000)])
def test_spread_places_are_as_many_as_wanted_and_evenly_apart(number: int, few: int) -> None:
    places = spread(number, few)
    assert len(set(places.tolist())) == min(number, few) and all(0 <= place < number for place in places)
    assert np.ptp(np.diff(places)) <= 1 if len(places) > 1 else True


@pytest.mark.parametrize(
    ("sizes", "number", "asked"), [((100, 1000), 20, (10, 10)), ((100, 4), 20, (16, 4)), ((3, 2), 20, (3, 2))]
)
def test_a_preview_of_rows_in_an_order_is_of_their_mean(
    sizes: tuple[int, int], number: int, asked: tuple[int, int]
) -> None:
    """Of both sides row n has n bytes, so the first ones would be short."""
    heldout, train = side(sizes[0]), side(sizes[1])
    for one in (heldout, train):
        one.truth, one.logs[:, 0] = one.which, one.which
    found = sample((heldout, train), number)
    assert tuple(len(one.which) for one in found) == asked
    for one, size in zip(found, sizes, strict=True):
        assert one.which.mean() == pytest.approx((size - 1) / 2, abs=1)
        assert one.which.tolist() == one.truth.tolist() == one.logs[:, 0].tolist() and len(one.answered) == len(
            one.which
        )
