"""`answer`: asks a teacher behind an endpoint about every row, held-out rows first. Outputs as `score` writes them, as if answers were scores.

Nothing is kept here: the gateway keeps every answer before it tells it, so whoever kills this asks again and pays nothing twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import IO, Any

import numpy as np

from distill.answers import judging, preview
from distill.answers.asker import OVER_BUDGET, Asker, Closed, connected
from distill.answers.choices import Choices, Reading, Shares
from distill.answers.layout import LOG, TALLY, written
from distill.answers.lists import Lists
from distill.answers.prompts import Prompts, examples, picked
from distill.answers.read import read
from distill.answers.side import Side, Sides, sample
from distill.answers.tally import agreement, log_odds, log_shares
from distill.data.draw import Division, divide, no_gold
from distill.data.rows import Ints, Labels, Rows, seen
from distill.graders.decisions import THRESHOLD
from distill.progress import InBatches, Onward, Progress
from distill.report.asked import Asked, Tally, Unanswered
from distill.run import RunFolder
from distill.signals.scores import SHARD, Floats, index_path, shard_path
from distill.signals.scratch import scratch
from spec.gateway import Message, Told
from spec.params import AnswerParams
from spec.problem import Problem, Refused
from spec.run import Result

SHOWN, MOST_SHOWN = 4, 20
"""Rows without an answer that are shown: of each kind and side, and together."""
LIKELY, PLACES = 20, 6
"""Choices of a row whose probabilities the log has, the likeliest first, and decimal places of them."""


def run(folder: RunFolder, params: AnswerParams) -> Result:
    """Refused: `heldout_labels`, `no_gateway` (typed by a person), `no_answers`, `over_budget` where the cap does not cover the held-out rows."""
    if params.judged is not None:
        return judging.run(folder, params, params.judged)
    rows = Rows.open(folder.input("train/rows.arrow"), params.take.roles)
    division = divide(rows, params.take)
    shown = examples(params.question, rows, division, params.classes, params.take.seed)
    sides: Sides = (_heldout(folder, params, rows, division), _training(folder, params, rows, division))
    if params.first is not None:
        sides = sample(sides, params.first)
    total = sum(len(side.which) for side in sides)
    progress = Progress(folder, start=0, total=total, unit="rows", rows=1.0)
    batched = bool(folder.run.context.get("batch"))
    with closing(connected(folder)) as asker, folder.output(LOG).open("w", encoding="utf-8") as log:
        before = 0
        for some in [list(sides)] if batched else [[side] for side in sides]:
            told = InBatches(folder, progress, before) if batched else Onward(progress, before)
            _ask(folder, params, some, shown, asker, log, told)
            before = sum(side.asked for side in sides)
    if folder.stop_requested or asker.stopped not in (None, OVER_BUDGET):
        return Result(status="stopped")
    cut = asker.stopped == OVER_BUDGET
    if params.first is not None:
        return _previewed(folder, params, sides, cut)
    _check(folder, sides, cut)
    _write(folder, sides)
    tally = _tally(params, sides, cut)
    folder.output(TALLY).write_text(tally.model_dump_json(indent=1))
    _tell(folder, tally)
    summary: dict[str, Any] = {
        "parts": {name: part.facts() for name, part in tally.parts.items()},
        "read": tally.read,
    }
    return Result(status="stopped" if cut else "succeeded", summary=summary, passing=_passing(sides))


def _heldout(folder: RunFolder, params: AnswerParams, rows: Rows, division: Division) -> Side:
    """Held-out rows with a gold label: the others are not graded, and nobody is paid for them. Refused (`heldout_labels`): there is none."""
    path = folder.input("heldout/rows.arrow")
    held = Rows.open(path, params.take.roles) if path.exists() else rows
    which = np.arange(held.count, dtype=np.int64) if path.exists() else division.heldout
    truth = held.targets(params.classes)[which]
    which, truth = which[seen(truth)], truth[seen(truth)]
    if not len(which):
        raise Refused(no_gold())
    return _side(folder, params, "heldout", "heldout" if path.exists() else "train", held, which, truth)


def _training(folder: RunFolder, params: AnswerParams, rows: Rows, division: Division) -> Side:
    truth = rows.targets(params.classes)[division.train].copy()
    truth[~np.isin(division.train, division.labelled)] = -1
    number = params.question.examples
    if number:  # a question that shows its own answer measures nobody
        shown = picked(rows, division.labelled, params.classes, number, params.take.seed)
        truth[np.isin(division.train, shown)] = -1
    return _side(folder, params, "train", "train", rows, division.train, truth)


def _side(
    folder: RunFolder, params: AnswerParams, name: str, part: str, rows: Rows, which: Ints, truth: Labels
) -> Side:
    return Side(
        name=name,
        part=part,
        rows=rows,
        which=which,
        logs=scratch(folder.path, (len(which), len(params.classes))),
        answered=np.zeros(len(which), dtype=np.bool_),
        truth=truth,
    )


def _previewed(folder: RunFolder, params: AnswerParams, sides: Sides, cut: bool) -> Result:
    """The answers as events, for whoever has to approve them."""
    preview.show(folder, params, sides)
    tally = _tally(params, sides, cut)
    folder.output(TALLY).write_text(tally.model_dump_json(indent=1))
    summary = {"parts": {name: part.facts() for name, part in tally.parts.items()}}
    return Result(status="stopped" if cut else "succeeded", summary=summary, passing=_passing(sides))


def _passing(sides: Sides) -> int:
    return sum(side.passing for side in sides)


def _ask(
    folder: RunFolder,
    params: AnswerParams,
    sides: Sequence[Side],
    shown: tuple[Message, ...],
    asker: Asker,
    log: IO[str],
    told: Onward,
) -> None:
    """Puts all questions of some sides, and takes the answers as they come. Refused (`no_answers`): those of a side are of no use; a preview shows them."""
    if asker.stopped is not None or not any(len(side.which) for side in sides):
        return
    choices = Lists(names=params.classes) if params.several else Choices(names=params.classes)
    asked = [(side, place) for side in sides for place in side.places()]

    def questions() -> Iterator[tuple[int, tuple[Message, ...]]]:
        prompts = {side.name: Prompts(params.question, side.rows, shown) for side in sides}
        for id, (side, place) in enumerate(asked):
            yield id, prompts[side.name].of(int(side.which[place]))

    far = told.far if isinstance(told, InBatches) else None
    try:
        for reply in asker.ask(questions(), lambda: folder.stop_requested, far):
            side, place = asked[reply.id]
            reading = read(params, choices, reply)
            _take(side, place, reply, reading, log_odds if params.several else log_shares)
            log.write(written(_line(params, side, place, reply, reading)))
            told(sum(one.asked for one in sides))
            if side.hopeless and params.first is None:
                raise _useless(folder, side)
    except Closed as error:
        raise ConnectionError("the gateway was closed") from error


def _take(side: Side, place: int, told: Told, reading: Reading, logits: Callable[[Shares], Floats]) -> None:
    side.kinds[reading.kind] += 1
    side.passing += told.passing
    if reading.shares is not None:
        side.logs[place] = logits(reading.shares)
        side.answered[place] = True
        side.outside += reading.outside
        side.hard += reading.hard
    elif side.kinds[reading.kind] <= SHOWN:
        first = told.answers[0] if told.answers else None
        said = first.text if first else f"{told.failed}: {told.message}"
        finish = first.finish_reason if first else None
        row = int(side.which[place])
        side.unanswered.append(
            Unanswered(side=side.name, row=row, kind=reading.kind, said=said[:200], finish_reason=finish)
        )


def _line(params: AnswerParams, side: Side, place: int, told: Told, reading: Reading) -> dict[str, Any]:
    """A row of answers.jsonl."""
    label: str | list[str] | None = None
    if reading.shares is not None:
        named = [name for name, share in zip(params.classes, reading.shares.tolist(), strict=True) if share > THRESHOLD]
        label = named if params.several else params.classes[int(reading.shares.argmax())]
    line: dict[str, Any] = {"side": side.name, "row": int(side.which[place]), "kind": reading.kind, "label": label}
    line |= {"gold": side.gold(place, params.classes)} | ({} if params.first is None else {"usd": told.paid / 1e6})
    if told.answers:
        line |= {"answers": [answer.text for answer in told.answers], "finish_reason": told.answers[0].finish_reason}
        line |= {"votes": reading.votes} if params.read == "votes" and reading.shares is not None else {}
        line |= {} if params.read == "text" or reading.shares is None else {"probabilities": _likely(params, reading)}
    else:
        line |= {"failed": told.failed, "message": told.message}
    return line


def _likely(params: AnswerParams, reading: Reading) -> dict[str, float]:
    """Names of the likeliest choices, each with its probability."""
    assert reading.shares is not None
    order = np.argsort(-reading.shares, kind="stable")[:LIKELY].tolist()
    return {params.classes[place]: round(float(reading.shares[place]), PLACES) for place in order}


def _useless(folder: RunFolder, side: Side) -> Refused:
    """Some of what the teacher said is told before."""
    for one in side.unanswered:
        folder.message(f"{side.name} row {one.row}: {one.kind}: {one.said}", level="warning")
    counted = ", ".join(f"{count:,} {kind}" for kind, count in side.kinds.most_common())
    message = f"Of the first {side.asked:,} of {len(side.which):,} {side.name} rows the teacher answered none ({counted or 'none asked'})."
    hint = "The events say what it said; look at the prompt, the choices and max_tokens."
    return Refused(Problem(code="no_answers", message=message, param="data.responses", hint=hint))


def _check(folder: RunFolder, sides: Sides, cut: bool) -> None:
    """Something is there to learn from, and to report about."""
    heldout, train = sides
    if cut and (heldout.asked < len(heldout.which) or not train.answered.any()):
        message = "The cap was reached before the held-out rows and a first few training rows were answered."
        hint = "Raise budget.usd: calls without a reply, or devices, have cost what the estimate does not know."
        raise Refused(Problem(code=OVER_BUDGET, message=message, param="budget.usd", hint=hint))
    for side in sides:
        if not side.answered.any():
            raise _useless(folder, side)


def _write(folder: RunFolder, sides: Sides) -> None:
    """Shards and indexes, by part of the scores."""
    for part in sorted({side.part for side in sides}):
        mine = [side for side in sides if side.part == part]
        numbers = np.concatenate([side.which[side.answered] for side in mine])
        order = np.argsort(numbers, kind="stable")
        places = [(side, place) for side in mine for place in np.flatnonzero(side.answered).tolist()]
        np.save(folder.output(index_path(part)), numbers[order], allow_pickle=False)
        for shard, first in enumerate(range(0, len(order), SHARD)):
            some = [places[i] for i in order[first : first + SHARD].tolist()]
            values = np.stack([side.logs[place] for side, place in some])
            np.save(folder.output(shard_path(0, part, shard)), values, allow_pickle=False)


def _tally(params: AnswerParams, sides: Sides, cut: bool) -> Tally:
    return Tally(
        model=params.question.model,
        read=params.read,
        samples=params.question.sampling.n,
        classes=params.classes,
        parts={
            side.name: Asked(
                asked=side.asked,
                kinds=dict(side.kinds),
                hard=side.hard,
                outside=side.outside / max(int(side.answered.sum()), 1),
                gold=agreement(side.logs[side.answered], side.truth[side.answered]),
            )
            for side in sides
        },
        unanswered=tuple(row for side in sides for row in side.unanswered)[:MOST_SHOWN],
        cut=cut,
    )


def _tell(folder: RunFolder, tally: Tally) -> None:
    """A message for each side, a warning where rows were left out."""
    for name, part in tally.parts.items():
        missing = part.asked - part.kinds.get("answered", 0)
        counted = ", ".join(f"{count:,} {kind}" for kind, count in sorted(part.kinds.items()))
        counted += f" ({part.hard:,} by their text alone)" if part.hard else ""
        folder.message(f"{name}: {part.asked:,} rows asked, {counted}.", level="warning" if missing else "info")
