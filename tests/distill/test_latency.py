"""Latencies: medians over rounds, all models in turn, in bounded time."""

import gc
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from distill.export.latency import BATCHES, LEAST_ROUNDS, ROUNDS, Contender, batch, measure

ROWS = np.zeros((10, 4), dtype=np.float32)


class Burner:
    """Takes a known time a row, and notes who was called with how many rows."""

    def __init__(self, seconds: float, calls: list[tuple[str, int]] | None = None, name: str = "") -> None:
        self.seconds, self.calls, self.name = seconds, calls, name

    def __call__(self, rows: Any) -> Any:
        until = perf_counter() + self.seconds * len(rows)
        if self.calls is not None:
            self.calls.append((self.name, len(rows)))
        while perf_counter() < until:
            pass
        return rows


def contender(role: str, call: Any) -> Contender:
    return Contender(role=role, engine="onnxruntime", call=call, rows=ROWS)


def test_measures_what_there_is() -> None:
    found = measure(
        [contender("student", Burner(20e-6)), contender("teacher.0", Burner(100e-6))], threads=1, seconds=0.4
    )
    (student,), (teacher,) = found["student"], found["teacher.0"]
    assert 20e-6 <= student.p50 <= student.p95
    assert 100e-6 <= teacher.p50 <= teacher.p95
    assert teacher.p50 > 2 * student.p50
    assert 10_000 < student.rows_per_second <= 50_000
    assert (student.batch, student.threads, student.engine) == (256, 1, "onnxruntime")
    assert student.rounds == teacher.rounds
    assert LEAST_ROUNDS <= student.rounds <= ROUNDS


def test_rounds_take_turns() -> None:
    calls: list[tuple[str, int]] = []
    pair = [contender(name, Burner(1e-6, calls, name)) for name in ("a", "b")]
    rounds = measure(pair, threads=1, seconds=0.2)["a"][0].rounds
    names = [name for name, _ in calls]
    changes = sum(first != second for first, second in pairwise(names))
    assert changes == 2 * rounds + 1, "once for warming up, then back and forth"


@pytest.mark.parametrize("seconds", [0.01, 0.05])
def test_slow_models_are_measured_in_smaller_batches(seconds: float) -> None:
    started = perf_counter()
    (found,) = measure([contender("student", Burner(seconds))], threads=1, seconds=0.2)["student"]
    assert perf_counter() - started < 12
    assert found.batch < BATCHES[0]
    assert found.rows_per_second == pytest.approx(1 / seconds, rel=0.2)


def test_engines_of_one_role_stand_beside_each_other() -> None:
    both = [contender("student", Burner(1e-6)), Contender(role="student", engine="torch", call=Burner(1e-6), rows=ROWS)]
    assert [latency.engine for latency in measure(both, threads=1, seconds=0.1)["student"]] == ["onnxruntime", "torch"]
    assert measure([], threads=1) == {}


def test_garbage_collection_is_off_and_on_again() -> None:
    seen: list[bool] = []
    measure([contender("student", lambda rows: seen.append(gc.isenabled()))], threads=1, seconds=0.05)
    assert not any(seen)
    assert gc.isenabled()


def test_batches_repeat_rows() -> None:
    rows = np.arange(6, dtype=np.uint8).reshape(3, 2)
    assert batch(rows, 4).tolist() == [[0, 1], [2, 3], [4, 5], [0, 1]]
    assert batch(rows, 4).dtype == np.uint8
