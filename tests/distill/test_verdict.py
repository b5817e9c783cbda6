"""The two clauses of the first line: every row of the rules, and the bounds where one word becomes another."""

import math

import pytest

from distill.report.figures import Figure, Grade, Verdict
from distill.report.verdict import at_size, helped, kept, verdict
from tests.distill.reports import grade, headline


def of(retention: Figure | None, lift: Figure | None, compression: float | None = 16.5, **changes: object) -> Verdict:
    judged = grade().model_copy(update={"headline": headline(retention, lift, **changes)})
    return verdict(judged, compression)


def f(value: float, low: float, high: float) -> Figure:
    return Figure(value=value, low=low, high=high)


KEPT = f(0.986, 0.974, 0.996)
HELPED = f(0.043, 0.026, 0.061)


@pytest.mark.parametrize(
    ("retention", "word", "words"),
    [
        (KEPT, "kept", "Kept 98.6% [97.4, 99.6] of the teacher’s accuracy at 1/17 of its size; +4.3"),
        (
            f(0.901, 0.88, 0.92),
            "kept only",
            "Kept only 90.1% [88.0, 92.0] of the teacher’s accuracy at 1/17 of its size; +4.3",
        ),
        (
            f(0.937, 0.919, 0.954),
            "kept about",
            "Kept about 93.7% [91.9, 95.4] of the teacher’s accuracy at 1/17 of its size; the rows do not settle whether that is 95%. +4.3",
        ),
    ],
)
def test_retention(retention: Figure, word: str, words: str) -> None:
    found = of(retention, HELPED)
    assert found.kept == word
    assert found.sentence == f"{words} points [2.6, 6.1] over training without a teacher."


@pytest.mark.parametrize(
    ("lift", "settle", "word", "words"),
    [
        (HELPED, None, "helped", "+4.3 points [2.6, 6.1] over training without a teacher."),
        (
            f(-0.019, -0.03, -0.008),
            None,
            "hurt",
            "distillation hurt: −1.9 points [−3.0, −0.8] against training without a teacher.",
        ),
        (
            f(-0.005, -0.016, 0.005),
            None,
            "did not help",
            "distillation did not help here: −0.5 points [−1.6, 0.5] against training without a teacher.",
        ),
        (
            f(0.009, -0.003, 0.021),
            2345,
            "inconclusive",
            "inconclusive: +0.9 points [−0.3, 2.1] over training without a teacher; about 2,345 rows would settle it.",
        ),
    ],
)
def test_lift(lift: Figure, settle: int | None, word: str, words: str) -> None:
    found = of(KEPT, lift, rows_to_settle=settle)
    assert found.helped == word
    assert found.sentence == f"Kept 98.6% [97.4, 99.6] of the teacher’s accuracy at 1/17 of its size; {words}"


def test_bounds_are_compared_unrounded() -> None:
    below = math.nextafter(0.95, 0)
    assert kept(f(0.96, 0.95, 0.97), 0.95) == "kept"
    assert kept(f(0.96, below, 0.97), 0.95) == "kept about"
    assert kept(f(0.94, 0.93, 0.95), 0.95) == "kept about"
    assert kept(f(0.94, 0.93, below), 0.95) == "kept only"
    tiny = math.nextafter(0.0, 1)
    assert helped(f(0.01, tiny, 0.02), 0.01) == "helped"
    assert helped(f(0.01, 0.0, 0.02), 0.01) == "inconclusive"
    assert helped(f(0.001, 0.0, math.nextafter(0.01, 0)), 0.01) == "did not help"
    assert helped(f(0.001, 0.0, 0.01), 0.01) == "inconclusive"
    assert helped(f(-0.01, -0.02, 0.0), 0.01) == "did not help"
    assert helped(f(-0.01, -0.02, -tiny), 0.01) == "hurt"


def test_what_was_asked_for_is_a_setting() -> None:
    assert of(f(0.986, 0.974, 0.996), HELPED, asked_retention=0.985).kept == "kept about"
    assert "whether that is 98.5%" in of(f(0.986, 0.974, 0.996), HELPED, asked_retention=0.985).sentence
    assert of(KEPT, f(0.009, -0.003, 0.021), asked_lift=0.03).helped == "did not help"


def test_a_bound_that_rounds_to_zero_has_two_decimals() -> None:
    assert "[0.04, 2.5]" in of(KEPT, f(0.012, 0.0004, 0.025)).sentence
    assert "[−0.04, 2.5]" in of(KEPT, f(0.012, -0.0004, 0.025)).sentence
    assert "[0.00, 2.5]" in of(KEPT, f(0.012, 0.0, 0.025)).sentence


