"""The train verb on real digits: what changes a result changes it, and what must not does not."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from distill.data.draw import divide
from distill.data.rows import Rows
from distill.graders import measured
from distill.record import TrainRecord
from distill.students import loaded
from distill.students.predict import predict, softmax
from distill.students.scaling import Scaling
from spec.condition import Condition
from spec.grader import Nll
from spec.objective import Balance, SoftTargets
from spec.student import Convnet, Mlp
from tests.distill.conftest import SOFT, STUDENT, TEACHER, TRAINED, Digits
from tests.distill.runs import (
    DIGITS,
    ROLES,
    events,
    here,
    messages,
    run_folder,
    selection,
    signature,
    write_rows,
)
from tests.distill.training import trained, weights

PURE = (SoftTargets(type="soft_targets", temperature=4.0),)


def final(record: TrainRecord, name: str = "heldout_accuracy") -> float:
    return record.curve[-1].series[name]


def test_a_seed_gives_the_same_bytes(tmp_path: Path, digits: Digits) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        trained(tmp_path / name, digits.distilled(student=TEACHER, seed=seed), digits.scored)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert weights(tmp_path / "a") != weights(tmp_path / "c")
    files = [(tmp_path / name / "outputs/train.json").read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]


def test_soft_targets_beat_the_baseline_and_a_shuffled_teacher_does_not(tmp_path: Path, digits: Digits) -> None:
    """The whole point, on few labels; with a teacher that knows nothing it must not show."""
    few = selection(labelled=0.05)
    baseline = trained(tmp_path / "baseline", digits.params(selection=few, steps=400), digits.rows)
    student = trained(tmp_path / "student", digits.distilled(selection=few, steps=400), digits.scored)
    shutil.copytree(digits.scores, tmp_path / "shuffled")
    shard = tmp_path / "shuffled/teacher.0/train/00000.npy"
    np.save(shard, np.load(shard)[np.random.default_rng(0).permutation(TRAINED)])
    shuffled = trained(
        tmp_path / "lied", digits.distilled(selection=few, steps=400), {**digits.rows, "scores": tmp_path / "shuffled"}
    )
    assert student.initial_digest == baseline.initial_digest
    assert student.labels_seen == baseline.labels_seen == round(0.05 * TRAINED)
    assert final(student) > final(baseline) + 0.05
    assert final(shuffled) < final(baseline)


def test_balanced_soft_targets_raise_the_recall_of_a_rare_class(tmp_path: Path, digits: Digits) -> None:
    """One row of twenty is rare, and the student sees less than its teacher: left alone it calls nearly nothing rare."""
    draw = np.random.default_rng(0)
    rare = np.arange(400) % 20 == 0
    x = (rare[:, None] + draw.normal(0, 0.7, (400, 2))).astype(np.float32)
    write_rows(tmp_path / "rows.arrow", x, ["rare" if each else "usual" for each in rare])
    shard = tmp_path / "scores/teacher.0/train/00000.npy"
    shard.parent.mkdir(parents=True)
    np.save(shard, np.where(rare[:, None], np.log([0.9, 0.1]), np.log([0.02, 0.98])).astype(np.float32))
    files = {"train/rows.arrow": tmp_path / "rows.arrow", "scores": tmp_path / "scores"}
    given, student = signature((2,), ("rare", "usual")), Mlp(type="mlp", hidden_sizes=(4,))
    recalls, records = [], []
    balances: tuple[Balance, ...] = ("none", "inverse_frequency")
    for balance in balances:
        terms = (SoftTargets(type="soft_targets", balance=balance),)
        params = digits.distilled(student=student, signature=given, objective=terms, steps=300, learning_rate=0.02)
        records.append(trained(tmp_path / balance, params, files))
        module = loaded(student, given, tmp_path / balance / "outputs/model.safetensors")
        named = predict(module, Scaling.of(given.input), x, np.arange(400)).argmax(axis=1) == 0
        recalls.append(named[rare].mean())
    assert recalls[0] < 0.3 and recalls[1] > 0.7
    rare_count = 20 * 0.9 + 380 * 0.02
    weights_V = 400 / 2 / np.array([rare_count, 400 - rare_count])
    assert records[1].soft_weights == pytest.approx(np.array([[0.9, 0.1], [0.02, 0.98]]) @ weights_V)
    assert records[0].soft_weights == ()


def test_share_and_labelled_say_which_rows_count(tmp_path: Path, digits: Digits) -> None:
    record = trained(tmp_path / "a", digits.params(selection=selection(share=0.5, labelled=0.2), steps=5), digits.rows)
    assert record.rows == round(0.5 * TRAINED)
    assert record.labels_seen == round(0.2 * record.rows)
    other = trained(tmp_path / "b", digits.params(selection=selection(share=0.5), steps=5), digits.rows)
    assert other.labels_seen == other.rows == record.rows


def test_unseen_labels_are_unseen(tmp_path: Path, digits: Digits) -> None:
    """Labels outside the drawn share may be anything: the weights are the same."""
    few = selection(labelled=0.3)
    seen = set(divide(Rows.open(digits.train, ROLES), few).labelled.tolist())
    lies = [label if i in seen else "0" for i, label in enumerate(digits.y[:TRAINED])]
    write_rows(tmp_path / "lies.arrow", digits.x[:TRAINED], lies)
    for name, source in (("true", digits.train), ("lies", tmp_path / "lies.arrow")):
        trained(tmp_path / name, digits.params(selection=few), {"train/rows.arrow": source})
    assert weights(tmp_path / "true") == weights(tmp_path / "lies")


def test_labels_that_are_missing_are_unseen(tmp_path: Path, digits: Digits) -> None:
    some = [label if i % 3 else None for i, label in enumerate(digits.y[:TRAINED])]
    write_rows(tmp_path / "rows.arrow", digits.x[:TRAINED], some)
    record = trained(tmp_path / "run", digits.params(steps=5), {"train/rows.arrow": tmp_path / "rows.arrow"})
    assert record.labels_seen == sum(label is not None for label in some)


def test_the_best_on_validation_rows_is_kept(tmp_path: Path, digits: Digits) -> None:
    """A rate that ruins the end: the last weights are worse than the best, which are kept."""
    common = {"selection": selection(validation=0.2), "schedule": "constant", "learning_rate": 0.05, "steps": 150}
    headline = Nll(type="nll")
    best = trained(tmp_path / "best", digits.params(select="best", headline=headline, **common), digits.rows)
    trained(tmp_path / "last", digits.params(headline=headline, **common), digits.rows)
    values = {point.step: point.series["validation_nll"] for point in best.curve if "validation_nll" in point.series}
    assert best.best_step == min(values, key=lambda step: (values[step], step))
    assert best.validation_labels == round(0.2 * TRAINED)
    assert weights(tmp_path / "best") != weights(tmp_path / "last")
    assert validation_nll(tmp_path / "best", digits) == pytest.approx(min(values.values()), rel=1e-5)
    assert validation_nll(tmp_path / "best", digits) < validation_nll(tmp_path / "last", digits)


def validation_nll(path: Path, digits: Digits) -> float:
    rows = Rows.open(digits.train, ROLES)
    which = divide(rows, selection(validation=0.2)).validation
    module = loaded(STUDENT, digits.signature, path / "outputs/model.safetensors")
    logits = predict(module, Scaling.of(digits.signature.input), rows.inputs, which)
    return measured(Nll(type="nll"), softmax(logits), rows.targets(DIGITS)[which])


def test_bias_correction_brings_back_a_class_that_was_never_seen(tmp_path: Path, digits: Digits) -> None:
    """Section 3: no 3s in the transfer set; soft targets alone, one offset tuned on validation rows."""
    without = Condition(column="y", not_among=("3",))
    common = {"selection": selection(where=(without,), validation=0.2), "objective": PURE, "steps": 400}
    plain = trained(tmp_path / "plain", digits.distilled(**common), digits.scored)
    fixed = trained(tmp_path / "fixed", digits.distilled(bias_correction=True, **common), digits.scored)
    assert fixed.bias_classes == ("3",)
    assert (fixed.labels_seen, plain.labels_seen) == (0, 0)
    assert (fixed.validation_labels, plain.validation_labels) == (round(0.2 * TRAINED), 0)
    assert fixed.bias_correction is not None and fixed.bias_correction > 0
    assert plain.bias_correction is None
    before, after = (load_file(tmp_path / name / "outputs/model.safetensors") for name in ("plain", "fixed"))
    changed = after["output.bias"] - before["output.bias"]
    assert changed[3].item() == pytest.approx(fixed.bias_correction, rel=1e-5)
    assert (changed[[0, 1, 2, 4, 5, 6, 7, 8, 9]] == 0).all()
    assert all(torch.equal(before[name], after[name]) for name in before if name != "output.bias")
    assert heldout_accuracy(tmp_path / "fixed", digits) > heldout_accuracy(tmp_path / "plain", digits)


def heldout_accuracy(path: Path, digits: Digits) -> float:
    module = loaded(STUDENT, digits.signature, path / "outputs/model.safetensors")
    with torch.no_grad():
        answers = module(torch.from_numpy(digits.x[TRAINED:]) / 16).argmax(1)
    return float((answers == torch.tensor([int(label) for label in digits.y[TRAINED:]])).float().mean())


def test_a_loss_that_is_no_number_stops_within_a_step(tmp_path: Path, digits: Digits) -> None:
    params = digits.params(optimizer="sgd", learning_rate=90.0, schedule="constant", student=Mlp(type="mlp", hidden_sizes=(64, 64)), steps=100_000)  # fmt: skip
    found = here(run_folder(tmp_path / "run", "train", params, digits.rows))
    assert found.status == "failed"
    assert found.error is not None
    assert found.error.code == "loss_not_finite"
    assert found.error.param == "training.learning_rate"
    assert found.retry == "never"
    assert found.outputs == {}
    step = int(found.error.message.split("step ")[1].split()[0])
    assert (
        max((event.data["step"] for event in events(tmp_path / "run") if event.type == "progress"), default=0)
        <= step + 1
    )


def test_a_stop_step_is_the_same_schedule_cut_short(tmp_path: Path, digits: Digits) -> None:
    record = trained(tmp_path / "cut", digits.params(stop_step=60), digits.rows)
    assert (record.steps, record.planned_steps) == (60, 200)
    trained(tmp_path / "short", digits.params(steps=60), digits.rows)
    assert weights(tmp_path / "cut") != weights(tmp_path / "short")


@pytest.mark.parametrize("micro", [33, 16])
def test_a_micro_batch_changes_the_rounding_only(tmp_path: Path, digits: Digits, micro: int) -> None:
    params = digits.distilled(student=Mlp(type="mlp", hidden_sizes=(16,)), steps=30, selection=selection(labelled=0.2))
    trained(tmp_path / "whole", params, digits.scored)
    trained(tmp_path / "parts", params, digits.scored, micro_batch=micro)
    whole, parts = (load_file(tmp_path / name / "outputs/model.safetensors") for name in ("whole", "parts"))
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-3, atol=1e-4)


def test_a_batch_norm_never_sees_a_single_row(tmp_path: Path, digits: Digits) -> None:
    trained(tmp_path / "run", digits.params(steps=3, batch_size=5), digits.rows, micro_batch=1)
    found = here(run_folder(tmp_path / "one", "train", digits.params(steps=3, batch_size=1), digits.rows))
    assert found.error is not None
    assert found.error.code == "batch_too_small"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("optimizer", {"optimizer": "sgd"}),
        ("schedule", {"schedule": "cosine"}),
        ("weight_decay", {"weight_decay": 0.5}),
        ("learning_rate", {"learning_rate": 1e-3}),
        ("precision", {"precision": "bfloat16"}),
        ("temperature", {"objective": (SOFT[0].model_copy(update={"temperature": 2.0}), SOFT[1])}),
        ("weight", {"objective": (SOFT[0].model_copy(update={"weight": 0.5}), SOFT[1])}),
        ("max_norm", {"student": STUDENT.model_copy(update={"max_norm": 0.5})}),
        ("dropout", {"student": STUDENT.model_copy(update={"dropout": 0.3})}),
        ("norm", {"student": STUDENT.model_copy(update={"norm": "layer"})}),
        ("batch_size", {"batch_size": 32}),
        ("architecture", {"student": Convnet(type="convnet", channels=(4,), hidden=8)}),
    ],
)
def test_what_a_job_says_changes_its_weights(
    tmp_path: Path, digits: Digits, name: str, changed: dict[str, Any]
) -> None:
    record = trained(tmp_path / name, digits.distilled(steps=30, **changed), digits.scored)
    trained(tmp_path / "plain", digits.distilled(steps=30), digits.scored)
    assert weights(tmp_path / name) != weights(tmp_path / "plain")
    assert record.curve[-1].series["train_loss"] > 0


def test_teachers_weights_and_means_change_weights(tmp_path: Path, digits: Digits) -> None:
    shutil.copytree(digits.scores, tmp_path / "scores")
    shutil.copytree(digits.scores / "teacher.0", tmp_path / "scores/teacher.1")
    shard = tmp_path / "scores/teacher.1/train/00000.npy"
    np.save(shard, np.load(shard)[:, ::-1].copy())
    given = {**digits.rows, "scores": tmp_path / "scores"}
    arms = [("geometric", (0.5, 0.5)), ("arithmetic", (0.5, 0.5)), ("geometric", (0.9, 0.1))]
    for i, (combine, shares) in enumerate(arms):
        params = digits.distilled(steps=20, teachers=2, combine=combine, weights=shares)
        trained(tmp_path / str(i), params, given)
    assert len({weights(tmp_path / str(i)) for i in range(3)}) == 3


def test_what_a_run_tells(tmp_path: Path, digits: Digits) -> None:
    record = trained(tmp_path / "run", digits.params(steps=100), digits.rows)
    told = [event for event in events(tmp_path / "run") if event.type == "metrics"]
    assert [(event.data["step"], event.data["series"]) for event in told] == [(p.step, p.series) for p in record.curve]
    assert 40 <= len(record.curve) <= 50
    assert sum("heldout_accuracy" in point.series for point in record.curve) <= 24
    assert record.curve[-1].step == 100
    assert final(record) == pytest.approx(heldout_accuracy(tmp_path / "run", digits))
    first = next(event for event in events(tmp_path / "run") if event.type == "progress")
    assert first.data["steps"] == 100
    assert first.data["loss"] > 0 if "loss" in first.data else first.data["step"] == 1
    assert messages(tmp_path / "run") == ""


def test_no_rows_left_is_a_reason(tmp_path: Path, digits: Digits) -> None:
    nothing = selection(where=(Condition(column="y", among=("11",)),))
    found = here(run_folder(tmp_path / "run", "train", digits.params(selection=nothing), digits.rows))
    assert found.error is not None
    assert found.error.code == "no_training_rows"
    assert found.retry == "never"
