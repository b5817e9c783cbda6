"""`keep`: what filters leave of a teacher's answers. Inputs and outputs are as `answer` writes them (distill/answers/layout.py).

Held-out rows measure the teacher: they go through as they are. A judge among the filters is asked later, by a step of its own.
"""

import numpy as np

from distill.answers.filters import SECONDS, Filters, applying
from distill.answers.graders import Given
from distill.answers.kept import tell
from distill.answers.layout import DROPPED, LOG, TALLY, TRAIN, kept, lines, tally, write_scores, written
from distill.answers.noise import Log
from distill.data.rows import Ints, Rows
from distill.progress import Onward, Progress
from distill.run import RunFolder
from spec import cost
from spec.grader import Judge
from spec.params import KeepParams
from spec.run import Result


def run(folder: RunFolder, params: KeepParams) -> Result:
    """Stopped, it has no outputs. Refused: `nothing_kept`, `filter_too_slow`."""
    asked = tally(folder)
    seconds = float(folder.run.context.get("filter_seconds", SECONDS))
    path = folder.input(f"{TRAIN}/rows.arrow")
    rows = Rows.open(path) if path.exists() else None
    answered = asked.parts[TRAIN].kinds.get("answered", 0)
    allowed = cost.filtering(answered * asked.samples, len(params.graders))
    filters = Filters(params.graders, applying(rows, params.graders), seconds, allowed)
    left = Log(asked.classes)
    dropped = _filter(folder, filters, left, Progress(folder, start=0, total=answered, unit="rows", rows=1.0))
    if folder.stop_requested:
        folder.output(LOG).unlink()
        return Result(status="stopped")
    found = filters.kept().model_copy(update={"noise": left.noise()})
    mine = (place for place, grader in enumerate(params.graders) if not isinstance(grader, Judge))
    tell(folder, found, mine, found.dropped)
    write_scores(folder, dropped)
    folder.output(TALLY).write_text(asked.model_copy(update={"kept": found}).model_dump_json(indent=1))
    return Result(status="succeeded", summary=found.facts())


def _filter(folder: RunFolder, filters: Filters, left: Log, progress: Progress) -> Ints:
    """The log of answers again, rows that are left out as of kind `dropped`. Returns their numbers."""
    dropped, told = [], Onward(progress, 0)
    with folder.output(LOG).open("w", encoding="utf-8") as log:
        for line in lines(folder):
            if folder.stop_requested:
                break
            if kept(line):
                row = int(line["row"])
                failing = filters.take(row, Given(texts=tuple(line["answers"]), votes=line.get("votes", 1)))
                told(filters.rows)
                if failing != ():
                    dropped.append(row)
                    line |= {"kind": DROPPED, "filters": list(failing or ())}
                else:
                    left.add(line)
            log.write(written(line))
    return np.array(sorted(dropped), dtype=np.int64)
