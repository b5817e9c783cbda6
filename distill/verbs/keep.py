"""`keep`: what filters leave of a teacher's answers. Inputs and outputs are as `answer` writes them.

Held-out rows measure the teacher: they go through as they are.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np

from distill.answers.filters import SECONDS, Applies, Filters
from distill.answers.graders import Given
from distill.data.draw import meets
from distill.data.rows import Ints, Rows
from distill.progress import Onward, Progress
from distill.report.figures import Kept, Tally
from distill.run import RunFolder
from distill.signals.scores import SHARD, Scores, index_path, shard_path
from spec.params import KeepParams
from spec.problem import Problem, Refused
from spec.run import Result

LOG, TALLY = "answers.jsonl", "answers.json"
ANSWERS, TRAIN = "answers", "train"


def run(folder: RunFolder, params: KeepParams) -> Result:
    """Stopped, it has no outputs. Refused: `nothing_kept`, `filter_too_slow`."""
    tally = Tally.model_validate_json(folder.input(f"{ANSWERS}/{TALLY}").read_bytes())
    seconds = float(folder.run.context.get("filter_seconds", SECONDS))
    filters = Filters(params.graders, _applies(folder, params), seconds)
    dropped = _filter(folder, filters, Progress(folder, start=0, total=_answered(tally), unit="rows", rows=1.0))
    if folder.stop_requested:
        folder.output(LOG).unlink()
        return Result(status="stopped")
    kept = filters.kept()
    _tell(folder, kept)
    if not kept.kept:
        raise Refused(_nothing(kept))
    _write(folder, dropped)
    folder.output(TALLY).write_text(tally.model_copy(update={"kept": kept}).model_dump_json(indent=1))
    return Result(status="succeeded", summary=kept.model_dump(include={"answered", "kept", "unmatched", "filters"}))


def _answered(tally: Tally) -> int:
    return tally.parts[TRAIN].kinds.get("answered", 0)


def _applies(folder: RunFolder, params: KeepParams) -> list[Applies]:
    path = folder.input(f"{TRAIN}/rows.arrow")
    rows = Rows.open(path) if path.exists() else None
    return [meets(rows, grader.where) if rows and grader.where else None for grader in params.graders]


def _filter(folder: RunFolder, filters: Filters, progress: Progress) -> Ints:
    """The log of answers again, rows that are left out as of kind `dropped`. Returns their numbers."""
    dropped, told = [], Onward(progress, 0)
    with folder.output(LOG).open("w", encoding="utf-8") as log:
        for line in _lines(folder):
            if folder.stop_requested:
                break
            if line["side"] == TRAIN and line["kind"] == "answered":
                row = int(line["row"])
                failing = filters.take(row, Given(texts=tuple(line["answers"]), votes=line.get("votes", 1)))
                told(filters.rows)
                if failing != ():
                    dropped.append(row)
                    line |= {"kind": "dropped", "filters": list(failing or ())}
            log.write(json.dumps(line, ensure_ascii=False) + "\n")
    return np.array(sorted(dropped), dtype=np.int64)


def _lines(folder: RunFolder) -> Iterator[dict[str, Any]]:
    with folder.input(f"{ANSWERS}/{LOG}").open(encoding="utf-8") as log:
        yield from map(json.loads, log)


def _write(folder: RunFolder, dropped: Ints) -> None:
    """Held-out rows of a file of their own as they are, and the training file's without those that were left out."""
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


def _nothing(kept: Kept) -> Problem:
    counted = [
        f"{one.dropped:,} by keep[{place}] ({one.what})" for place, one in enumerate(kept.filters) if one.dropped
    ]
    counted += [f"{kept.unmatched:,} to which none applies"] if kept.unmatched else []
    return Problem(
        code="nothing_kept",
        message=f"The filters drop all {kept.answered:,} answered training rows: {', '.join(counted)}.",
        param="data.responses.keep",
        hint="The events show some of the answers. They are not paid for again: mend the filters, and post the job once more.",
    )


def _tell(folder: RunFolder, kept: Kept) -> None:
    """A message for each filter, for some of the rows that were left out, and for all together."""
    for place, one in enumerate(kept.filters):
        text = f"keep[{place}] ({one.what}) applies to {one.applied:,} rows and drops {one.dropped:,}."
        folder.message(text, level="warning" if one.dropped else "info")
    for row in kept.dropped:
        by = ", ".join(f"keep[{place}]" for place in row.by) or "no filter applies"
        folder.message(f"train row {row.row}: {row.said} ({by})")
    none = f" To {kept.unmatched:,} no filter applies." if kept.unmatched else ""
    text = f"Of {kept.answered:,} answered training rows {kept.kept:,} are kept.{none}"
    folder.message(text, level="warning" if kept.kept < kept.answered else "info")
