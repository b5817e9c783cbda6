"""Every figure of grade.json, computed again from predictions.npz and the rows by another way."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from distill.graders.wilson import wilson
from distill.report.figures import Grade
from distill.signals.scores import Scores
from spec.evaluation import Contract
from spec.facts import Roles
from spec.grader import F1, Accuracy, Calibration, Nll
from spec.params import GradedModel, GradeParams
from tests.distill.conftest import STUDENT, TRAINED, Digits
from tests.distill.runs import DIGITS, ROLES, here, run_folder, selection, write_rows, write_signals

GRADERS = (Accuracy(type="accuracy"), Nll(type="nll"), F1(type="f1"), Calibration(type="calibration"))
FEW = selection(labelled=0.05)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> dict[str, Path]:
    """Outputs of a student, and of its baseline."""
    root = tmp_path_factory.mktemp("trained")
    student = digits.distilled(selection=FEW, steps=300)
    baseline = digits.params(selection=FEW, steps=300)
    assert here(run_folder(root / "student", "train", student, digits.scored)).status == "succeeded"
    assert here(run_folder(root / "no_teacher", "train", baseline, digits.rows)).status == "succeeded"
    return {name: root / name / "outputs" for name in ("student", "no_teacher")}


def params(digits: Digits, **changed: Any) -> GradeParams:
    plain = {
        "selection": FEW, "student": STUDENT, "signature": digits.signature, "graders": GRADERS, "contract": Contract(),
        "models": (
            GradedModel(role="student", path="student"), GradedModel(role="no_teacher", path="no_teacher"),
            GradedModel(role="all_labels", path="all_labels"), GradedModel(role="untrained", path=None, seed=1, labels_seen=0),
        ),
        "teachers": 1, "teacher_labels": (1029,), "temperature": 4.0, "bootstrap": 500,
    }  # fmt: skip
    return GradeParams.model_validate(plain | changed)


def graded(path: Path, given: GradeParams, inputs: dict[str, Path]) -> tuple[Grade, dict[str, npt.NDArray[Any]]]:
    found = here(run_folder(path, "grade", given, inputs))
    assert found.status == "succeeded", found.error
    with np.load(path / "outputs/predictions.npz", allow_pickle=False) as arrays:
        return Grade.model_validate_json((path / "outputs/grade.json").read_bytes()), dict(arrays)


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, digits: Digits, trained: dict[str, Path]
) -> tuple[Grade, dict[str, npt.NDArray[Any]]]:
    return graded(tmp_path_factory.mktemp("grade") / "run", params(digits), {**digits.scored, **trained})


def test_who_is_graded(both: tuple[Grade, dict[str, npt.NDArray[Any]]]) -> None:
    """A baseline whose step gave nothing is left out."""
    grade, _ = both
    assert [role.role for role in grade.roles] == ["teacher.0", "student", "no_teacher", "untrained"]
    assert (grade.teacher, grade.rows, grade.train_rows, grade.groups) == ("teacher.0", 768, TRAINED, None)
    assert [role.labels_seen for role in grade.roles] == [1029, 51, 51, 0]
    assert [role.steps for role in grade.roles] == [None, 300, 300, None]
    assert [(each.first, each.second) for each in grade.differences] == [
        ("student", "no_teacher"), ("student", "untrained"), ("student", "teacher.0"),
    ]  # fmt: skip
    assert [curve.role for curve in grade.curves] == ["student", "no_teacher"]


def test_metrics_and_confusions(both: tuple[Grade, dict[str, npt.NDArray[Any]]], digits: Digits) -> None:
    grade, arrays = both
    truth = np.array([int(label) for label in digits.y[TRAINED:]])
    assert np.array_equal(arrays["truth"], truth)
    for role in grade.roles:
        p = arrays[role.role.replace(".", "_")].astype(np.float64)
        answers = p.argmax(1)
        expected = {
            "accuracy": accuracy_score(truth, answers),
            "nll": log_loss(truth, p / p.sum(1, keepdims=True), labels=range(10)),
            "f1": f1_score(truth, answers, average="macro"),
        }
        for name, value in expected.items():
            found = role.metrics[name]
            assert found.value == pytest.approx(value, abs=1e-5)
            assert found.low is not None and found.high is not None
            assert found.low <= found.value <= found.high
        assert role.confusion == tuple(map(tuple, confusion_matrix(truth, answers, labels=range(10)).tolist()))
        gaps = sum(each.rows * abs(each.accuracy - each.confidence) for each in role.calibration) / len(truth)
        assert role.metrics["calibration"].value == pytest.approx(gaps, abs=1e-9)


def test_retention_lift_and_differences(both: tuple[Grade, dict[str, npt.NDArray[Any]]]) -> None:
    grade, arrays = both
    hits = {name: arrays[name].argmax(1) == arrays["truth"] for name in ("student", "no_teacher", "teacher_0")}
    accuracy = {name: found.mean() for name, found in hits.items()}
    headline = grade.headline
    assert headline.metric == "accuracy"
    assert headline.retention is not None and headline.lift is not None
    assert headline.retention.value == pytest.approx(accuracy["student"] / accuracy["teacher_0"])
    assert headline.lift.value == pytest.approx(accuracy["student"] - accuracy["no_teacher"])
    assert headline.lift_all_labels is None
    draws = np.random.default_rng(9).integers(0, 768, (3000, 768))
    lifts = np.sort((hits["student"].astype(int) - hits["no_teacher"])[draws].mean(1))
    assert headline.lift.low == pytest.approx(lifts[75], abs=0.006)
    assert headline.lift.high == pytest.approx(lifts[2925], abs=0.006)
    ratios = np.sort(hits["student"][draws].mean(1) / hits["teacher_0"][draws].mean(1))
    assert headline.retention.low == pytest.approx(ratios[75], abs=0.006)
    assert headline.retention.high == pytest.approx(ratios[2925], abs=0.006)
    assert grade.differences[0].metrics["accuracy"] == headline.lift


def test_a_metric_where_less_is_better_turns_the_headline_round(tmp_path: Path, digits: Digits, trained: dict[str, Path]) -> None:  # fmt: skip
    given = params(digits, graders=(Nll(type="nll"),), bootstrap=200)
    grade, _ = graded(tmp_path / "run", given, {**digits.scored, **trained})
    values = {role.role: role.metrics["nll"].value for role in grade.roles}
    assert grade.headline.retention is not None and grade.headline.lift is not None
    assert grade.headline.retention.value == pytest.approx(values["teacher.0"] / values["student"])
    assert grade.headline.lift.value == pytest.approx(values["no_teacher"] - values["student"])
    assert not grade.headline.higher_is_better


def test_how_bad_mistakes_are(both: tuple[Grade, dict[str, npt.NDArray[Any]]]) -> None:
    grade, arrays = both
    teacher = arrays["teacher_0"]
    assert [each.role for each in grade.mistakes] == ["student", "no_teacher", "untrained"]
    for each in grade.mistakes:
        answers = arrays[each.role].argmax(1)
        wrong = answers != arrays["truth"]
        assert each.rows == wrong.sum()
        assert each.teacher_probability is not None
        expected = teacher[np.flatnonzero(wrong), answers[wrong]].mean()
        assert each.teacher_probability.value == pytest.approx(expected, abs=1e-6)


def test_rows_side_by_side(both: tuple[Grade, dict[str, npt.NDArray[Any]]], digits: Digits) -> None:
    """Student against teacher first; the picture is the row."""
    grade, arrays = both
    differ = arrays["student"].argmax(1) != arrays["teacher_0"].argmax(1)
    assert grade.disagreements == differ.sum()
    shown = [each.row for each in grade.side_by_side]
    assert len(shown) == len(set(shown)) == 60
    assert differ[shown].tolist() == sorted(differ[shown].tolist(), reverse=True)
    assert differ[shown].sum() == min(differ.sum(), 60)
    for each in grade.side_by_side[:5]:
        assert each.truth == digits.y[TRAINED + each.row]
        assert each.probabilities["student"] == pytest.approx(tuple(arrays["student"][each.row].tolist()), abs=1e-5)
        assert each.picture is not None
        pixels = np.frombuffer(base64.b64decode(each.picture.data), np.uint8).reshape(8, 8)
        assert (pixels == np.round(digits.x[TRAINED + each.row] * (255 / 16))).all()


def test_dark_knowledge(both: tuple[Grade, dict[str, npt.NDArray[Any]]], digits: Digits, tmp_path: Path) -> None:
    grade, _ = both
    dark = grade.dark_knowledge
    assert dark is not None
    z = Scores(digits.scores, 1, tmp_path).gather(("train",), np.arange(TRAINED))[:, 0].astype(np.float64) / 4
    soft = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert sum(dark.counts) == dark.rows == TRAINED and dark.labelled == 51
    assert np.allclose(np.array(dark.mean).sum(1), 1, atol=1e-4)
    teacher_says = soft.argmax(1)
    labels = np.array([int(label) for label in digits.y[:TRAINED]])
    assert abs(np.array(dark.counts) - np.bincount(labels, minlength=10)).sum() <= 2 * (teacher_says != labels).sum()
    for found in dark.confusions:
        i, j = int(found.truth), int(found.looks_like)
        assert i != j
        assert found.share == pytest.approx(dark.mean[i][j], abs=1e-5)
        assert found.least_share == pytest.approx(min(dark.mean[i][k] for k in range(10) if k != i), abs=1e-5)
    shares = [found.share for found in dark.confusions]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(max(dark.mean[i][j] for i in range(10) for j in range(10) if i != j), abs=1e-5)
    assert len(dark.richest) == 16
    assert len({row.truth for row in dark.richest[:10]}) == 10
    entropies = -(soft * np.log(soft)).sum(1)
    assert max(row.entropy for row in dark.richest) == pytest.approx(entropies.max(), rel=1e-5)
    assert all(row.entropy == pytest.approx(entropies[row.row], rel=1e-5) for row in dark.richest)


def test_an_ensemble_stands_beside_its_teachers(tmp_path: Path, digits: Digits, trained: dict[str, Path]) -> None:
    scores = tmp_path / "scores"
    for m, noise in enumerate((0.0, 3.0)):
        for part in ("train", "heldout"):
            target = scores / f"teacher.{m}/{part}/00000.npy"
            target.parent.mkdir(parents=True)
            z = np.load(digits.scores / f"teacher.0/{part}/00000.npy")
            np.save(target, z + np.random.default_rng(m).normal(0, noise, z.shape).astype(np.float32))
    given = params(digits, teachers=2, combine="arithmetic", weights=(0.7, 0.3), bootstrap=200)
    grade, arrays = graded(tmp_path / "run", given, {**digits.rows, "scores": scores, **trained})
    assert grade.teacher == "ensemble"
    assert [role.role for role in grade.roles][:3] == ["ensemble", "teacher.0", "teacher.1"]
    mixed = 0.7 * arrays["teacher_0"] + 0.3 * arrays["teacher_1"]
    np.testing.assert_allclose(arrays["ensemble"], mixed, rtol=1e-4, atol=1e-6)
    assert set(grade.side_by_side[0].probabilities) == {"ensemble", "student", "no_teacher", "untrained"}


def test_groups_are_resampled_whole(tmp_path: Path, digits: Digits, trained: dict[str, Path]) -> None:
    groups = [f"writer {i // 64}" for i in range(768)]
    write_rows(tmp_path / "rows.arrow", digits.x[TRAINED:], digits.y[TRAINED:], groups=groups)
    grouped = Roles(input="x", label="y", group="g")
    write_rows(tmp_path / "train.arrow", digits.x[:TRAINED], digits.y[:TRAINED], groups=["a"] * TRAINED)
    given = params(digits, selection=selection(roles=grouped), bootstrap=500)
    inputs = {**digits.scored, **trained, "train/rows.arrow": tmp_path / "train.arrow", "heldout/rows.arrow": tmp_path / "rows.arrow"}  # fmt: skip
    grade, _ = graded(tmp_path / "run", given, inputs)
    assert grade.groups == 12
    found = grade.roles[2].metrics["accuracy"]
    assert found.low is not None and found.high is not None
    assert found.low < found.value < found.high
    assert (found.low, found.high) != wilson(round(found.value * 768), 768)


def test_rows_without_labels_are_counted_and_left_out(tmp_path: Path, digits: Digits, trained: dict[str, Path]) -> None:
    some = [label if i % 4 else None for i, label in enumerate(digits.y[TRAINED:])]
    write_rows(tmp_path / "rows.arrow", digits.x[TRAINED:], some)
    inputs = {**digits.scored, **trained, "heldout/rows.arrow": tmp_path / "rows.arrow"}
    grade, arrays = graded(tmp_path / "run", params(digits, bootstrap=100), inputs)
    assert (grade.rows, grade.unlabelled) == (576, 192)
    assert arrays["rows"].tolist() == [i for i in range(768) if i % 4]
    write_rows(tmp_path / "none.arrow", digits.x[TRAINED:], [None] * 768)
    refused = {**inputs, "heldout/rows.arrow": tmp_path / "none.arrow"}
    found = here(run_folder(tmp_path / "refused", "grade", params(digits), refused))
    assert found.error is not None
    assert found.error.code == "no_heldout_rows"


def test_signals_that_miss_a_heldout_row_grade_no_teacher(
    tmp_path: Path, digits: Digits, trained: dict[str, Path]
) -> None:
    ids = [f"row {i}" for i in range(1797)]
    z = np.concatenate([np.load(digits.scores / f"teacher.0/{part}/00000.npy") for part in ("train", "heldout")])
    write_rows(tmp_path / "train.arrow", digits.x[:TRAINED], digits.y[:TRAINED], ids=ids[:TRAINED])
    write_rows(tmp_path / "heldout.arrow", digits.x[TRAINED:], digits.y[TRAINED:], ids=ids[TRAINED:])
    roles = ROLES.model_copy(update={"id": "i"})
    given = params(digits, teachers=0, signals=True, selection=selection(roles=roles), bootstrap=100)
    inputs = {**trained, "train/rows.arrow": tmp_path / "train.arrow", "heldout/rows.arrow": tmp_path / "heldout.arrow"}
    for name, count in (("all", 1797), ("some", 1790)):
        write_signals(tmp_path / f"{name}.arrow", ids[:count], z[:count], "logits", DIGITS)
    grade, _ = graded(tmp_path / "all", given, {**inputs, "signals/rows.arrow": tmp_path / "all.arrow"})
    assert (grade.teacher, grade.unscored) == ("teacher.0", 0)
    assert grade.side_by_side[0].id == f"row {TRAINED + grade.side_by_side[0].row}"
    grade, _ = graded(tmp_path / "some", given, {**inputs, "signals/rows.arrow": tmp_path / "some.arrow"})
    assert (grade.teacher, grade.unscored) == (None, 7)
    assert grade.headline.retention is None
    assert grade.headline.lift is not None
    assert grade.dark_knowledge is not None
    assert grade.mistakes == ()


def test_labels_only_has_no_teacher_and_no_lift(tmp_path: Path, digits: Digits, trained: dict[str, Path]) -> None:
    only = (GradedModel(role="student", path="student"),)
    given = params(digits, teachers=0, temperature=None, models=only, bootstrap=100, selection=selection(heldout=0.25))
    grade, arrays = graded(tmp_path / "run", given, {"train/rows.arrow": digits.train, "student": trained["student"]})
    assert (grade.teacher, grade.headline.retention, grade.headline.lift) == (None, None, None)
    assert (grade.differences, grade.dark_knowledge, grade.disagreements) == ((), None, 0)
    assert grade.rows == len(arrays["rows"]) == round(0.25 * TRAINED)


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path, digits: Digits, trained: dict[str, Path]) -> None:
    given = params(digits, bootstrap=100)
    found = [here(run_folder(tmp_path / name, "grade", given, {**digits.scored, **trained})) for name in ("a", "b")]
    assert found[0].outputs == found[1].outputs
    assert found[0].summary == found[1].summary
    assert found[0].summary["metric"] == "accuracy"
