"""The files in which answers are handed on: `answers.jsonl`, `answers.json`, and scores of the rows that were answered.

`answer` writes them; what filters left of them is written in the same way, under `outputs/`, from those under `inputs/answers/`.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np

from distill.data.rows import Ints
from distill.report.asked import Tally
from distill.run import RunFolder
from distill.signals.scores import SHARD, Scores, index_path, shard_path
from spec import outcomes
from spec.responses import NONE

LOG, TALLY = outcomes.ANSWERS, "answers.json"
ANSWERS, TRAIN = "answers", "train"
DROPPED = "dropped"


def lines(folder: RunFolder) -> Iterator[dict[str, Any]]:
    """Rows of the log of answers, as they came."""
    with folder.input(f"{ANSWERS}/{LOG}").open(encoding="utf-8") as log:
        yield from map(json.loads, log)


def kept(line: dict[str, Any]) -> bool:
    """Whether it is an answered training row that no filter has dropped."""
    return bool(line["side"] == TRAIN and line["kind"] == "answered")


def written(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def named(label: str | list[str] | None) -> str | None:
    """A label of the log in words."""
    return ", ".join(label) or NONE if isinstance(label, list) else label


def tally(folder: RunFolder) -> Tally:
    return Tally.model_validate_json(folder.input(f"{ANSWERS}/{TALLY}").read_bytes())


def write_scores(folder: RunFolder, dropped: Ints) -> None:
    """Held-out rows of a file of their own as they are, and those of the training file without the ones that were dropped."""
    given = folder.input(ANSWERS)
    for path in given.rglob("*.npy"):
        if path.parent.name != TRAIN:
            shutil.copyfile(path, folder.output(path.relative_to(given).as_posix()))
    rows: Ints = np.load(given / index_path(TRAIN), allow_pickle=False)
    left = rows[~np.isin(rows, dropped)]
    np.save(folder.output(index_path(TRAIN)), left, allow_pickle=False)
    scores = Scores(given, 1, folder.path)
    for shard, first in enumerate(range(0, len(left), SHARD)):
        values = scores.gather((TRAIN,), left[first : first + SHARD])[:, 0]
        np.save(folder.output(shard_path(0, TRAIN, shard)), values, allow_pickle=False)
