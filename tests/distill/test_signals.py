"""Uploaded signals: found by id, in the job's class order, as logits."""

from pathlib import Path

import numpy as np
import pytest

from distill.data.rows import Rows
from distill.signals.scratch import scratch
from distill.signals.uploaded import Uploaded
from distill.students.teacher import SMALLEST
from spec.facts import OutputSignature, Roles
from tests.distill.runs import write_rows, write_signals

CLASSES = ("cat", "dog", "owl")
ONE, SEVERAL = (OutputSignature(kind=kind, classes=CLASSES) for kind in ("classes", "multilabel"))
SCORES = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]], dtype=np.float32)


def test_probabilities_become_logarithms_of_the_jobs_classes(tmp_path: Path) -> None:
    path = write_signals(tmp_path / "s.arrow", ["a", "b", "c"], SCORES, "probabilities", ("owl", "cat", "dog"))
    found = Uploaded(path, ONE, tmp_path).gather(np.array([2, 0]))
    assert found.shape == (2, 1, 3)
    np.testing.assert_allclose(np.exp(found[1, 0]), [0.2, 0.1, 0.7], rtol=1e-6)
    assert found[0, 0].tolist() == pytest.approx([np.log(SMALLEST), np.log(SMALLEST), 0.0])


def test_of_several_classes_scores_between_0_and_1_are_probabilities_of_each(tmp_path: Path) -> None:
    scores = np.array([[0.7, 0.9, 0.1], [0.0, 0.5, 1.0]], dtype=np.float32)
    path = write_signals(tmp_path / "s.arrow", ["a", "b"], scores, "logits", CLASSES)
    found = Uploaded(path, SEVERAL, tmp_path).gather(np.arange(2))[:, 0]
    np.testing.assert_allclose(found[0], np.log(scores[0] / (1 - scores[0])), rtol=1e-5)
    assert found[1].tolist() == pytest.approx([np.log(SMALLEST), 0.0, -np.log(SMALLEST)])
    path = write_signals(tmp_path / "t.arrow", ["a", "b"], scores * 9 - 4, "logits", CLASSES)
    np.testing.assert_array_equal(Uploaded(path, SEVERAL, tmp_path).gather(np.arange(2))[:, 0], scores * 9 - 4)


def test_logits_are_taken_as_they_are(tmp_path: Path) -> None:
    path = write_signals(tmp_path / "s.arrow", ["a", "b", "c"], SCORES * 9 - 4, "logits", CLASSES)
    np.testing.assert_array_equal(Uploaded(path, ONE, tmp_path).gather(np.arange(3))[:, 0], SCORES * 9 - 4)


def test_rows_find_their_signals_by_id(tmp_path: Path) -> None:
    path = write_signals(tmp_path / "s.arrow", ["a", "b", "c"], SCORES, "logits", CLASSES)
    write_rows(tmp_path / "rows.arrow", np.eye(4, dtype=np.float32), ["cat"] * 4, ids=["c", "x", "a", "c"])
    rows = Rows.open(tmp_path / "rows.arrow", Roles(input="x", label="y", id="i"))
    assert Uploaded(path, ONE, tmp_path).places(rows).tolist() == [2, -1, 0, 2]


def test_a_scratch_array_leaves_no_file(tmp_path: Path) -> None:
    found = scratch(tmp_path, (1000, 2, 3))
    found[:] = 1
    assert list(tmp_path.iterdir()) == []
    assert found.sum() == 6000
    assert scratch(tmp_path, (0, 2, 3)).shape == (0, 2, 3)
