"""The train verb on other transfer sets than rows and scores: uploaded signals, jittered copies."""

from pathlib import Path

import numpy as np

from distill.signals.scores import Scores
from spec.data import Jitter
from spec.objective import SoftTargets
from spec.params import ScoreParams
from tests.distill.conftest import TEACHER, TRAINED, Digits
from tests.distill.runs import (
    DIGITS,
    ROLES,
    held,
    here,
    run_folder,
    selection,
    write_rows,
    write_signals,
)
from tests.distill.training import trained, weights

PURE = (SoftTargets(type="soft_targets", temperature=4.0),)


def test_uploaded_logits_are_as_good_as_scores(tmp_path: Path, digits: Digits) -> None:
    ids = [f"row {i}" for i in range(TRAINED)]
    write_rows(tmp_path / "rows.arrow", digits.x[:TRAINED], digits.y[:TRAINED], ids=ids)
    logits = Scores(digits.scores, 1, tmp_path).gather(("train",), np.arange(TRAINED))[:, 0]
    order, mixed = np.random.default_rng(1).permutation(10), np.random.default_rng(2).permutation(TRAINED)
    write_signals(
        tmp_path / "signals.arrow", [ids[i] for i in mixed], np.ascontiguousarray(logits[mixed][:, order]), "logits",
        [DIGITS[i] for i in order],
    )  # fmt: skip
    roles = ROLES.model_copy(update={"id": "i"})
    given = {"train/rows.arrow": tmp_path / "rows.arrow", "signals/rows.arrow": tmp_path / "signals.arrow"}
    trained(tmp_path / "signals", digits.distilled(teachers=0, selection=selection(roles=roles)), given)
    trained(tmp_path / "scores", digits.distilled(), digits.scored)
    assert weights(tmp_path / "signals") == weights(tmp_path / "scores")


def test_rows_without_signals_are_named(tmp_path: Path, digits: Digits) -> None:
    ids = [f"row {i}" for i in range(TRAINED)]
    write_rows(tmp_path / "rows.arrow", digits.x[:TRAINED], digits.y[:TRAINED], ids=ids)
    write_signals(tmp_path / "signals.arrow", ids[:1000], np.zeros((1000, 10), np.float32), "logits", DIGITS)
    roles = ROLES.model_copy(update={"id": "i"})
    given = {"train/rows.arrow": tmp_path / "rows.arrow", "signals/rows.arrow": tmp_path / "signals.arrow"}
    params = digits.distilled(teachers=0, selection=selection(roles=roles))
    found = here(run_folder(tmp_path / "run", "train", params, given))
    assert found.error is not None
    assert found.error.code == "signals_missing"
    assert "29 of 1,029" in found.error.message
    assert "row 1000" in found.error.message


def test_jittered_copies_are_learned_with_their_own_scores(tmp_path: Path, digits: Digits) -> None:
    jitter = Jitter(type="jitter", pixels=1.0, copies=2)
    score = ScoreParams(
        teachers=(held("teacher.0", TEACHER, digits.signature),), classes=DIGITS, input="x",
        take=selection(augment=jitter),
    )  # fmt: skip
    files = {**digits.rows, "teacher.0/model.safetensors": digits.teacher / "model.safetensors"}
    assert here(run_folder(tmp_path / "score", "score", score, files)).summary["teacher_rows"] == 3 * TRAINED + 768
    scores = Scores(tmp_path / "score/outputs", 1, tmp_path)
    logits = scores.gather(("train", "copy.1", "copy.2"), np.arange(TRAINED)).reshape(3, TRAINED, 10)
    assert np.array_equal(logits[0], Scores(digits.scores, 1, tmp_path).gather(("train",), np.arange(TRAINED))[:, 0])
    assert all(np.abs(logits[a] - logits[b]).mean() > 0.1 for a, b in ((0, 1), (0, 2), (1, 2)))
    given = {**digits.rows, "scores": tmp_path / "score/outputs"}
    params = digits.distilled(selection=selection(augment=jitter), objective=PURE, steps=20)
    record = trained(tmp_path / "run", params, given)
    assert (record.rows, record.items) == (TRAINED, 3 * TRAINED)


def test_new_copies_each_epoch_need_no_number(tmp_path: Path, digits: Digits) -> None:
    params = digits.params(selection=selection(augment=Jitter(type="jitter", rotation=0.2)), steps=40)
    moved = trained(tmp_path / "moved", params, digits.rows)
    trained(tmp_path / "still", digits.params(steps=40), digits.rows)
    assert moved.items == TRAINED
    assert weights(tmp_path / "moved") != weights(tmp_path / "still")
