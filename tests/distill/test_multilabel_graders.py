"""Metrics where a row has any number of classes, against scikit-learn's."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from distill.graders import measured, metric
from distill.graders.bootstrap import Bootstrap
from distill.graders.calibration import calibration_bins
from distill.graders.decisions import sigmoid
from distill.verbs.grade import by_class
from spec.grader import F1, Accuracy, Calibration, Metric, Nll

SOURCE = np.random.default_rng(3)
ROWS, CLASSES = 400, 6
LOGITS = SOURCE.normal(-0.5, 2, (ROWS, CLASSES)).astype(np.float32)
LOGITS[:, 5] = -9  # a class that nobody is said to have
PROBABILITIES = sigmoid(LOGITS)
TRUTH = (SOURCE.random((ROWS, CLASSES)) < np.clip(PROBABILITIES + SOURCE.normal(0, 0.2, (ROWS, CLASSES)), 0, 1)).astype(
    np.int8
)
TRUTH[:, 4] = 0
TRUTH[:7] = 0  # rows without a class
SAID = (PROBABILITIES > 0.5).astype(int)


def guo(bins: int) -> float:
    """Over all decisions, bin by bin."""
    confidence, right = np.maximum(PROBABILITIES, 1 - PROBABILITIES).ravel(), (SAID == TRUTH).ravel()
    edges, total = np.linspace(0, 1, bins + 1), 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Accuracy(type="accuracy"), accuracy_score(TRUTH, SAID)),
        (F1(type="f1", average="micro"), f1_score(TRUTH, SAID, average="micro")),
        (F1(type="f1"), f1_score(TRUTH, SAID, average="macro", zero_division=np.nan)),
        (Nll(type="nll"), log_loss(TRUTH.ravel(), PROBABILITIES.ravel())),
        (Calibration(type="calibration"), guo(10)),
        (Calibration(type="calibration", bins=15), guo(15)),
    ],
)
def test_a_metric_is_what_scikit_learn_computes(given: Metric, expected: float) -> None:
    assert measured(given, PROBABILITIES, TRUTH) == pytest.approx(expected, abs=1e-12)


def test_figures_by_class_are_scikit_learns_f1() -> None:
    expected = f1_score(TRUTH, SAID, average=None, zero_division=0)
    for found, f1 in zip(by_class(PROBABILITIES, TRUTH), expected, strict=True):
        assert 2 * found.hits / max(found.named + found.there, 1) == pytest.approx(f1)
    assert [found.there for found in by_class(PROBABILITIES, TRUTH)] == TRUTH.sum(axis=0).tolist()


def test_a_resample_is_the_metric_of_its_rows() -> None:
    """What sums over rows say of drawn rows is what the metric says of them."""
    given = F1(type="f1", average="micro")
    statistics = metric(given).statistics(PROBABILITIES, TRUTH)
    drawn = np.random.default_rng(11).integers(0, ROWS, size=(200, ROWS))[0]
    sums = Bootstrap(np.arange(ROWS), 200, 11).sums({"x": statistics})["x"]
    assert metric(given).value(sums, np.full(200, ROWS))[0] == pytest.approx(
        f1_score(TRUTH[drawn], SAID[drawn], average="micro")
    )


def test_nothing_named_and_nothing_there_is_no_fault() -> None:
    nothing, truth = np.full((3, 2), 0.1), np.zeros((3, 2), dtype=np.int8)
    for given in (F1(type="f1"), F1(type="f1", average="micro")):
        assert measured(given, nothing, truth) == 0.0
    assert measured(Accuracy(type="accuracy"), nothing, truth) == 1.0
    assert measured(Accuracy(type="accuracy"), np.full((1, 2), 0.5), truth[:1]) == 1.0, "a half names nothing"


def test_what_is_sure_and_wrong_is_finite() -> None:
    assert measured(Nll(type="nll"), np.array([[1.0]]), np.array([[0]], dtype=np.int8)) == pytest.approx(
        36.04, abs=0.01
    )


def test_bins_hold_every_decision_once() -> None:
    found = calibration_bins(PROBABILITIES, TRUTH)
    assert sum(each.rows for each in found) == ROWS * CLASSES
    assert sum(each.rows * each.accuracy for each in found) == pytest.approx((SAID == TRUTH).sum())


def test_the_sigmoid_is_exact_at_both_ends() -> None:
    found = sigmoid(np.array([-700.0, -40.0, 0.0, 40.0, 700.0]))
    assert found.tolist() == pytest.approx([np.exp(-700), np.exp(-40), 0.5, 1 - np.exp(-40), 1.0], rel=1e-15)
