"""Metrics against scikit-learn and hand cases; intervals against what they promise."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from distill.graders import measured, metric, named
from distill.graders.bootstrap import Bootstrap, interval
from distill.graders.calibration import calibration_bins
from distill.graders.wilson import wilson
from distill.grading.comparison import rows_to_settle
from distill.report.figures import Figure
from spec.grader import F1, Accuracy, Calibration, Metric, Nll

ROWS, CLASSES = 400, 6
SOURCE = np.random.default_rng(0)
TRUTH = SOURCE.choice(CLASSES, ROWS, p=[0.4, 0.3, 0.15, 0.1, 0.05, 0.0])
LOGITS = SOURCE.normal(0, 1.5, (ROWS, CLASSES)) + 1.5 * np.eye(CLASSES)[TRUTH]
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
ANSWERS = PROBABILITIES.argmax(1)


def guo(bins: int) -> float:
    """Expected calibration error, the slow way."""
    confidence, total = PROBABILITIES.max(1), 0.0
    for i in range(bins):
        inside = (confidence > i / bins) & (confidence <= (i + 1) / bins)
        if inside.any():
            gap = abs((ANSWERS == TRUTH)[inside].mean() - confidence[inside].mean())
            total += inside.mean() * gap
    return total


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Accuracy(type="accuracy"), accuracy_score(TRUTH, ANSWERS)),
        (F1(type="f1"), f1_score(TRUTH, ANSWERS, average="macro")),
        (F1(type="f1", average="micro"), f1_score(TRUTH, ANSWERS, average="micro")),
        (Nll(type="nll"), log_loss(TRUTH, PROBABILITIES, labels=range(CLASSES))),
        (Calibration(type="calibration"), guo(10)),
        (Calibration(type="calibration", bins=15), guo(15)),
    ],
)
def test_a_metric_is_what_others_compute(given: Metric, expected: float) -> None:
    assert measured(given, PROBABILITIES, TRUTH) == pytest.approx(expected, abs=1e-12)


def test_macro_f1_leaves_out_a_class_that_nobody_named() -> None:
    p = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    assert measured(F1(type="f1"), p, np.array([0, 1])) == 1.0


def test_names_tell_options_that_are_not_the_default() -> None:
    given: list[Metric] = [
        Accuracy(type="accuracy"),
        F1(type="f1"),
        F1(type="f1", average="micro"),
        Nll(type="nll"),
        Calibration(type="calibration"),
        Calibration(type="calibration", bins=15),
    ]
    names = [named(each) for each in given]
    assert names == ["accuracy", "f1", "f1_micro", "nll", "calibration", "calibration_15"]
    assert [metric(each).higher_is_better for each in given] == [True, True, True, False, False, False]


def test_a_probability_of_zero_is_finite() -> None:
    assert 700 < measured(Nll(type="nll"), np.array([[1.0, 0.0]]), np.array([1])) < 709


def test_bins_hold_every_row_once() -> None:
    found = calibration_bins(PROBABILITIES, TRUTH)
    assert sum(each.rows for each in found) == ROWS
    hits = sum(each.rows * each.accuracy for each in found)
    assert hits == pytest.approx((ANSWERS == TRUTH).sum())
    assert calibration_bins(np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([1, 0]))[9].rows == 1


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [(749, 768, 0.9617, 0.9841), (0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (50, 100, 0.40383, 0.59617)],
)
def test_wilson_by_the_book(hits: int, rows: int, low: float, high: float) -> None:
    assert wilson(hits, rows) == pytest.approx((low, high), abs=5e-5)


def test_resamples_are_paired() -> None:
    """The same rows for everybody: two models that are one differ by nothing, in every resample."""
    statistics = metric(Accuracy(type="accuracy")).statistics(PROBABILITIES, TRUTH)
    sums = Bootstrap(np.arange(ROWS), 300, 1).sums({"a": statistics, "b": statistics})
    assert (sums["a"] == sums["b"]).all()
    assert sums["a"].std() > 0


def test_a_seed_gives_the_same_resamples() -> None:
    statistics = {"x": np.arange(50.0)[:, None]}
    one, same, other = (Bootstrap(np.arange(50), 200, seed).sums(statistics)["x"] for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_the_spread_is_that_of_a_mean() -> None:
    values = SOURCE.normal(5, 2, (2000, 1))
    means = Bootstrap(np.arange(2000), 2000, 3).sums({"x": values})["x"][:, 0] / 2000
    assert means.std() == pytest.approx(values.std() / 2000**0.5, rel=0.1)
    bounds = interval(means)
    assert bounds is not None
    assert bounds[0] < values.mean() < bounds[1]
    assert bounds[1] - bounds[0] == pytest.approx(2 * 1.96 * values.std() / 2000**0.5, rel=0.1)


def test_groups_are_drawn_whole() -> None:
    """Twenty groups of equal rows are twenty observations, not two thousand."""
    by_group = SOURCE.normal(0, 1, 20)
    units = np.repeat(np.arange(20), 100)
    values = by_group[units][:, None]
    whole = Bootstrap(units, 2000, 4).sums({"x": values})["x"][:, 0] / 2000
    single = Bootstrap(np.arange(2000), 2000, 4).sums({"x": values})["x"][:, 0] / 2000
    assert whole.std() == pytest.approx(by_group.std() / 20**0.5, rel=0.15)
    assert single.std() < whole.std() / 5


def test_very_many_rows_get_fewer_resamples() -> None:
    assert Bootstrap(np.arange(1_000_000), 2000, 0).resamples == 400
    assert Bootstrap(np.arange(1000), 2000, 0).resamples == 2000


def test_an_interval_needs_values() -> None:
    assert interval(np.array([1.0, np.nan, 2.0])) is None


@pytest.mark.parametrize(
    ("low", "value", "high", "expected"),
    [
        (0.01, 0.03, 0.05, None),  # helped
        (-0.05, -0.03, -0.01, None),  # hurt
        (-0.016, -0.005, 0.005, None),  # did not help: under the smallest lift worth having
        (-0.01, 0.01, 0.03, 4000),  # inconclusive: half as wide would leave zero
        (-0.03, 0.0, 0.03, 9000),  # a third as wide would be under one point
    ],
)
def test_rows_that_would_settle_it(low: float, value: float, high: float, expected: int | None) -> None:
    found = rows_to_settle(Figure(value=value, low=low, high=high), 0.01, 1000)
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-6, abs=1))
