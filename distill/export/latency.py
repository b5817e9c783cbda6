"""How fast a model answers: medians over rounds of each round's p50 and p95, all models in turn, so that a noisy moment hits them all.

One row costs mostly the call itself; rows a second in batches say what the arithmetic costs. Garbage collection is off meanwhile.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.export.engines import Array, Call
from distill.report.efficiency import Latency

WARM_UP, ROUNDS, CALLS, BATCH_CALLS = 300, 15, 200, 20
BATCHES, LONGEST = (256, 64, 16, 4, 1), 0.25
"""Rows of a batch: the most that take no longer than this, in seconds."""
LEAST_ROUNDS, LEAST = 5, 3
"""Rounds, and calls of a round, however slow the model is."""
SECONDS = 4.0
"""Of all measurements together, unless the least of a slow model takes longer."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A model on an engine."""

    role: str
    engine: str
    call: Call
    rows: Array
    """Raw rows to draw on, at least one, in the dtype that the model takes."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Calls of a round, of one contender."""

    single: int
    batch: int
    batch_rows: int
    rounds: int
    """That it has time for."""


def measure(contenders: Sequence[Contender], threads: int, seconds: float = SECONDS) -> dict[str, tuple[Latency, ...]]:
    """Latencies by role, in the order of the contenders. `threads`: of the engines, for the record."""
    with collected():
        plans = [_schedule(contender, seconds / len(contenders)) for contender in contenders]
        rounds = min((plan.rounds for plan in plans), default=0)
        singles: list[list[npt.NDArray[np.float64]]] = [[] for _ in contenders]
        batches: list[list[npt.NDArray[np.float64]]] = [[] for _ in contenders]
        for _ in range(rounds):
            for i, (contender, plan) in enumerate(zip(contenders, plans, strict=True)):
                singles[i].append(_times(contender.call, batch(contender.rows, 1), plan.single))
                batches[i].append(_times(contender.call, batch(contender.rows, plan.batch_rows), plan.batch))
    found: dict[str, tuple[Latency, ...]] = {}
    for contender, plan, single, many in zip(contenders, plans, singles, batches, strict=True):
        latency = Latency(
            engine=contender.engine,
            threads=threads,
            p50=_median(single, 50),
            p95=_median(single, 95),
            rows_per_second=plan.batch_rows / _median(many, 50),
            batch=plan.batch_rows,
            rounds=rounds,
            calls=plan.single,
        )
        found[contender.role] = (*found.get(contender.role, ()), latency)
    return found


def batch(rows: Array, size: int) -> Array:
    """`size` rows, repeated where there are fewer."""
    taken: Array = np.ascontiguousarray(rows[np.arange(size) % len(rows)])
    return taken


@contextmanager
def collected() -> Iterator[None]:
    """Garbage is collected before, and not meanwhile."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _schedule(contender: Contender, seconds: float) -> Schedule:
    """Warms up, and spends half of the time on single rows, the rest on batches."""
    one = _warm(contender.call, batch(contender.rows, 1), WARM_UP, seconds / 10)
    size = next(size for size in BATCHES if size * one < LONGEST or size == 1)
    many = _warm(contender.call, batch(contender.rows, size), LEAST, seconds / 10)
    while size > 1 and many > LONGEST:
        size //= 4
        many = _warm(contender.call, batch(contender.rows, size), LEAST, seconds / 10)
    share = seconds * 0.4
    rounds = max(LEAST_ROUNDS, min(ROUNDS, int(share / (LEAST * one)), int(share / many)))
    return Schedule(
        single=max(LEAST, min(CALLS, int(share / (rounds * one)))),
        batch=max(1, min(BATCH_CALLS, int(share / (rounds * many)))),
        batch_rows=size,
        rounds=rounds,
    )


def _warm(call: Call, rows: Array, calls: int, seconds: float) -> float:
    """Seconds of a call, after `calls` of them or the time given."""
    started, times = perf_counter(), [float("inf")]
    while (len(times) <= calls and perf_counter() - started < seconds) or len(times) < 1 + LEAST:
        times.append(_times(call, rows, 1)[0])
    return float(np.median(times[1:]))


def _times(call: Call, rows: Array, calls: int) -> npt.NDArray[np.float64]:
    """Seconds of each call."""
    times: npt.NDArray[Any] = np.empty(calls)
    for i in range(calls):
        started = perf_counter()
        call(rows)
        times[i] = perf_counter() - started
    return times


def _median(rounds: Sequence[npt.NDArray[np.float64]], percentile: float) -> float:
    return float(np.median([np.percentile(times, percentile) for times in rounds]))
