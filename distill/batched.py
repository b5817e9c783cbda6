"""Work over many rows in batches that fit: where memory runs out, the batch is halved and the work goes on."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from distill.failure import out_of_memory

T = TypeVar("T")


def in_batches(count: int, batch: int, work: Callable[[int, int], T]) -> Iterator[T]:
    """`work(first, last)` for rows 0 to `count`, at most `batch` at once; once, with nothing, for no rows."""
    first = 0
    while first < count or count == 0:
        done = attempt(work, first, min(first + batch, count), batch > 1)
        if done is None:
            batch = (batch + 1) // 2
            continue
        yield done[0]
        first += batch
        if count == 0:
            return


def attempt(work: Callable[[int, int], T], first: int, last: int, divisible: bool) -> tuple[T] | None:
    """What `work` gives; None where memory ran out and less can be tried."""
    try:
        return (work(first, last),)
    except (RuntimeError, MemoryError) as error:
        if divisible and out_of_memory(error):
            return None
        raise
