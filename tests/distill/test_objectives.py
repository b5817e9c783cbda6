"""The objective against hand cases, finite differences and the paper's own limits."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
import torch

from distill.objectives.balance import inverse_frequencies, row_weights, soft_weights
from distill.objectives.ensemble import teacher_log_probabilities
from distill.objectives.labels import UNSEEN
from distill.objectives.objective import Objective, Targets
from spec.objective import Labels, SoftTargets

ROWS, CLASSES = 5, 7
BALANCED = SoftTargets(type="soft_targets", temperature=4.0, balance="inverse_frequency")


def logits(seed: int, *shape: int, spread: float = 3.0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * spread


def soft(temperature: float, weight: float = 1.0) -> SoftTargets:
    return SoftTargets(type="soft_targets", temperature=temperature, weight=weight)


def targets(teachers: torch.Tensor | None, labels: list[int] | None = None) -> Targets:
    known = torch.tensor(labels or [UNSEEN] * ROWS)
    return Targets(labels_B=known, teachers_BMV=teachers, rows=len(known), labelled=max(int((known >= 0).sum()), 1))


def gradient(objective: Objective, student: torch.Tensor, given: Targets) -> torch.Tensor:
    leaf = student.clone().requires_grad_()
    torch.autograd.backward(objective(leaf, given))
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0, 100.0, 1000.0])
def test_soft_targets_are_t_squared_times_kl(temperature: float) -> None:
    student, teacher = logits(1, ROWS, CLASSES), logits(2, ROWS, 1, CLASSES)
    p = torch.softmax(teacher[:, 0].double() / temperature, -1)
    q = torch.softmax(student.double() / temperature, -1)
    expected = temperature**2 * (p * (p / q).log()).sum() / ROWS
    found = Objective(terms=(soft(temperature),))(student, targets(teacher))
    assert found.item() == pytest.approx(expected.item(), rel=2e-4)
    expected_gradient = temperature * (q - p) / ROWS
    got = gradient(Objective(terms=(soft(temperature),)), student, targets(teacher))
    torch.testing.assert_close(got.double(), expected_gradient, rtol=1e-3, atol=2e-6)


def test_balanced_labels_count_by_the_inverse_frequency_of_their_class() -> None:
    """By hand: of four labels three are of class 0, so they count 4/(2*3) each and the one of class 2 counts 4/(2*1): one on average."""
    seen = [0, UNSEEN, 0, 2, 0]
    weights = inverse_frequencies(np.array(seen), 4)
    assert weights.tolist() == pytest.approx([2 / 3, 0, 2, 0])
    student = logits(5, ROWS, 4)
    logs = torch.log_softmax(student, -1)
    expected = -(2 / 3 * (logs[0, 0] + logs[2, 0] + logs[4, 0]) + 2 * logs[3, 2]) / 4
    balanced = Labels(type="labels", balance="inverse_frequency", weight=0.5)
    plain = Labels(type="labels")
    objective = Objective(terms=(balanced, plain), class_weights_V=torch.from_numpy(weights))
    alike = -(logs[0, 0] + logs[2, 0] + logs[4, 0] + logs[3, 2]) / 4
    assert objective(student, targets(None, seen)).item() == pytest.approx((expected / 2 + alike).item())


def test_balanced_soft_targets_count_by_the_inverse_soft_frequency() -> None:
    """By hand: five rows, soft counts 3, 1 and 1, so that a row counts q0 5/(3*3) + (q1 + q2) 5/3; whatever the temperature of the term."""
    q = torch.tensor([[0.9, 0.05, 0.05], [0.9, 0.1, 0.0], [0.8, 0.05, 0.15], [0.3, 0.6, 0.1], [0.1, 0.2, 0.7]])
    weights = torch.from_numpy(soft_weights([q[:2], q[2:]], 3, several=False))
    assert weights.tolist() == pytest.approx([5 / 9, 5 / 3, 5 / 3])
    each = [5 / 9 * row[0] + 5 / 3 * (row[1] + row[2]) for row in q.tolist()]
    assert row_weights(q, weights).tolist() == pytest.approx(each) and sum(each) == pytest.approx(5)
    student, teacher = logits(5, ROWS, 3), q.log().clamp(min=-20)
    p, r = (torch.softmax(z / 4, -1) for z in (teacher, student))
    kl = 16 * (p * (p / r).log()).sum(-1)
    objective = Objective(terms=(BALANCED, soft(4.0, 0.5)), soft_weights_V=weights)
    expected = (kl * torch.tensor(each)).mean() + kl.mean() / 2
    assert objective(student, targets(teacher[:, None])).item() == pytest.approx(expected.item(), rel=1e-5)


def test_hard_answers_count_as_balanced_labels_do() -> None:
    """One-hot: the weights are those of the labels, and so are loss and gradient, up to what answers leave to other classes."""
    known = [0, 3, 0, 2, 0]
    given = np.array(known)
    exact = soft_weights([torch.eye(CLASSES)[known]], CLASSES, several=False)
    assert exact.tolist() == inverse_frequencies(given, CLASSES).tolist()
    assert row_weights(torch.eye(CLASSES)[known], torch.from_numpy(exact)).tolist() == exact[given].tolist()
    answers = torch.full((ROWS, 1, CLASSES), 1e-6).log()
    answers[range(ROWS), 0, known] = 0.0
    student, both = logits(6, ROWS, CLASSES), targets(answers, known)
    plain = Objective(terms=(BALANCED.model_copy(update={"temperature": 1.0}),))
    weights = torch.from_numpy(soft_weights(plain.said(answers.numpy()), CLASSES, several=False))
    taught = replace(plain, soft_weights_V=weights)
    labelled = Objective(
        terms=(Labels(type="labels", balance="inverse_frequency"),), class_weights_V=torch.from_numpy(exact)
    )
    assert taught(student, both).item() == pytest.approx(labelled(student, both).item(), rel=1e-3)
    torch.testing.assert_close(gradient(taught, student, both), gradient(labelled, student, both), rtol=1e-3, atol=1e-4)


def test_a_class_of_less_than_a_row_is_that_part_of_a_class() -> None:
    """Of two rows in all: C = 1 + 0.75 + 0.001; the third class would otherwise take a third of all weight for a thousandth of a row."""
    q = torch.tensor([[0.6245, 0.375, 0.0005], [0.6245, 0.375, 0.0005]])
    weights = soft_weights([q], 3, several=False)
    classes = 1 + 0.75 + 0.001
    assert weights.tolist() == pytest.approx([2 / (classes * 1.249), 2 / classes, 2 / classes])
    assert row_weights(q, torch.from_numpy(weights)).tolist() == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("combine", ["arithmetic", "geometric"])
def test_soft_counts_are_of_what_all_teachers_say(combine: Literal["arithmetic", "geometric"]) -> None:
    teachers = logits(7, ROWS, 2, CLASSES)
    objective = Objective(terms=(BALANCED,), combine=combine, weights=(0.25, 0.75))
    p, q = torch.softmax(teachers, -1).unbind(1)
    expected = 0.25 * p + 0.75 * q if combine == "arithmetic" else torch.softmax(0.25 * p.log() + 0.75 * q.log(), -1)
    torch.testing.assert_close(torch.cat(list(objective.said(teachers.numpy()))), expected)


@pytest.mark.parametrize("temperature", [1.0, 8.0])
def test_gradient_agrees_with_finite_differences(temperature: float) -> None:
    student, teacher = logits(3, 1, CLASSES, spread=1.0), logits(4, 1, 1, CLASSES, spread=1.0)
    objective = Objective(terms=(soft(temperature, 0.9), Labels(type="labels", weight=0.1)))
    given = targets(teacher, [2])
    found, step = gradient(objective, student, given)[0], 1e-2
    for i in range(CLASSES):
        nudge = torch.zeros_like(student)
        nudge[0, i] = step
        slope = (objective(student + nudge, given) - objective(student - nudge, given)) / (2 * step)
        assert found[i].item() == pytest.approx(slope.item(), abs=2e-3)


@pytest.mark.parametrize("temperature", [1e3, 1e4, 1e6])
def test_high_temperature_is_logit_matching(temperature: float) -> None:
    """Section 2.1: the gradient tends to (d - mean d) / V with d the difference of logits, the loss to half their variance."""
    student, teacher = logits(5, ROWS, CLASSES), logits(6, ROWS, 1, CLASSES)
    d = student - teacher[:, 0]
    matching = (d - d.mean(-1, keepdim=True)) / CLASSES / ROWS
    objective = Objective(terms=(soft(temperature),))
    found = gradient(objective, student, targets(teacher))
    torch.testing.assert_close(found, matching, rtol=20 / temperature + 1e-4, atol=20 / temperature)
    half_variance = d.var(-1, unbiased=False).mean() / 2
    assert objective(student, targets(teacher)).item() == pytest.approx(
        half_variance.item(), rel=20 / temperature + 1e-3
    )


def test_at_low_temperature_it_is_not_logit_matching() -> None:
    student, teacher = logits(5, ROWS, CLASSES), logits(6, ROWS, 1, CLASSES)
    d = student - teacher[:, 0]
    matching = (d - d.mean(-1, keepdim=True)) / CLASSES / ROWS
    assert not torch.allclose(gradient(Objective(terms=(soft(1.0),)), student, targets(teacher)), matching, atol=1e-2)


def test_a_student_like_its_teacher_has_no_loss() -> None:
    teacher = logits(7, ROWS, 1, CLASSES)
    found = Objective(terms=(soft(4.0),))(teacher[:, 0] + 11.0, targets(teacher))
    assert found.item() == pytest.approx(0.0, abs=1e-4)


def test_ensembles_by_hand() -> None:
    p, q = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.125, 0.75, 0.125])
    both = torch.stack([p, q]).log()[None]
    arithmetic = teacher_log_probabilities(both, 1.0, "arithmetic", (0.5, 0.5)).exp()[0]
    torch.testing.assert_close(arithmetic, (p + q) / 2)
    geometric = teacher_log_probabilities(both, 1.0, "geometric", (0.5, 0.5)).exp()[0]
    roots = (p * q).sqrt()
    torch.testing.assert_close(geometric, roots / roots.sum())
    weighted = teacher_log_probabilities(both, 1.0, "arithmetic", (3.0, 1.0)).exp()[0]
    torch.testing.assert_close(weighted, 0.75 * p + 0.25 * q)
    leaning = teacher_log_probabilities(both, 1.0, "geometric", (3.0, 1.0)).exp()[0]
    powers = p**0.75 * q**0.25
    torch.testing.assert_close(leaning, powers / powers.sum())


@pytest.mark.parametrize("temperature", [1.0, 5.0])
def test_means_are_of_the_distributions_at_the_temperature(temperature: float) -> None:
    z = logits(8, ROWS, 3, CLASSES)
    at_t = torch.softmax(z / temperature, -1)
    arithmetic = teacher_log_probabilities(z, temperature, "arithmetic", (1.0, 1.0, 1.0)).exp()
    torch.testing.assert_close(arithmetic, at_t.mean(1))
    product = at_t.log().mean(1).exp()
    geometric = teacher_log_probabilities(z, temperature, "geometric", (1.0, 1.0, 1.0)).exp()
    torch.testing.assert_close(geometric, product / product.sum(-1, keepdim=True))
    torch.testing.assert_close(geometric, torch.softmax(z.mean(1) / temperature, -1))


def test_equal_teachers_are_one_teacher() -> None:
    one = logits(9, ROWS, 1, CLASSES)
    single = teacher_log_probabilities(one, 3.0, None, None)
    for combine in ("arithmetic", "geometric"):
        torch.testing.assert_close(teacher_log_probabilities(one.repeat(1, 4, 1), 3.0, combine, (1, 2, 3, 4)), single)


def test_labels_are_a_mean_over_the_rows_whose_labels_are_seen() -> None:
    student = logits(10, ROWS, CLASSES)
    known = [3, UNSEEN, 0, UNSEEN, UNSEEN]
    nll = -torch.log_softmax(student, -1)
    expected = (nll[0, 3] + nll[2, 0]) / 2
    objective = Objective(terms=(Labels(type="labels"),))
    assert objective(student, targets(None, known)).item() == pytest.approx(expected.item(), rel=1e-6)
    found = gradient(objective, student, targets(None, known))
    assert (found[[1, 3, 4]] == 0).all()
    assert (found[[0, 2]] != 0).any()


def test_a_batch_without_labels_has_a_loss_of_zero_that_can_go_backward() -> None:
    student = logits(11, ROWS, CLASSES)
    found = gradient(Objective(terms=(Labels(type="labels"),)), student, targets(None))
    assert (found == 0).all()


@pytest.mark.parametrize("cuts", [[0, 2, 5], [0, 1, 2, 3, 4, 5]])
def test_parts_of_a_batch_add_up_to_it(cuts: list[int]) -> None:
    student, teacher = logits(12, ROWS, CLASSES), logits(13, ROWS, 2, CLASSES)
    objective = Objective(
        terms=(soft(4.0, 0.9), Labels(type="labels", weight=0.3), BALANCED),
        combine="arithmetic",
        weights=(0.4, 0.6),
        soft_weights_V=torch.linspace(0.1, 2.0, CLASSES),
    )
    whole = targets(teacher, [1, UNSEEN, 6, 2, UNSEEN])
    parts = [objective(student[a:b], whole.part(a, b)) for a, b in pairwise(cuts)]
    assert sum(part.item() for part in parts) == pytest.approx(objective(student, whole).item(), rel=1e-6)


def test_weights_are_used_as_written() -> None:
    student, teacher = logits(14, ROWS, CLASSES), logits(15, ROWS, 1, CLASSES)
    given = targets(teacher, [0, 1, 2, 3, 4])
    alone = [Objective(terms=(term,))(student, given).item() for term in (soft(4.0), Labels(type="labels"))]
    both = Objective(terms=(soft(4.0, 5.0), Labels(type="labels", weight=0.25)))(student, given).item()
    assert both == pytest.approx(5.0 * alone[0] + 0.25 * alone[1], rel=1e-6)


def test_half_precision_logits_are_compared_in_float32() -> None:
    student, teacher = logits(16, ROWS, CLASSES).bfloat16(), logits(17, ROWS, 1, CLASSES)
    found = Objective(terms=(soft(20.0),))(student, targets(teacher))
    assert found.dtype == torch.float32
    assert math.isfinite(found.item())
    assert found.item() == pytest.approx(Objective(terms=(soft(20.0),))(student.float(), targets(teacher)).item())
