"""A judge: a model is asked of each kept training row whether its answer is right. A row of which it does not say yes is dropped.

A filter as any other, but one that asks: it is the last, and its step is an `answer` step, with a gateway.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from distill.answers.asker import OVER_BUDGET, Asker, Closed, connected
from distill.answers.choices import Choices
from distill.answers.filters import MOST_SHOWN, SHOWN
from distill.answers.kept import tell
from distill.answers.layout import DROPPED, LOG, TALLY, TRAIN, kept, lines, named, tally, write_scores, written
from distill.answers.noise import Log
from distill.answers.read import read
from distill.answers.side import LOT, early_first
from distill.data.draw import meets
from distill.data.rows import Ints, Rows
from distill.progress import Progress
from distill.report.asked import Dropped, Filter, Kept
from distill.run import RunFolder
from spec.gateway import Message, Told
from spec.params import AnswerParams, Judged
from spec.problem import Problem, Refused
from spec.responses import FILTERS
from spec.run import Result
from spec.template import ANSWER, fields, render

HALF = 0.5
"""Of the samples that say yes or no: more must say yes."""


@dataclass(kw_only=True)
class Verdicts:
    """Of one judge, on the rows that were kept so far."""

    place: int
    rows: list[int] = field(default_factory=list)
    """Those that it is asked about."""
    labels: list[str] = field(default_factory=list)
    """Of each, the choice that its answers name."""
    passed: set[int] = field(default_factory=set)
    told: int = 0
    unread: int = 0
    """Rows on which it said neither yes nor no."""
    failed: int = 0
    """Rows on which it said nothing, since the call failed."""
    passing: int = 0
    """Those of them whose call failed for a reason that may pass."""
    shown: list[Dropped] = field(default_factory=list)

    @property
    def hopeless(self) -> bool:
        """Of a lot nothing can be read. A failure that may pass says nothing of it."""
        return self.told == self.unread + self.failed and self.told - self.passing >= LOT

    @property
    def dropped(self) -> Ints:
        return np.array(sorted(set(self.rows) - self.passed), dtype=np.int64)


def run(folder: RunFolder, params: AnswerParams, judged: Judged) -> Result:
    """Where a cap ends it, rows that it was not asked about are dropped. Refused: `no_gateway`, `no_answers` of a lot that can be read, `nothing_kept`, `over_budget`."""
    rows = Rows.open(folder.input(f"{TRAIN}/rows.arrow"))
    verdicts = _due(folder, judged, rows)
    with closing(connected(folder)) as asker:
        _ask(folder, params, verdicts, Questions(params.question.template, rows), asker)
    if folder.stop_requested or asker.stopped not in (None, OVER_BUDGET):
        return Result(status="stopped")
    if asker.stopped == OVER_BUDGET and not verdicts.passed:
        message = f"The cap was reached before the judge had said yes of any of {len(verdicts.rows):,} answers."
        raise Refused(Problem(code=OVER_BUDGET, message=message, param="budget.usd", hint="Raise budget.usd."))
    asked, dropped = tally(folder), verdicts.dropped
    assert asked.kept is not None
    left = _write_log(folder, judged.place, set(dropped.tolist()), Log(asked.classes))
    found = _counted(asked.kept, verdicts).model_copy(update={"noise": left.noise()})
    tell(folder, found, (judged.place,), verdicts.shown)
    write_scores(folder, dropped)
    folder.output(TALLY).write_text(asked.model_copy(update={"kept": found}).model_dump_json(indent=1))
    status = "succeeded" if asker.stopped is None else "stopped"
    return Result(status=status, summary=found.facts(), passing=verdicts.passing)


def _due(folder: RunFolder, judged: Judged, rows: Rows) -> Verdicts:
    """Kept rows to which the judge applies."""
    applies = meets(rows, judged.where) if judged.where is not None else None
    found = Verdicts(place=judged.place)
    for line in filter(kept, lines(folder)):
        if applies is None or applies[line["row"]]:
            found.rows.append(line["row"])
            found.labels.append(named(line["label"]) or "")
    return found


class Questions:
    """The message about any row and its answer."""

    def __init__(self, template: str, rows: Rows) -> None:
        self._template = template
        shown = (name for name in fields(template, rows.columns) if name != ANSWER)
        self._columns: dict[str, pa.Array] = {name: rows.texts(name) for name in shown}

    def of(self, row: int, label: str) -> tuple[Message, ...]:
        values = {name: column[row].as_py() or "" for name, column in self._columns.items()}
        return (Message(role="user", content=render(self._template, values | {ANSWER: label})),)


def _ask(folder: RunFolder, params: AnswerParams, verdicts: Verdicts, questions: Questions, asker: Asker) -> None:
    """Of rows spread over all first. Refused (`no_answers`): of these none can be read."""
    choices = Choices(names=params.classes)
    progress = Progress(folder, start=0, total=len(verdicts.rows), unit="rows", rows=1.0)

    def each() -> Iterator[tuple[int, tuple[Message, ...]]]:
        for place in early_first(len(verdicts.rows)):
            yield place, questions.of(verdicts.rows[place], verdicts.labels[place])

    try:
        for reply in asker.ask(each(), lambda: folder.stop_requested):
            reading = read(params, choices, reply)
            _take(verdicts, reply, None if reading.shares is None else bool(reading.shares[0] > HALF))
            if progress.due(verdicts.told):
                progress.tell(verdicts.told)
            if verdicts.hopeless:
                raise _useless(folder, verdicts)
    except Closed as error:
        raise ConnectionError("the gateway was closed") from error


def _take(verdicts: Verdicts, reply: Told, yes: bool | None) -> None:
    """`yes`: None where it said neither yes nor no, or nothing at all."""
    row, label = verdicts.rows[reply.id], verdicts.labels[reply.id]
    verdicts.told += 1
    verdicts.failed += reply.failed is not None
    verdicts.passing += reply.passing
    verdicts.unread += yes is None and reply.failed is None
    if yes:
        verdicts.passed.add(row)
    elif verdicts.told - len(verdicts.passed) <= SHOWN:
        said = " | ".join(answer.text for answer in reply.answers) or f"{reply.failed}: {reply.message}"
        verdicts.shown.append(Dropped(row=row, by=(verdicts.place,), said=f"{label}; judge: {said}"[:200]))


def _useless(folder: RunFolder, verdicts: Verdicts) -> Refused:
    """Some of what the judge said is told before."""
    for one in verdicts.shown:
        folder.message(f"train row {one.row}: {one.said}", level="warning")
    unread, failed = f"{verdicts.unread:,} neither yes nor no", f"{verdicts.failed:,} without a reply"
    message = f"Of the first {verdicts.told:,} of {len(verdicts.rows):,} rows the judge said yes or no of none ({unread}, {failed})."
    hint = "The events say what it said; look at its question, and at the max_tokens of its sampling."
    return Refused(Problem(code="no_answers", message=message, param=f"{FILTERS}[{verdicts.place}]", hint=hint))


def _counted(before: Kept, verdicts: Verdicts) -> Kept:
    """What is left now."""
    dropped = len(verdicts.rows) - len(verdicts.passed)
    found = list(before.filters)
    found[verdicts.place] = Filter(
        what=found[verdicts.place].what,
        applied=len(verdicts.rows),
        dropped=dropped,
        unread=verdicts.unread,
        failed=verdicts.failed,
        unasked=len(verdicts.rows) - verdicts.told,
    )
    shown = (*before.dropped[: MOST_SHOWN - len(verdicts.shown)], *verdicts.shown)
    return before.model_copy(update={"kept": before.kept - dropped, "filters": tuple(found), "dropped": shown})


def _write_log(folder: RunFolder, place: int, dropped: set[int], left: Log) -> Log:
    """Returns `left` with the lines of what is kept."""
    with folder.output(LOG).open("w", encoding="utf-8") as log:
        for line in lines(folder):
            out: dict[str, Any] = {"kind": DROPPED, "filters": [place]} if kept(line) and line["row"] in dropped else {}
            if kept(line) and not out:
                left.add(line)
            log.write(written(line | out))
    return left
