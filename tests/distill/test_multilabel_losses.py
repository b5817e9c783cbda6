"""Losses where a row has any number of classes: against formulas by hand, two-class softmax, finite differences, and their own limits."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from distill.objectives.balance import by_named_class, decision_weights, row_weights, soft_weights
from distill.objectives.ensemble import teacher_log_odds
from distill.objectives.labels import UNSEEN
from distill.objectives.objective import Objective, Targets
from spec.objective import Labels, SoftTargets
from tests.distill.test_objectives import gradient, logits, soft

Array = npt.NDArray[Any]
ROWS, CLASSES = 5, 4
TRUTH = np.array([[1, 0, 0, 1], [UNSEEN] * 4, [0, 0, 0, 0], [1, 1, 0, 1], [UNSEEN] * 4], dtype=np.int8)
SEEN = TRUTH[[0, 2, 3]]
HARD = Labels(type="labels")
BALANCED = SoftTargets(type="soft_targets", balance="inverse_frequency")


def targets(teachers: torch.Tensor | None, truth: Array = TRUTH) -> Targets:
    known = int((truth[:, 0] >= 0).sum())
    return Targets(labels_B=torch.from_numpy(truth), teachers_BMV=teachers, rows=len(truth), labelled=known)


def objective(*terms: Labels | SoftTargets, **options: Any) -> Objective:
    return Objective(terms=terms, output="multilabel", **options)


def expit(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z.astype(np.float64))))


def entropy(z: Array, y: Array) -> Array:
    """Binary cross-entropy of each decision."""
    return np.asarray(-y * np.log(expit(z)) - (1 - y) * np.log(expit(-z)))


def test_labels_are_the_mean_binary_cross_entropy_of_the_rows_that_are_seen() -> None:
    student = logits(1, ROWS, CLASSES)
    expected = entropy(student.numpy()[[0, 2, 3]].astype(float), SEEN).mean()
    assert objective(HARD)(student, targets(None)).item() == pytest.approx(expected, rel=1e-6)
    found = gradient(objective(HARD), student, targets(None))
    assert (found[[1, 4]] == 0).all()
    slope = (expit(student.numpy()[[0, 2, 3]]) - SEEN) / (3 * CLASSES)
    np.testing.assert_allclose(found[[0, 2, 3]], slope, atol=1e-6)
    unseen = np.full_like(TRUTH, UNSEEN)
    assert (gradient(objective(HARD), student, targets(None, unseen)) == 0).all()


def test_balanced_decisions_count_by_the_inverse_frequency_of_their_answer() -> None:
    """Each class by itself as scikit-learn's "balanced" has it; a class that no row has, or every row, is left at one."""
    weights = decision_weights(TRUTH)
    for v in range(CLASSES):
        there = np.unique(SEEN[:, v])
        expected = compute_class_weight("balanced", classes=there, y=SEEN[:, v])
        assert weights[there, v] == pytest.approx(expected)
        assert weights[SEEN[:, v], v].mean() == pytest.approx(1.0)
    student = logits(5, ROWS, CLASSES)
    each = entropy(student.numpy()[[0, 2, 3]].astype(float), SEEN)
    expected = (each * np.where(SEEN == 1, weights[1], weights[0])).mean() / 2 + each.mean()
    terms = (Labels(type="labels", balance="inverse_frequency", weight=0.5), HARD)
    found = objective(*terms, class_weights_V=torch.from_numpy(weights))(student, targets(None))
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_balanced_soft_decisions_count_by_the_inverse_soft_frequency_of_their_answer() -> None:
    """By hand, class by class, mean one; of lists as balanced labels do."""
    student, teacher = logits(5, ROWS, CLASSES), logits(6, ROWS, 1, CLASSES) - torch.arange(CLASSES)
    plain = objective(BALANCED)
    weights = torch.from_numpy(soft_weights(plain.said(teacher.numpy()), CLASSES, several=True))
    p, q = expit(teacher[:, 0].numpy()), expit(student.numpy())
    shares = np.stack([1 - p, p])
    counts = shares.sum(axis=1, keepdims=True)
    assert counts.min() < 1 < counts.max()
    each = (shares * ROWS / np.minimum(counts, 1).sum(axis=0) / np.maximum(counts, 1)).sum(axis=0)
    np.testing.assert_allclose(row_weights(torch.from_numpy(p), weights.double()), each, rtol=1e-5)
    np.testing.assert_allclose(each.mean(axis=0), 1)
    kl = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    found = replace(plain, soft_weights_V=weights)(student, targets(teacher))
    assert found.item() == pytest.approx((each * kl).mean(), rel=1e-4)
    named = [each[p[:, v] > 0.5, v].mean() if (p[:, v] > 0.5).any() else 0 for v in range(CLASSES)]
    assert by_named_class(plain.said(teacher.numpy()), weights).tolist() == pytest.approx(named, rel=1e-5)
    lists = torch.from_numpy(SEEN).float()
    np.testing.assert_allclose(soft_weights([lists], CLASSES, several=True), decision_weights(SEEN))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0, 100.0, 1000.0])
