"""Whose turn it is: no queue of a worker starves another."""

from itertools import islice

from workers.tasks import turns


def test_every_queue_has_its_turn_beginning_with_the_one_that_was_rung() -> None:
    assert list(islice(turns(("cpu", "gpu", "io"), "gpu"), 5)) == ["gpu", "io", "cpu", "gpu", "io"]


def test_a_single_queue_is_always_next() -> None:
    assert list(islice(turns(("gpu",), "gpu"), 3)) == ["gpu", "gpu", "gpu"]
