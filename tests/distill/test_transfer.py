"""Batches are functions of the step."""

import numpy as np
import pytest
import torch

from distill.objectives.labels import UNSEEN
from distill.transfer import Batches, Transfer
from spec.data import Jitter

CPU = torch.device("cpu")
ROWS = np.array([2, 3, 5, 7, 11, 13, 17], dtype=np.int64)


def transfer(augment: Jitter | None = None, *, teachers: bool = False) -> Transfer:
    images = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4)
    copies = (augment.copies or 0) if augment else 0
    items = len(ROWS) * (1 + copies)
    return Transfer(
        inputs=images,
        digests=np.random.default_rng(0).integers(0, 2**63, (20, 2), dtype=np.uint64),
        rows=ROWS,
        labels=np.array([0, 1, UNSEEN, 2, UNSEEN, 0, 1]),
        teachers=np.arange(items, dtype=np.float32)[:, None, None].repeat(3, 2) if teachers else None,
        absent=np.empty(0, dtype=np.int64),
        augment=augment,
    )


def test_an_epoch_has_every_item_once_in_an_order_of_its_own() -> None:
    batches = Batches(transfer(), 3, 5, CPU)
    drawn = [batches.items(step) for step in range(14)]
    items, epochs = (np.concatenate([each[i] for each in drawn]) for i in (0, 1))
    orders = [items[epochs == epoch].tolist() for epoch in range(6)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len({tuple(order) for order in orders}) == 6
    assert all(len(each[0]) == 3 for each in drawn)


def test_the_step_alone_says_what_comes() -> None:
    one, other = Batches(transfer(), 3, 5, CPU), Batches(transfer(), 3, 5, CPU)
    expected = [one.items(step)[0].tolist() for step in range(20)]
    assert [other.items(step)[0].tolist() for step in (17, 3, 19, 0)] == [expected[i] for i in (17, 3, 19, 0)]
    assert [Batches(transfer(), 3, 6, CPU).items(step)[0].tolist() for step in range(20)] != expected


def test_a_batch_larger_than_the_set_goes_round() -> None:
    items, epochs = Batches(transfer(), 17, 0, CPU).items(0)
    assert len(items) == 17
    assert np.bincount(epochs).tolist() == [7, 7, 3]


def test_inputs_travel_as_they_came_and_belong_to_their_targets() -> None:
    given = transfer(teachers=True)
    for step in range(5):
        batches = Batches(given, 4, 1, CPU)
        items, _ = batches.items(step)
        batch = batches.take(step)
        assert batch.raw.dtype == torch.uint8
        assert batch.raw[:, 0, 0].tolist() == (ROWS[items] * 16 % 256).tolist()
        assert batch.targets.labels_B.tolist() == given.labels[items].tolist()
        assert batch.targets.teachers_BMV is not None
        assert batch.targets.teachers_BMV[:, 0, 2].tolist() == items.tolist()
        assert batch.targets.labelled == (given.labels[items] >= 0).sum()


def test_copies_are_items_with_the_labels_of_their_rows() -> None:
    given = transfer(Jitter(type="jitter", pixels=1.0, copies=2), teachers=True)
    assert given.items == 21
    batch = Batches(given, 21, 1, CPU).take(0)
    items, _ = Batches(given, 21, 1, CPU).items(0)
    assert batch.raw.dtype == torch.float32
    assert batch.targets.labels_B.tolist() == given.labels[items % 7].tolist()
    originals = items < 7
    assert batch.raw[torch.from_numpy(originals), 0, 0].tolist() == (ROWS[items[originals]] * 16 % 256).tolist()
    again = given.jittered(items % 7, items // 7)
    assert np.array_equal(batch.raw.numpy(), again)


@pytest.mark.parametrize("copies", [None, 2])
def test_copies_are_new_each_epoch_or_always_the_same(copies: int | None) -> None:
    given = transfer(Jitter(type="jitter", pixels=1.0, copies=copies))
    items = np.arange(given.items)
    first, second = (given.raw(items, np.full(len(items), epoch)) for epoch in (0, 1))
    assert np.array_equal(first, second) == (copies is not None)