def test_soft_targets_are_t_squared_times_the_mean_kl_of_each_class(temperature: float) -> None:
    student, teacher = logits(1, ROWS, CLASSES), logits(2, ROWS, 1, CLASSES)
    p, q = (expit(z.numpy().astype(float) / temperature) for z in (teacher[:, 0], student))
    kl = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    found = objective(soft(temperature))(student, targets(teacher))
    assert found.item() == pytest.approx(temperature**2 * kl.mean(), rel=2e-4)
    slope = temperature * (q - p) / (ROWS * CLASSES)
    np.testing.assert_allclose(
        gradient(objective(soft(temperature)), student, targets(teacher)), slope, rtol=1e-3, atol=2e-6
    )


def test_one_class_is_a_softmax_over_yes_and_no() -> None:
    """The other loss, on logits (z, 0), says the same of a class by itself."""
    student, teacher = logits(3, ROWS, 1), logits(4, ROWS, 2, 1)
    zero = torch.zeros(ROWS, 1)
    pair, pairs = torch.cat([student, zero], 1), torch.cat([teacher, zero[:, None].expand(ROWS, 2, 1)], 2)
    truth = np.array([[1], [0], [1], [UNSEEN], [0]], dtype=np.int8)
    places = torch.tensor([0, 1, 0, UNSEEN, 1])
    softmax = Targets(labels_B=places, teachers_BMV=pairs, rows=ROWS, labelled=4)
    terms = (soft(3.0, 0.9), Labels(type="labels", weight=0.1))
    for combine in ("arithmetic", "geometric"):
        several = objective(*terms, combine=combine, weights=(0.3, 0.7))(student, targets(teacher, truth))
        both = Objective(terms=terms, combine=combine, weights=(0.3, 0.7))(pair, softmax)
        assert several.item() == pytest.approx(both.item(), rel=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 8.0])
def test_gradient_agrees_with_finite_differences(temperature: float) -> None:
    student, teacher = logits(3, 1, CLASSES, spread=1.0), logits(4, 1, 1, CLASSES, spread=1.0)
    both, given = objective(soft(temperature, 0.9), Labels(type="labels", weight=0.1)), targets(teacher, TRUTH[:1])
    found, step = gradient(both, student, given)[0], 1e-2
    for i in range(CLASSES):
        nudge = torch.zeros_like(student)
        nudge[0, i] = step
        slope = (both(student + nudge, given) - both(student - nudge, given)) / (2 * step)
        assert found[i].item() == pytest.approx(slope.item(), abs=2e-3)


@pytest.mark.parametrize("temperature", [1e3, 1e4, 1e6])
def test_high_temperature_is_matching_log_odds(temperature: float) -> None:
    """The loss tends to a mean of d²/8, its gradient to d / (4 V B), with d the difference of log-odds."""
    student, teacher = logits(5, ROWS, CLASSES), logits(6, ROWS, 1, CLASSES)
    d = student - teacher[:, 0]
    assert objective(soft(temperature))(student, targets(teacher)).item() == pytest.approx(
        (d**2 / 8).mean().item(), rel=1e-3
    )
    found = gradient(objective(soft(temperature)), student, targets(teacher))
    torch.testing.assert_close(found, d / (4 * CLASSES * ROWS), rtol=20 / temperature + 1e-4, atol=20 / temperature)


def test_ensembles_are_means_of_probabilities_or_of_log_odds() -> None:
    z, temperature = logits(8, ROWS, 3, CLASSES), 2.5
    shares = np.array([0.2, 0.5, 0.3])[None, :, None]
    at_t = expit(z.numpy() / temperature)
    arithmetic = teacher_log_odds(z, temperature, "arithmetic", (2.0, 5.0, 3.0))
    np.testing.assert_allclose(expit(arithmetic.numpy()), (shares * at_t).sum(1), rtol=1e-5)
    geometric = teacher_log_odds(z, temperature, "geometric", (2.0, 5.0, 3.0))
    np.testing.assert_allclose(geometric.numpy(), (shares * np.log(at_t / (1 - at_t))).sum(1), rtol=1e-4, atol=1e-6)
    one = z[:, :1]
    for combine in ("arithmetic", "geometric"):
        torch.testing.assert_close(teacher_log_odds(one.repeat(1, 4, 1), 3.0, combine, (1, 2, 3, 4)), one[:, 0] / 3.0)


@pytest.mark.parametrize("cuts", [[0, 2, 5], [0, 1, 2, 3, 4, 5]])
def test_parts_of_a_batch_add_up_to_it(cuts: list[int]) -> None:
    """As where memory runs out and a batch is halved."""
    student, teacher = logits(12, ROWS, CLASSES), logits(13, ROWS, 2, CLASSES)
    both = objective(soft(4.0, 0.9), Labels(type="labels", weight=0.3), combine="arithmetic", weights=(0.4, 0.6))
    parts = [both(student[a:b], targets(teacher).part(a, b)) for a, b in pairwise(cuts)]
    assert sum(part.item() for part in parts) == pytest.approx(both(student, targets(teacher)).item(), rel=1e-6)


def test_log_odds_far_out_stay_finite() -> None:
    student, teacher = torch.full((1, CLASSES), -300.0), torch.full((1, 1, CLASSES), 300.0)
    found = objective(soft(1.0), HARD)(student, targets(teacher, np.ones((1, CLASSES), dtype=np.int8)))
    assert found.item() == pytest.approx(600.0)