@pytest.mark.parametrize(
    ("compression", "words"),
    [
        (16.5, " at 1/17 of its size"),
        (16.4, " at 1/16 of its size"),
        (16.52, " at 1/17 of its size"),
        (1.0, " at its size"),
        (0.5, " at 2.0 times its size"),
        (None, ""),
    ],
)
def test_size(compression: float | None, words: str) -> None:
    assert at_size(compression) == words


def test_lower_is_better_where_it_is() -> None:
    found = of(f(0.7, 0.6, 0.8), f(0.1398, 0.08, 0.2), metric="nll", higher_is_better=False)
    assert "teacher’s negative log-likelihood" in found.sentence
    assert "+0.140 nats [0.080, 0.200]" in found.sentence


def test_without_a_teacher_the_level_is_said() -> None:
    alone = grade(roles=("student",))
    found = verdict(alone, None)
    assert found.sentence == "Accuracy of 95.0% [93.0, 97.0] on 200 held-out rows, by labels alone."
    assert found.labels == "The student saw the labels of 40 of 500 training rows."
    assert (found.kept, found.helped) == (None, None)


def test_without_a_baseline_it_says_so() -> None:
    assert of(KEPT, None).sentence.endswith("size; no baseline without a teacher was trained to compare with.")


def test_what_has_no_interval_gets_no_word() -> None:
    found = of(Figure(value=float("1")), Figure(value=0.1))
    assert (found.kept, found.helped) == (None, None)
    assert "cannot be said" in found.sentence


def baseline_saw(number: int) -> Grade:
    judged: Grade = grade()
    roles = (
        role.model_copy(update={"labels_seen": number if role.role == "no_teacher" else role.labels_seen})
        for role in judged.roles
    )
    changed: Grade = judged.model_copy(update={"roles": tuple(roles)})
    return changed


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (40, "the labels of 40 of 500 training rows"),
        (500, "the labels of all 500 training rows"),
        (0, "no label of the 500 training rows"),
    ],
)
def test_who_saw_which_labels(seen: int, words: str) -> None:
    judged = baseline_saw(seen).model_copy(update={"labels_seen": seen})
    assert verdict(judged, None).labels == (
        f"Which labels the teachers were trained on is not known here; student and baseline saw {words}, "
        "and the student the teachers’ answers on all 500."
    )


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "classes",
            "the inverse frequency of the class: between 0.40 and 2.50 times on average, by the class that is the most probable.",
        ),
        (
            "multilabel",
            "the inverse frequency of a class’s yes and no: a yes between 0.40 and 2.50 times on average, by its class.",
        ),
    ],
)
def test_balanced_soft_targets_are_told(output: str, words: str) -> None:
    """A class that no answer names is none of the two."""
    judged = grade().model_copy(update={"output": output, "soft_weights": (0.4, 0.0, 2.5, 0.7)})
    assert verdict(judged, None).labels.endswith(f" Soft targets counted by {words}")


def test_a_baseline_that_saw_other_labels_than_the_student() -> None:
    """A student of soft targets alone sees none, and its baseline must learn from something."""
    told = verdict(baseline_saw(500).model_copy(update={"labels_seen": 0}), None).labels
    assert told.endswith(
        "; the baseline saw the labels of all 500 training rows, the student no label of the 500 training rows, "
        "and the teachers’ answers on all 500."
    )


@pytest.mark.parametrize(("each", "words"), [((60, 60), "60 labels"), ((60, 30), "up to 60 labels")])
def test_labels_that_teachers_saw(each: tuple[int, int], words: str) -> None:
    seen = {"teacher.0": each[0], "teacher.1": each[1], "ensemble": max(each)}
    judged: Grade = grade()
    roles = tuple(role.model_copy(update={"labels_seen": seen.get(role.role)}) for role in judged.roles)
    assert verdict(judged.model_copy(update={"roles": roles}), None).labels.startswith(
        f"The teachers learned from {words}; "
    )


def test_labels_that_chose_are_told() -> None:
    alone = grade(roles=("student",))
    (student,) = alone.roles
    judged = alone.model_copy(update={"roles": (student.model_copy(update={"validation_labels": 30}),)})
    assert verdict(judged, None).labels.endswith("Another 30 labels, of validation rows, were used to choose.")
