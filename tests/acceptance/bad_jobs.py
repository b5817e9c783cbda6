"""Jobs that are refused for what their uploads hold, each with its whole error; `{rows}` and the like stand for ids."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.acceptance.bad import told
from tests.acceptance.uploads import CLASSES, npz

X = np.arange(120, dtype=np.float32).reshape(30, 4)
IDS = np.array([f"r{i}" for i in range(30)])
LABELS = np.array(CLASSES * 15)
COLUMNS = {"input": "x", "label": "label", "id": "id"}
SIGNALS: dict[str, Any] = {"signal": "x", "classes": CLASSES}


def rows(span: slice, labels: np.ndarray = LABELS) -> bytes:
    return npz(x=X[span], label=labels[span], id=IDS[span])


# Each is a dataset: its file, and what is asked of it. Held-out rows are `far` unless a job says otherwise.
DATASETS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "rows": (rows(slice(10)), {"columns": COLUMNS}),
    "near": (rows(slice(5, 15)), {"columns": COLUMNS}),
    "far": (rows(slice(20, 30)), {"columns": COLUMNS}),
    "others": (rows(slice(10), np.array(["a", "c"] * 15)), {"columns": COLUMNS}),
    "by_id": (npz(x=np.ones((7, 2), np.float32), id=IDS[3:10]), SIGNALS),
    "by_row": (
        npz(scores=np.ones((9, 2), np.float32), x=X[2:11]),
        {"signal": "scores", "classes": CLASSES, "columns": {"input": "x"}},
    ),
}


GOOD: dict[str, Any] = {
    "name": "good but for one thing",
    "teacher": {"models": ["{teacher}"]},
    "data": {"train": "{rows}", "heldout": "{far}"},
    "student": {"type": "mlp", "hidden_sizes": [4]},
    "objective": [{"type": "soft_targets"}],
    "training": {"steps": 5, "batch_size": 4},
    "evaluation": {"baselines": []},
}


@dataclass(frozen=True)
class BadJob:
    """What is unlike the good one, and the whole error."""

    changes: dict[str, Any]
    error: dict[str, Any]


JOBS: dict[str, BadJob] = {
    "signals whose ids are not those of the rows": BadJob(
        {"teacher": {"signals": "{by_id}"}},
        told(
            "signals_rows",
            "{by_id}/train has no scores for 3 of 10 training rows.",
            param="teacher.signals",
        ),
    ),
    "signals whose inputs are not those of the rows": BadJob(
        {"teacher": {"signals": "{by_row}"}},
        told(
            "signals_rows",
            "{by_row}/train has no scores for 2 of 10 training rows.",
            param="teacher.signals",
        ),
    ),
    "rows of the report that are learned": BadJob(
        {"data": {"train": "{rows}", "heldout": "{near}"}},
        told(
            "overlap",
            "5 of 10 rows of {near}/train (heldout) are among those of {rows}/train (train).",
            hint="Take them out, or set data.allow_overlap, and the report will say so.",
            param="data.heldout",
        ),
    ),
    "labels that the teacher does not know": BadJob(
        {"data": {"train": "{others}", "heldout": "{far}"}},
        told(
            "unknown_label",
            '{others}/train has the label "c", which is no class of the teacher.',
            hint='There is "a", "b".',
            param="data.train",
        ),
    ),
}
